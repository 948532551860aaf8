// Keeps the machine from running out of something: the kubelet's eviction manager.
import { timestamp } from "../../base/clock.ts";
import type { Fields } from "../../base/logger.ts";
import type { DiskMeter } from "../../linux/disk-meter.ts";
import { isTerminalPhase, type Pod } from "../../spec/index.ts";
import { nodeSubject } from "../events.ts";
import type { Node } from "../node.ts";
import { isCritical } from "./critical.ts";
import { EVICTED, pressureMessage } from "./messages.ts";
import { usesOf } from "./node-use.ts";
import type { NodePressure } from "./pressure.ts";
import { rankForEviction } from "./rank.ts";
import {
  type Condition,
  conditionOf,
  isCrossed,
  type Observations,
  resourceOf,
  type Signal,
  type Threshold,
} from "./thresholds.ts";
import { type EvictablePods, type EvictionSettings, IMMEDIATE_SECONDS } from "./types.ts";

/** So long an evicted pod is waited for at least before the next look (kubelet, podCleanupTimeout). */
const CLEANUP_MILLIS = 30_000;

/** Of its grace a pod is waited for half as long again (kubelet, killPodNow). */
const GRACES = 1.5;

export interface NodeEvictionOptions {
  readonly node: Pick<Node, "runtime" | "config" | "timers" | "log" | "facts" | "events">;
  readonly settings: EvictionSettings;
  readonly meter: Pick<DiskMeter, "measure">;
  readonly pods: EvictablePods;
  readonly pressure: NodePressure;
  readonly observe: () => Promise<Observations>;
  /** Removes all images that nobody uses. */
  readonly removeImages: () => Promise<void>;
}

/** Everything that is known between two looks is in memory: what is so is seen again by the next daemon. */
export class NodeEvictions {
  readonly #options: NodeEvictionOptions;
  /** Since when a threshold has been crossed. */
  #since = new Map<Threshold, number>();
  /** When a threshold of a condition was crossed last. */
  readonly #lastCrossed = new Map<Condition, number>();
  /** Until when the end of a pod that was evicted is expected, by its uid. */
  #expected = new Map<string, number>();

  constructor(options: NodeEvictionOptions) {
    this.#options = options;
  }

  /** Looks at the machine, and evicts one pod when it must. True: look again at once. */
  async look(): Promise<boolean> {
    const { node, settings, observe } = this.#options;
    const observations = await observe();
    const now = node.timers.now();
    const crossed = settings.thresholds.filter((threshold) => isCrossed(threshold, observations));
    this.#since = new Map(crossed.map((threshold) => [threshold, this.#since.get(threshold) ?? now]));
    for (const { signal } of crossed) this.#lastCrossed.set(conditionOf(signal), now);
    this.#updatePressure(now);
    const due = crossed.filter((threshold) => now - (this.#since.get(threshold) ?? now) >= threshold.graceMillis);
    // Memory first: there is least time.
    const first = due.find(({ signal }) => signal === "memory.available") ?? due[0];
    if (first === undefined) return false;
    this.#tell("Warning", "EvictionThresholdMet", `Attempting to reclaim ${resourceOf(first.signal)}`);
    if (await this.#reclaim(first.signal)) {
      const after = await observe();
      if (!due.some((threshold) => isCrossed(threshold, after))) return false;
    }
    return this.#evictOne(first, observations);
  }

  #updatePressure(now: number): void {
    const { settings, pressure, pods } = this.#options;
    const active = new Set<Condition>();
    for (const [condition, at] of this.#lastCrossed)
      if (now === at || now - at < settings.transitionMillis) active.add(condition);
    const changed = pressure.set(active, timestamp(this.#options.node.timers.wall()));
    for (const { reason } of changed) {
      const is = reason.replace(/^Kubelet/, "Node");
      this.#tell("Normal", is, `Node ${this.#options.node.facts.name} status is now: ${is}`);
    }
    if (changed.length > 0) pods.pressureChanged();
  }

  /** To whoever looks at the node's events, and to the log. */
  #tell(type: "Normal" | "Warning", reason: string, message: string): void {
    const { node } = this.#options;
    node.events.record(nodeSubject(node.facts.name), { type, reason, message });
    node.log[type === "Warning" ? "warn" : "info"](message, { reason });
  }

  /** Room on the disk that costs nobody anything. False: that would not help. */
  async #reclaim(signal: Signal): Promise<boolean> {
    if (conditionOf(signal) !== "DiskPressure") return false;
    await this.#waitFor(this.#options.pods.reclaim(), CLEANUP_MILLIS, "what ended pods have left takes long to remove");
    await this.#options.removeImages();
    return true;
  }

  async #evictOne(threshold: Threshold, observations: Observations): Promise<boolean> {
    const { node, settings, meter, pods } = this.#options;
    const resource = resourceOf(threshold.signal);
    const active = pods
      .list()
      .filter((pod) => !isTerminalPhase(pod.status.phase) && pod.metadata.deletionTimestamp === undefined);
    this.#expected = new Map([...this.#expected].filter(([uid]) => active.some((pod) => pod.metadata.uid === uid)));
    const uses = await usesOf(node, meter, active, resource);
    const most = threshold.graceMillis === 0 ? IMMEDIATE_SECONDS : settings.maxPodGraceSeconds;
    for (const { pod, excesses } of rankForEviction(uses, resource)) {
      if (isCritical(pod)) continue;
      const graceSeconds = Math.min(most, pod.spec.terminationGracePeriodSeconds);
      const message = pressureMessage(threshold, observations, excesses);
      const ended = pods.evict(pod, { message, graceSeconds, isDisrupted: true });
      if (ended !== undefined) {
        const millis = this.#expect(pod, graceSeconds);
        await this.#waitFor(ended, millis, "an evicted pod takes long to end", { pod: pod.metadata.name });
        return true;
      }
      if (this.#isExpected(pod)) return false;
    }
    node.log.warn("Eviction manager: unable to evict any pods from the node", { resource });
    return false;
  }

  /** How long the end of a pod that has just been evicted is waited for, milliseconds. */
  #expect({ metadata }: Pod, graceSeconds: number): number {
    const millis = Math.max(CLEANUP_MILLIS, graceSeconds * 1000 * GRACES);
    this.#expected.set(metadata.uid, this.#options.node.timers.now() + millis);
    return millis;
  }

  /**
   * Whether a pod that can't be evicted is at its end already, so that what it gives back comes without another pod's end. One
   * that does not end in time (a process that can't be killed) protects the others no longer.
   */
  #isExpected(pod: Pod): boolean {
    if (pod.status.reason !== EVICTED) return false;
    const until = this.#expected.get(pod.metadata.uid);
    if (until !== undefined) return this.#options.node.timers.now() < until;
    // Somebody else has evicted it: its own limit, an earlier daemon.
    this.#expect(pod, IMMEDIATE_SECONDS);
    return true;
  }

  /** What hangs must not keep the machine from being looked at. `complaint` is logged of what does. */
  async #waitFor(done: Promise<void>, millis: number, complaint: string, fields: Fields = {}): Promise<void> {
    const { timers, log } = this.#options.node;
    const late = Promise.withResolvers<void>();
    const cancel = timers.after(millis, () => {
      log.warn(complaint, fields);
      late.resolve();
    });
    await Promise.race([done, late.promise]);
    cancel();
  }
}
