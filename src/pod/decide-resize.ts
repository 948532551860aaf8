// Whether a pod may have the resources that a resize asks for (kubelet, allocation manager: canAdmitPod).
import { timestamp } from "../base/clock.ts";
import { type Pod, type PodCondition, podRequests, RESIZABLE } from "../spec/index.ts";
import { allocatedPod, occupiedRequests, pendingResize } from "./allocation.ts";
import { isStatic } from "./eviction/critical.ts";
import type { Node } from "./node.ts";
import { record } from "./record.ts";
import { resizeMessage } from "./resize-message.ts";

export interface Refusal {
  /** Deferred: as soon as other pods leave room for it. Infeasible: never on this node. */
  readonly reason: "Deferred" | "Infeasible";
  readonly message: string;
}

export interface ResizeContext {
  readonly allocatable: Readonly<Record<"cpu" | "memory", number>>;
  /** The other pods that have a place here. */
  readonly others: readonly Pod[];
  /** Unix milliseconds. */
  readonly now: number;
}

/** Why `pod` can't have what its spec says yet; undefined: it can. `before`: as it is now. Pure. */
export function whyNotResized(pod: Pod, before: Pod, context: ResizeContext): Refusal | undefined {
  const { allocatable, others } = context;
  // Its file says what it has.
  if (isStatic(before))
    return {
      reason: "Infeasible",
      message: "In-place resize of static-pods is not supported: change the file that it is made from",
    };
  const wanted = podRequests(pod);
  const has = occupiedRequests(before);
  for (const name of RESIZABLE) {
    const amount = wanted[name] ?? 0;
    const capacity = allocatable[name];
    // Who asks for no more than it has need not ask for room.
    if (amount <= (has[name] ?? 0)) continue;
    const asked = `${name}, requested: ${amount}`;
    if (amount > capacity)
      return { reason: "Infeasible", message: `Node didn't have enough capacity: ${asked}, capacity: ${capacity}` };
    const used = others.reduce((sum, other) => sum + (occupiedRequests(other)[name] ?? 0), 0);
    if (used + amount > capacity)
      return {
        reason: "Deferred",
        message: `Node didn't have enough resource: ${asked}, used: ${used}, capacity: ${capacity}`,
      };
  }
  return undefined;
}

/**
 * The pod as it is with its resize decided: accepted at once, or pending (PodResizePending), with what it has been given until
 * then in its status. `wanted`: its spec is the new one, its status the present one. Pure.
 */
export function decideResize(wanted: Pod, before: Pod, context: ResizeContext): Pod {
  const refusal = whyNotResized(wanted, before, context);
  const { conditions = [] } = wanted.status;
  const others = conditions.filter(({ type }) => type !== "PodResizePending");
  if (!refusal) return { ...wanted, status: { ...wanted.status, conditions: others } };
  const since = pendingResize(before);
  const pending: PodCondition = {
    type: "PodResizePending",
    status: "True",
    ...refusal,
    ...(wanted.metadata.generation !== undefined && { observedGeneration: wanted.metadata.generation }),
    lastProbeTime: null,
    lastTransitionTime: since?.lastTransitionTime ?? timestamp(context.now),
  };
  return withGiven({ ...wanted, status: { ...wanted.status, conditions: [...others, pending] } }, allocatedPod(before));
}

/** What the pod has been given is on record with the resize that is pending, whatever its status said at that moment. */
function withGiven(pod: Pod, given: Pod): Pod {
  const { containers, initContainers = [] } = given.spec;
  const byName = new Map([...containers, ...initContainers].map(({ name, resources }) => [name, resources]));
  const note = <T extends { readonly name: string }>(list: readonly T[] | undefined): T[] | undefined =>
    list?.map((status) => ({ ...status, resources: byName.get(status.name) ?? {} }));
  const { containerStatuses, initContainerStatuses, ...status } = pod.status;
  const [main, init] = [note(containerStatuses), note(initContainerStatuses)];
  return {
    ...pod,
    status: { ...status, ...(init && { initContainerStatuses: init }), ...(main && { containerStatuses: main }) },
  };
}

/** Says what a resize waits for, once for each resize. */
export function recordPending(node: Node, pod: Pod, before: Pod): void {
  const pending = pendingResize(pod);
  const known = pendingResize(before);
  if (!pending || (known?.reason === pending.reason && known?.observedGeneration === pending.observedGeneration))
    return;
  const { reason = "", message } = pending;
  record(node, pod, "Warning", `Resize${reason}`, resizeMessage(pod, reason as Refusal["reason"], message));
}
