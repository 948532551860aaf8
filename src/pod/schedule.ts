import { hostPortsOf, type Pod, portsOverlap, portText } from "../spec/index.ts";
import type { Node } from "./node.ts";
import { record } from "./record.ts";

/** Whether the pod has been given its place once: what it asks for is its own from then on (PodCondition PodScheduled). */
export const isScheduled = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status }) => type === "PodScheduled" && status === "True") ?? false;

/** Whether it still has what it asked for: a pod that is over gives it back when its sandbox has ended. */
export function holdsPlace({ runtime }: Pick<Node, "runtime">, pod: Pod): boolean {
  if (!isScheduled(pod)) return false;
  if (pod.status.phase !== "Succeeded" && pod.status.phase !== "Failed") return true;
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

/**
 * Why a pod can't have its place on this node yet, in the scheduler's words; undefined: it can. `holders`: the scheduled pods
 * that still have what they asked for, asked for when it matters. Pure.
 */
export function whyUnschedulable(pod: Pod, holders: () => readonly Pod[]): string | undefined {
  const taken = hostPortsOf(pod.spec).length > 0 ? takenPort(pod, holders()) : undefined;
  return taken && `0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports (${taken}).`;
}

function takenPort(pod: Pod, holders: readonly Pod[]): string | undefined {
  for (const port of hostPortsOf(pod.spec))
    for (const { metadata, spec } of holders) {
      if (metadata.uid === pod.metadata.uid) continue;
      if (hostPortsOf(spec).some((other) => portsOverlap(port, other)))
        return `${portText(port)} is the port of pod ${metadata.namespace}/${metadata.name}`;
    }
  return undefined;
}
