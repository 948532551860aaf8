import type { Node } from "../node.ts";
import { NodeEvictions } from "./node-evictions.ts";
import { Periodic } from "./periodic.ts";
import { StorageEvictions } from "./storage-evictions.ts";
import type { Observations } from "./thresholds.ts";
import type { EvictablePods } from "./types.ts";

export { observeNode } from "./observe.ts";
export { NodePressure } from "./pressure.ts";
export { DEFAULT_HARD, parseDuration, parseGracePeriods, parseThresholds } from "./thresholds.ts";
export type { EvictionSettings } from "./types.ts";

export interface EvictionOptions {
  readonly node: Node;
  readonly pods: EvictablePods;
  readonly observe: () => Promise<Observations>;
  readonly removeImages: () => Promise<void>;
}

/** Looks at the machine and at what pods use of its disk, each period from now on. */
export function startEvictions({ node, pods, observe, removeImages }: EvictionOptions): { stop(): void } {
  const { settings, meter, pressure, timers, log } = node;
  const { periodMillis } = settings.eviction;
  const machine = new NodeEvictions({
    node,
    settings: settings.eviction,
    meter,
    pods,
    pressure,
    observe,
    removeImages,
  });
  const storage = new StorageEvictions({ node, meter, pods });
  const loops = [
    new Periodic({ what: "the machine can't be looked at", work: () => machine.look(), periodMillis, timers, log }),
    new Periodic({
      what: "what pods use of the disk can't be looked at",
      work: async () => {
        // A pod that takes long to measure is not waited for.
        void storage.look();
        return false;
      },
      periodMillis,
      timers,
      log,
    }),
  ];
  for (const loop of loops) loop.start();
  return {
    stop: () => {
      for (const loop of loops) loop.stop();
    },
  };
}
