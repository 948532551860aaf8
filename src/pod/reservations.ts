// What pods hold of the node's resources, as one running total: a new pod is held against it and against no other pod.
import { type Amounts, type Pod, podRequests, type ResourceName } from "../spec/index.ts";
import type { NodeResources } from "./node.ts";

interface Held {
  /** As long as it is this one the amounts are right. */
  readonly spec: Pod["spec"];
  readonly amounts: Amounts;
}

export class Reservations {
  readonly #held = new Map<string, Held>();
  readonly #total = new Map<ResourceName, number>();

  /** The pod has its place, or has changed there. */
  hold(pod: Pod): void {
    const { uid } = pod.metadata;
    const before = this.#held.get(uid);
    if (before?.spec === pod.spec) return;
    this.release(uid);
    const held = { spec: pod.spec, amounts: podRequests(pod) };
    this.#held.set(uid, held);
    this.#add(held, 1);
  }

  release(uid: string): void {
    const held = this.#held.get(uid);
    if (held === undefined) return;
    this.#held.delete(uid);
    this.#add(held, -1);
  }

  /** How much of a resource is held, or how many pods hold. */
  held(name: ResourceName | "pods"): number {
    return name === "pods" ? this.#held.size : (this.#total.get(name) ?? 0);
  }

  has(uid: string): boolean {
    return this.#held.has(uid);
  }

  #add({ amounts }: Held, sign: 1 | -1): void {
    for (const [name, amount] of Object.entries(amounts) as [ResourceName, number][])
      this.#total.set(name, (this.#total.get(name) ?? 0) + sign * amount);
  }
}

/**
 * What the node has too little of for the pod, in the scheduler's words (NodeResourcesFit); none: it fits. `held`: what others
 * have of it. What a pod does not ask for it does not need, however little there is.
 */
export function whatIsInsufficient(
  wanted: Amounts,
  allocatable: NodeResources,
  held: (name: ResourceName | "pods") => number,
): string[] {
  const short = (Object.entries(wanted) as [ResourceName, number][]).filter(
    ([name, amount]) => amount > 0 && amount > allocatable[name] - held(name),
  );
  const words = short.map(([name]) => `Insufficient ${name}`);
  if (held("pods") + 1 > allocatable.pods) words.push("Too many pods");
  return words.sort();
}
