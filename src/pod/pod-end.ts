import { step } from "../base/fault.ts";
import { removeTree } from "../base/remove-tree.ts";
import type { Pod } from "../spec/index.ts";
import { activeDeadline, DEADLINE_EXCEEDED } from "./active-deadline.ts";
import type { Alarm } from "./alarm.ts";
import { EVICTED } from "./eviction/messages.ts";
import { type Eviction, IMMEDIATE_SECONDS } from "./eviction/types.ts";
import type { Node } from "./node.ts";
import type { PodSandbox } from "./pod-sandbox.ts";
import { record } from "./record.ts";
import { logDirectory } from "./sandbox-config.ts";
import type { PodFacts, Waiting } from "./status.ts";
import { removeVolumes } from "./volumes.ts";

/**
 * A pod's end as a whole: why it fails, from when that was decided (it was active for too long, or it is evicted), and what
 * stays of it.
 */
export class PodEnd {
  readonly #node: Node;
  #why: Required<Waiting> | undefined;
  #disruption: string | undefined;
  #graceSeconds: number | undefined;
  /** Others want the disk that it has. */
  #isReclaimed = false;
  #listeners: (() => void)[] = [];

  constructor(node: Node) {
    this.#node = node;
  }

  get facts(): Pick<PodFacts, "failure" | "disruption"> {
    return { failure: this.#why, disruption: this.#disruption };
  }

  /** Takes up an eviction that an earlier daemon had begun with, or done. True: there is one. */
  recover({ status: { reason, message = "" } }: Pod): boolean {
    if (reason !== EVICTED) return false;
    this.#why = { reason, message };
    this.#graceSeconds = IMMEDIATE_SECONDS;
    return true;
  }

  /** `publish` puts it on record, before anything of the pod ends: the next daemon goes on with it. */
  evict(pod: Pod, { message, graceSeconds, isDisrupted }: Eviction, publish: () => void): void {
    record(this.#node, pod, "Warning", EVICTED, message);
    this.#why = { reason: EVICTED, message };
    if (isDisrupted) this.#disruption = message;
    this.#graceSeconds = graceSeconds;
    step("pod.record-eviction");
    publish();
    step("pod.eviction-recorded");
  }

  /** Whether the pod has been active for longer than it may (PodSpec.activeDeadlineSeconds): then it fails. */
  isPastDeadline(pod: Pod, alarm: Alarm): boolean {
    if (alarm.waitUntil(activeDeadline(this.#node.timers, pod))) return false;
    record(this.#node, pod, "Normal", DEADLINE_EXCEEDED.reason, DEADLINE_EXCEEDED.message);
    this.#why = DEADLINE_EXCEEDED;
    return true;
  }

  /** What is left to the containers of a pod that is over. */
  graceSeconds({ spec }: Pod): number {
    return Math.min(this.#graceSeconds ?? Number.POSITIVE_INFINITY, spec.terminationGracePeriodSeconds);
  }

  /** From now on nothing is to stay of it but its object and its logs. False: that is so already. */
  reclaim(): boolean {
    const isNews = !this.#isReclaimed && this.#why?.reason !== EVICTED;
    this.#isReclaimed = true;
    return isNews;
  }

  /** Resolves at the next {@link done}. */
  untilDone(): Promise<void> {
    return new Promise((resolve) => this.#listeners.push(resolve));
  }

  /**
   * Nothing of the pod runs: removes what it has on the disk when it was evicted or others need it. Its logs say what it was evicted
   * for: they stay (a kubelet's go), unless the disk is nearly full. Done again it changes nothing.
   */
  async clearAway(pod: Pod, sandbox: PodSandbox): Promise<void> {
    const { config, pressure } = this.#node;
    const isEvicted = this.#why?.reason === EVICTED;
    if (isEvicted || this.#isReclaimed) {
      if (sandbox.status) await sandbox.forget(pod);
      step("pod.remains-removed");
      await removeVolumes(config.root, pod.metadata.uid);
      if (isEvicted && pressure.active.has("DiskPressure")) await removeTree(logDirectory(config.logs, pod));
    }
    this.done();
  }

  /** Whoever waits for the pod's end need not wait any longer. */
  done(): void {
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
