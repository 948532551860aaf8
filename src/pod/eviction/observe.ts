// What is left of the machine, as a kubelet observes it (pkg/kubelet/eviction/helpers.go, makeSignalObservations).
import { statfs } from "node:fs/promises";
import { errnoOf } from "../../base/errors.ts";
import type { CgroupLayout } from "../../linux/cgroup/index.ts";
import { readMemoryLeft, readProcessNumbersLeft } from "../../linux/machine-usage.ts";
import type { Observation, Observations, Signal } from "./thresholds.ts";

export interface ObservedPlaces {
  /** Durable state: writable layers, volumes. */
  readonly root: string;
  /** Layers of images; may be another file system. */
  readonly images: string;
  readonly cgroups: CgroupLayout;
}

export async function observeNode({ root, images, cgroups }: ObservedPlaces): Promise<Observations> {
  const observations = new Map<Signal, Observation>([
    ["memory.available", readMemoryLeft(cgroups)],
    ["pid.available", readProcessNumbersLeft()],
  ]);
  for (const [name, path] of [
    ["nodefs", root],
    ["imagefs", images],
  ] as const) {
    const seen = await observeDisk(path);
    if (seen === undefined) continue;
    observations.set(`${name}.available`, seen.space);
    // Some file systems (btrfs) make inodes as they need them and name no number.
    if (seen.inodes.capacity > 0) observations.set(`${name}.inodesFree`, seen.inodes);
  }
  return observations;
}

/** Undefined: nothing is there yet. */
async function observeDisk(path: string): Promise<{ space: Observation; inodes: Observation } | undefined> {
  try {
    const { bsize, blocks, bavail, files, ffree } = await statfs(path);
    return {
      space: { available: bavail * bsize, capacity: blocks * bsize },
      inodes: { available: ffree, capacity: files },
    };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
