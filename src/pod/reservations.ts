// What pods hold of the node's resources, as one running total: a new pod is held against it and against no other pod.
import { type Amounts, type Pod, podRequests, priorityOf, type ResourceName } from "../spec/index.ts";
import { occupiedRequests, pendingResize, unfinishedRequests } from "./allocation.ts";
import type { NodeResources } from "./node.ts";

interface Held {
  /** As long as it is this one, and the state of its resize, the amounts are right. */
  readonly spec: Pod["spec"];
  readonly resize: string;
  readonly amounts: Amounts;
  readonly priority: number;
}

const NOBODY: ReadonlySet<string> = new Set();

export class Reservations {
  readonly #held = new Map<string, Held>();
  readonly #total = new Map<ResourceName, number>();
  /** How many have each priority: mostly all have the same, and then nobody is looked for. */
  readonly #priorities = new Map<number, number>();

  /** The pod has its place, or has changed there; answers whether it has given back some of what it had. */
  hold(pod: Pod): boolean {
    const { uid } = pod.metadata;
    const before = this.#held.get(uid);
    const resize = JSON.stringify([pendingResize(pod)?.reason, ...unfinishedRequests(pod)]);
    if (before?.spec === pod.spec && before.resize === resize) return false;
    this.release(uid);
    const held = { spec: pod.spec, resize, amounts: heldRequests(pod), priority: priorityOf(pod) };
    this.#held.set(uid, held);
    this.#add(held, 1);
    return Object.entries(before?.amounts ?? {}).some(
      ([name, amount]) => amount > (held.amounts[name as ResourceName] ?? 0),
    );
  }

  release(uid: string): void {
    const held = this.#held.get(uid);
    if (held === undefined) return;
    this.#held.delete(uid);
    this.#add(held, -1);
  }

  /** How much of a resource is held, or how many pods hold, without those of these uids. */
  held(name: ResourceName | "pods", without: ReadonlySet<string> = NOBODY): number {
    if (name === "pods") return this.#held.size - without.size;
    let sum = this.#total.get(name) ?? 0;
    for (const uid of without) sum -= this.#held.get(uid)?.amounts[name] ?? 0;
    return sum;
  }

  /** The uids of those of a lower priority. */
  below(priority: number): readonly string[] {
    if (![...this.#priorities.keys()].some((one) => one < priority)) return [];
    return [...this.#held].filter(([, held]) => held.priority < priority).map(([uid]) => uid);
  }

  has(uid: string): boolean {
    return this.#held.has(uid);
  }

  #add({ amounts, priority }: Held, sign: 1 | -1): void {
    const same = (this.#priorities.get(priority) ?? 0) + sign;
    if (same === 0) this.#priorities.delete(priority);
    else this.#priorities.set(priority, same);
    for (const [name, amount] of Object.entries(amounts) as [ResourceName, number][])
      this.#total.set(name, (this.#total.get(name) ?? 0) + sign * amount);
  }
}

/** What nobody else can have now; and what its resize waits for, so that no new pod takes the room for that (kube-scheduler). */
function heldRequests(pod: Pod): Amounts {
  const occupied = occupiedRequests(pod);
  if (pendingResize(pod)?.reason !== "Deferred") return occupied;
  const wanted = podRequests(pod);
  const most = (name: ResourceName): number => Math.max(occupied[name] ?? 0, wanted[name] ?? 0);
  return { ...wanted, cpu: most("cpu"), memory: most("memory") };
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
