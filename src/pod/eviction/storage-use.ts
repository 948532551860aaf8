// How much of the disk a pod uses: its containers' writable layers and logs, and its emptyDir volumes.
import { join } from "node:path";
import type { DiskMeter, DiskUsage } from "../../linux/disk-meter.ts";
import type { Pod } from "../../spec/index.ts";
import type { Node } from "../node.ts";
import { logDirectory } from "../sandbox-config.ts";
import { emptyDirFolder, isOnDisk } from "../volumes.ts";
import type { PodStorage } from "./types.ts";

const NONE: DiskUsage = { usedBytes: 0, inodesUsed: 0 };

/** Throws OperationFailed where something can't be measured. */
export async function measurePod(
  { runtime, config }: Pick<Node, "runtime" | "config">,
  meter: Pick<DiskMeter, "measure">,
  pod: Pod,
): Promise<PodStorage> {
  const { uid } = pod.metadata;
  const measure = async (name: string, path: string) => [name, (await meter.measure(path)) ?? NONE] as const;
  const runs = runtime.listContainers(uid);
  const logs = logDirectory(config.logs, pod);
  const names = new Set(runs.map(({ name }) => name));
  const folders = (pod.spec.volumes ?? [])
    .filter(isOnDisk)
    .map(({ name }) => [name, emptyDirFolder(config.root, pod, name)] as const);
  const [layers, texts, volumes] = await Promise.all([
    Promise.all(runs.map(({ id, name }) => measure(name, join(config.root, "containers", id, "upper")))),
    Promise.all([...names].map((name) => measure(name, join(logs, name)))),
    Promise.all(folders.map(([name, path]) => measure(name, path))),
  ]);
  const containers = [...Map.groupBy([...layers, ...texts], ([name]) => name)].map(
    ([name, parts]) => [name, sum(parts.map(([, usage]) => usage))] as const,
  );
  const all = [...containers, ...volumes].map(([, usage]) => usage);
  return { containers: new Map(containers), volumes: new Map(volumes), total: sum(all) };
}

const sum = (parts: readonly DiskUsage[]): DiskUsage => ({
  usedBytes: parts.reduce((bytes, { usedBytes }) => bytes + usedBytes, 0),
  inodesUsed: parts.reduce((files, { inodesUsed }) => files + inodesUsed, 0),
  millis: parts.reduce((sum, { millis = 0 }) => sum + millis, 0),
});
