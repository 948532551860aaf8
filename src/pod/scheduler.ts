// Who has a place on this node, and who has to wait for one.
import type { Pod } from "../spec/index.ts";
import type { Node } from "./node.ts";
import { Reservations } from "./reservations.ts";
import { holdsPlace, isScheduled, type Place, refusalOf, whyNoPlace } from "./schedule.ts";

export class Scheduler {
  readonly #node: Node;
  readonly #pods: () => readonly Pod[];
  readonly #reservations = new Reservations();
  /** Those without a place, by uid. */
  readonly #waiting = new Map<string, Pod>();

  /** `pods`: all that there are. */
  constructor(node: Node, pods: () => readonly Pod[]) {
    this.#node = node;
    this.#pods = pods;
  }

  /** To be told of every new state of a pod; answers whether it has just got its place, or given it back. */
  note(pod: Pod): boolean {
    const { uid, deletionTimestamp } = pod.metadata;
    const before = this.#reservations.has(uid);
    if (isScheduled(pod) || deletionTimestamp !== undefined) this.#waiting.delete(uid);
    else this.#waiting.set(uid, pod);
    if (!holdsPlace(this.#node, pod)) this.#reservations.release(uid);
    else this.#reservations.hold(pod);
    return this.#reservations.has(uid) !== before;
  }

  /** The pod is gone. */
  forget({ metadata: { uid } }: Pod): void {
    this.#reservations.release(uid);
    this.#waiting.delete(uid);
  }

  /** Why the pod can't have its place yet, in the scheduler's words; undefined: it can. */
  whyUnschedulable(pod: Pod): string | undefined {
    return whyNoPlace(pod, this.#place());
  }

  /** Those that wait and would now hear something else than when they were last told, in the order in which they are served. */
  *waiting(): Iterable<Pod> {
    // Asked one by one: who goes first may take what the next one would have had.
    for (const pod of [...this.#waiting.values()].sort(byTurn))
      if (this.whyUnschedulable(pod) !== refusalOf(pod)) yield pod;
  }

  #place(): Place {
    const { objects, facts, pressure } = this.#node;
    const reservations = this.#reservations;
    const pods = this.#pods;
    return {
      node: facts,
      pressure: pressure.active,
      held: (name) => reservations.held(name),
      // Most pods have nothing to do with others: they are not even looked at.
      get pods() {
        return pods();
      },
      holdsPlace: ({ metadata }) => reservations.has(metadata.uid),
      namespaceLabels: (name) => objects.find("Namespace", "", name)?.metadata.labels,
    };
  }
}

/** Who came first. */
const byTurn = (a: Pod, b: Pod): number => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1);
