import type { DiskMeter } from "../../linux/disk-meter.ts";
import { isTerminalPhase, type Pod } from "../../spec/index.ts";
import type { Node } from "../node.ts";
import { isCritical } from "./critical.ts";
import { crossedLimit, hasStorageLimit } from "./storage-limits.ts";
import { measurePod } from "./storage-use.ts";
import { type EvictablePods, IMMEDIATE_SECONDS } from "./types.ts";

/** Of the time that passes so much may go by with measuring one pod: a twentieth. */
const PAUSE = 19;

export interface StorageEvictionOptions {
  readonly node: Pick<Node, "runtime" | "config" | "timers" | "log">;
  readonly meter: Pick<DiskMeter, "measure">;
  readonly pods: EvictablePods;
}

/**
 * Evicts pods that use more of the disk than they may: an emptyDir's sizeLimit, limits of ephemeral-storage. Only pods that have
 * such a limit are measured, and the rarer the longer it takes.
 */
export class StorageEvictions {
  readonly #options: StorageEvictionOptions;
  /** When a pod is to be measured again, by its uid; Unix milliseconds. */
  #next = new Map<string, number>();
  readonly #measuring = new Set<string>();

  constructor(options: StorageEvictionOptions) {
    this.#options = options;
  }

  /** Measures who is due; resolves when who was begun with is done. One pod that takes long holds no other one up. */
  async look(): Promise<void> {
    const { pods, node } = this.#options;
    const limited = pods.list().filter((pod) => !isTerminalPhase(pod.status.phase) && hasStorageLimit(pod));
    this.#next = new Map(limited.map(({ metadata }) => [metadata.uid, this.#next.get(metadata.uid) ?? 0]));
    const now = node.timers.now();
    const due = limited.filter(({ metadata }) => (this.#next.get(metadata.uid) ?? 0) <= now);
    await Promise.all(due.filter(({ metadata }) => !this.#measuring.has(metadata.uid)).map((pod) => this.#check(pod)));
  }

  async #check(pod: Pod): Promise<void> {
    const { node, meter, pods } = this.#options;
    const { uid, name } = pod.metadata;
    this.#measuring.add(uid);
    try {
      const used = await measurePod(node, meter, pod);
      this.#next.set(uid, node.timers.now() + (used.total.millis ?? 0) * PAUSE);
      const message = crossedLimit(pod, used);
      if (message === undefined) return;
      if (isCritical(pod)) node.log.warn(`cannot evict a critical pod: ${message}`, { pod: name });
      else await pods.evict(pod, { message, graceSeconds: IMMEDIATE_SECONDS, isDisrupted: false });
    } catch (error) {
      node.log.failure("what a pod uses of the disk can't be measured", error, { pod: name });
    } finally {
      this.#measuring.delete(uid);
    }
  }
}
