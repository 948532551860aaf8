// Acts on what the scheduler says: who waits is asked when there may be a place, and who has to go for another one is told to.
import { isDeepStrictEqual } from "node:util";
import { step } from "../base/fault.ts";
import type { Pod } from "../spec/index.ts";
import type { Disruption } from "./conditions.ts";
import type { Node } from "./node.ts";
import { PREEMPTED, preemptedBy, withNomination } from "./preemption.ts";
import { record } from "./record.ts";
import type { Scheduler } from "./scheduler.ts";

/** After what failed, milliseconds: whoever waits for a place must not wait for somebody else's change. */
const RETRY_MILLIS = 1000;

export interface SchedulingPods {
  /** Looks at a pod anew; nothing when it is gone. */
  retry(uid: string): void;
  /** Records a pod's new state and hands it to its worker; nothing is done about one that is gone. */
  change(pod: Pod): void;
  /** Says why a pod has to go, and deletes it. */
  disrupt(pod: Pod, why: Disruption): Promise<Pod>;
}

export class Scheduling {
  readonly #node: Node;
  readonly #scheduler: Scheduler;
  readonly #pods: SchedulingPods;
  /** While those that wait for a place are asked, and whether one of them then changed what the others were told. */
  #asking = false;
  #askAgain = false;
  #isSoon = false;
  #cancelLater: (() => void) | undefined;
  #isStopped = false;

  constructor(node: Node, scheduler: Scheduler, pods: SchedulingPods) {
    this.#node = node;
    this.#scheduler = scheduler;
    this.#pods = pods;
  }

  /** The daemon leaves. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelLater?.();
  }

  /** A place is free that one of those who wait may have waited for, or somebody is there that it wants to be with. */
  retry(): void {
    this.#askAgain = this.#asking;
    if (this.#asking) return;
    this.#asking = true;
    try {
      do {
        this.#askAgain = false;
        this.#askAll();
      } while (this.#askAgain);
    } catch (error) {
      // Whoever gave back its place can't help it; and the others still wait.
      this.#node.log.failure("pods that wait for a place can't be looked at", error);
      this.#later();
    } finally {
      this.#asking = false;
    }
  }

  /**
   * {@link retry}, when what goes on now is done: whoever records its own state does not have it yet, and may be the one that
   * has to go for another.
   */
  retrySoon(): void {
    if (this.#isSoon) return;
    this.#isSoon = true;
    queueMicrotask(() => {
      this.#isSoon = false;
      if (!this.#isStopped) this.retry();
    });
  }

  #askAll(): void {
    for (const pod of this.#scheduler.deferred()) {
      const decided = this.#scheduler.decideResize(pod, pod);
      if (!isDeepStrictEqual(decided, pod)) this.#pods.change(decided);
    }
    for (const pod of this.#scheduler.waiting()) this.#pods.retry(pod.metadata.uid);
  }

  #later(): void {
    if (this.#isStopped) return;
    this.#cancelLater ??= this.#node.timers.after(RETRY_MILLIS, () => {
      this.#cancelLater = undefined;
      this.retry();
    });
  }

  /** Why the pod can't have its place yet; undefined: it can. Those who have to go for it are told to. */
  whyUnschedulable(pod: Pod): string | undefined {
    const { why, victims } = this.#scheduler.judge(pod);
    this.#promise(pod, victims !== undefined);
    for (const victim of victims ?? []) this.#preempt(victim, pod);
    return why;
  }

  /** Others go for it, or do so no longer: until it has its place nobody who is less important takes what they leave. */
  #promise(pod: Pod, isPromised: boolean): void {
    if (isPromised === (pod.status.nominatedNodeName !== undefined)) return;
    step("pod.nominate");
    this.#pods.change(withNomination(pod, isPromised ? this.#node.facts.name : undefined));
  }

  /** The victim is told why, then deleted as anybody would: with the grace that it has. */
  #preempt(victim: Pod, by: Pod): void {
    record(this.#node, victim, "Normal", "Preempted", preemptedBy(by, this.#node.facts.name));
    this.#pods.disrupt(victim, PREEMPTED).catch((error: unknown) => {
      this.#node.log.failure("a pod could not be preempted", error, { pod: victim.metadata.name });
      this.#later();
    });
  }
}
