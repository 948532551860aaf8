import {
  hostPortsOf,
  isTerminalPhase,
  type Pod,
  podRequests,
  portsOverlap,
  portText,
  type ResourceName,
} from "../spec/index.ts";
import { whyUnderPressure } from "./eviction/pressure.ts";
import type { Condition } from "./eviction/thresholds.ts";
import type { Node, NodeResources } from "./node.ts";
import { GATED, type Placed, type PlacementNode, whyNotBesideOthers, whyNotThisNode } from "./placement.ts";
import { record } from "./record.ts";
import { whatIsInsufficient } from "./reservations.ts";

/** Whether the pod has been given its place once: what it asks for is its own from then on (PodCondition PodScheduled). */
export const isScheduled = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status }) => type === "PodScheduled" && status === "True") ?? false;

/** Whether it still has what it asked for: a pod that is over gives it back when its sandbox has ended. */
export function holdsPlace({ runtime }: Pick<Node, "runtime">, pod: Pod): boolean {
  if (!isScheduled(pod)) return false;
  if (!isTerminalPhase(pod.status.phase)) return true;
  return runtime.listSandboxes().some(({ id, state }) => id === pod.metadata.uid && state === "ready");
}

/** What the pod waited for when it was last asked. */
export const refusalOf = ({ status }: Pod): string | undefined =>
  status.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False")?.message;

/** The scheduler's event: it has its place, or what it waits for. */
export function recordScheduling(node: Node, pod: Pod): void {
  const { namespace, name } = pod.metadata;
  const refused = refusalOf(pod);
  if (refused) record(node, pod, "Warning", "FailedScheduling", refused);
  else record(node, pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${node.facts.name}`);
}

/** The node and what is on it, as a new pod finds it. */
export interface Place extends Placed {
  readonly node: PlacementNode & { readonly allocatable: NodeResources };
  /** How much of a resource others have. */
  readonly held: (name: ResourceName | "pods") => number;
  /** What the node is short of. */
  readonly pressure: ReadonlySet<Condition>;
}

/** Why the pod can't have its place here, in the scheduler's words and by its filters' order; none: it can. Pure. */
export function whyNotHere(pod: Pod, place: Place): readonly string[] {
  const alone = whyNotThisNode(pod, place.node) ?? whyUnderPressure(pod, place.pressure) ?? takenPort(pod, place);
  if (alone !== undefined) return [alone];
  const insufficient = whatIsInsufficient(podRequests(pod), place.node.allocatable, place.held);
  if (insufficient.length > 0) return insufficient;
  const others = whyNotBesideOthers(pod, place.node, place);
  return others === undefined ? [] : [others];
}

/** What the pod is told: what {@link whyNotHere} says, unless it is held back before. Undefined: it can have its place. */
export function whyNoPlace(pod: Pod, place: Place): string | undefined {
  if (pod.spec.schedulingGates?.length) return GATED;
  const reasons = whyNotHere(pod, place);
  return reasons.length === 0 ? undefined : wordReasons(reasons);
}

/** The scheduler's sentence; there is one node. */
const wordReasons = (reasons: readonly string[]): string =>
  `0/1 nodes are available: ${reasons.map((reason) => `1 ${reason}`).join(", ")}.`;

function takenPort(pod: Pod, { pods, holdsPlace }: Placed): string | undefined {
  const ports = hostPortsOf(pod.spec);
  if (ports.length === 0) return undefined;
  const others = pods.filter(({ metadata }) => metadata.uid !== pod.metadata.uid);
  for (const port of ports)
    for (const other of others) {
      if (!hostPortsOf(other.spec).some((one) => portsOverlap(port, one)) || !holdsPlace(other)) continue;
      const owner = `${portText(port)} is the port of pod ${other.metadata.namespace}/${other.metadata.name}`;
      return `node(s) didn't have free ports for the requested pod ports (${owner})`;
    }
  return undefined;
}
