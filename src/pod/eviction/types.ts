import type { DiskUsage } from "../../linux/disk-meter.ts";
import type { Pod } from "../../spec/index.ts";
import type { Threshold } from "./thresholds.ts";

/** An eviction that has been decided. */
export interface Eviction {
  /** In the kubelet's words. */
  readonly message: string;
  /** What its containers have to end by themselves; never more than the pod's own grace. */
  readonly graceSeconds: number;
  /** It goes for the others' sake, not for what it did itself (condition DisruptionTarget). */
  readonly isDisrupted: boolean;
}

/** What evictions need of the pods. */
export interface EvictablePods {
  list(): readonly Pod[];
  /** Ends a pod for good. Resolves when its containers have ended; undefined: it is over, or on its way out, already. */
  evict(pod: Pod, eviction: Eviction): Promise<void> | undefined;
  /** Removes what pods that are over have left on the disk. */
  reclaim(): Promise<void>;
  /** The node's pressure is another: who waits for a place may get one. */
  pressureChanged(): void;
}

/** What the owner of a node may change of evictions; a kubelet has it in its configuration. */
export interface EvictionSettings {
  /** Between two looks. */
  readonly periodMillis: number;
  readonly thresholds: readonly Threshold[];
  /** For so long after a threshold was crossed the node stays under pressure (evictionPressureTransitionPeriod). */
  readonly transitionMillis: number;
  /** Most grace of a pod that goes for a soft threshold (evictionMaxPodGracePeriod). */
  readonly maxPodGraceSeconds: number;
}

/** What a pod uses of the disk. */
export interface PodStorage {
  /** Writable layer and logs, of all runs that are still there. */
  readonly containers: ReadonlyMap<string, DiskUsage>;
  /** emptyDir volumes on the disk. */
  readonly volumes: ReadonlyMap<string, DiskUsage>;
  readonly total: DiskUsage;
}

/** Grace of whoever must go at once (kubelet, immediateEvictionGracePeriodSeconds). */
export const IMMEDIATE_SECONDS = 1;
