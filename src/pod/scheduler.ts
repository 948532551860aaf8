// Who has a place on this node, who has to wait for one, and who has to go for another one.
import { type Pod, podRequests, priorityOf, type ResourceName } from "../spec/index.ts";
import { pendingResize } from "./allocation.ts";
import { decideResize } from "./decide-resize.ts";
import { isStatic } from "./eviction/critical.ts";
import { whyUnderPressure } from "./eviction/pressure.ts";
import type { Node } from "./node.ts";
import { whyNotThisNode } from "./placement.ts";
import { byTurn, chooseVictims } from "./preemption.ts";
import { Reservations, whatIsInsufficient } from "./reservations.ts";
import { holdsPlace, isScheduled, type Place, refusalOf, whyNoPlace } from "./schedule.ts";

export interface Verdict {
  /** What keeps the pod from its place, in the scheduler's words; undefined: nothing. */
  readonly why: string | undefined;
  /** Who has to go for it; none: they are going already. Undefined: nobody goes for it. */
  readonly victims?: readonly Pod[] | undefined;
}

export interface SchedulerPods {
  /** All that there are. */
  readonly all: () => readonly Pod[];
  /** Undefined: it is gone. */
  readonly byUid: (uid: string) => Pod | undefined;
}

export class Scheduler {
  readonly #node: Node;
  readonly #pods: SchedulerPods;
  readonly #reservations = new Reservations();
  /** Those without a place, by uid. */
  readonly #waiting = new Map<string, Pod>();
  /** Those of them for whom others are going. */
  readonly #promised = new Map<string, Pod>();
  /** Those with a resize that there is no room for yet. */
  readonly #deferred = new Map<string, Pod>();

  constructor(node: Node, pods: SchedulerPods) {
    this.#node = node;
    this.#pods = pods;
  }

  /** To be told of every new state of a pod; answers whether it has just got its place, or given back all or some of it. */
  note(pod: Pod): boolean {
    const { uid, deletionTimestamp } = pod.metadata;
    const before = this.#reservations.has(uid);
    if (isScheduled(pod) || deletionTimestamp !== undefined) this.#waiting.delete(uid);
    else this.#waiting.set(uid, pod);
    if (this.#waiting.has(uid) && pod.status.nominatedNodeName !== undefined) this.#promised.set(uid, pod);
    else this.#promised.delete(uid);
    if (pendingResize(pod)?.reason === "Deferred" && deletionTimestamp === undefined) this.#deferred.set(uid, pod);
    else this.#deferred.delete(uid);
    if (holdsPlace(this.#node, pod)) return this.#reservations.hold(pod) || !before;
    this.#reservations.release(uid);
    return before;
  }

  /** The pod is gone. */
  forget({ metadata: { uid } }: Pod): void {
    this.#reservations.release(uid);
    this.#waiting.delete(uid);
    this.#promised.delete(uid);
    this.#deferred.delete(uid);
  }

  /** Whether the pod can have its place now, and else what it is told and who could make room. Changes nothing. */
  judge(pod: Pod): Verdict {
    const place = this.#place(pod);
    const why = whyNoPlace(pod, place);
    if (pod.spec.schedulingGates?.length) return { why };
    const waits = this.#node.claims.whyWaiting(pod, () => place.pods.filter((other) => place.holdsPlace(other)));
    if (waits !== undefined || why === undefined) return { why: waits };
    if (this.#isHopeless(pod)) return { why: `${why} ${noPreemption("Preemption is not helpful for scheduling.")}` };
    if (pod.spec.preemptionPolicy === "Never")
      return { why: `${why} preemption: not eligible due to preemptionPolicy=Never.` };
    const victims = this.#victims(pod);
    if (victims !== undefined) return { why, victims };
    return { why: `${why} ${noPreemption("No preemption victims found for incoming pod.")}` };
  }

  /** Those who wait and are to be looked at once more, in the order in which they are served. */
  *waiting(): Iterable<Pod> {
    for (const pod of [...this.#waiting.values()].sort(byTurn)) {
      // Asked one by one: who goes first may take what the next one would have had.
      const { why, victims = [] } = this.judge(pod);
      if (why !== refusalOf(pod) || victims.length > 0) yield pod;
    }
  }

  /** Without all others it would have no place either. */
  #isHopeless(pod: Pod): boolean {
    const { facts, pressure } = this.#node;
    if ((whyNotThisNode(pod, facts) ?? whyUnderPressure(pod, pressure.active)) !== undefined) return true;
    return whatIsInsufficient(podRequests(pod), facts.allocatable, () => 0).length > 0;
  }

  #victims(pod: Pod): readonly Pod[] | undefined {
    const priority = priorityOf(pod);
    const lower = this.#reservations
      .below(priority)
      .flatMap((uid) => this.#pods.byUid(uid) ?? [])
      // A static pod comes again: it makes no room.
      .filter((one) => !isStatic(one));
    return chooseVictims(lower, (gone) => whyNoPlace(pod, this.#place(pod, gone)) === undefined);
  }

  /** Those whose resize waits for room, the one that has waited longest first. */
  deferred(): readonly Pod[] {
    const since = (pod: Pod): string => pendingResize(pod)?.lastTransitionTime ?? "";
    return [...this.#deferred.values()].sort((a, b) => (since(a) < since(b) ? -1 : 1));
  }

  /** The pod with its resize accepted or pending: {@link decideResize}. */
  decideResize(wanted: Pod, before: Pod): Pod {
    const { uid } = before.metadata;
    const others = this.#pods
      .all()
      .filter(({ metadata }) => metadata.uid !== uid && this.#reservations.has(metadata.uid));
    const { facts, timers } = this.#node;
    return decideResize(wanted, before, { allocatable: facts.allocatable, others, now: timers.wall() });
  }

  /** As the pod finds it, without those who are gone, and with those who have been promised a place and are no less important. */
  #place(pod: Pod, gone: ReadonlySet<string> = new Set()): Place {
    const { objects, facts, pressure } = this.#node;
    const reservations = this.#reservations;
    const pods = this.#pods;
    const promised = [...this.#promised.values()].filter(
      (one) => one.metadata.uid !== pod.metadata.uid && priorityOf(one) >= priorityOf(pod),
    );
    const held = (name: ResourceName | "pods"): number =>
      promised.reduce((sum, one) => sum + (name === "pods" ? 1 : (podRequests(one)[name] ?? 0)), 0) +
      reservations.held(name, gone);
    return {
      node: facts,
      pressure: pressure.active,
      held,
      // Most pods have nothing to do with others: they are not even looked at.
      get pods() {
        return pods.all();
      },
      holdsPlace: ({ metadata }) => reservations.has(metadata.uid) && !gone.has(metadata.uid),
      namespaceLabels: (name) => objects.find("Namespace", "", name)?.metadata.labels,
    };
  }
}

const noPreemption = (why: string): string => `preemption: 0/1 nodes are available: 1 ${why}`;
