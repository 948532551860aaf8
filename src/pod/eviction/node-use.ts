// What pods use of the thing that is scarce.
import type { DiskMeter } from "../../linux/disk-meter.ts";
import type { SandboxStats } from "../../sandbox/types.ts";
import { bytes, type Pod, placedContainers, podRequests } from "../../spec/index.ts";
import type { Node } from "../node.ts";
import type { Excess } from "./messages.ts";
import type { PodUse } from "./rank.ts";
import { storageOf } from "./storage-limits.ts";
import { measurePod } from "./storage-use.ts";
import type { Resource } from "./thresholds.ts";
import type { PodStorage } from "./types.ts";

export interface EvictableUse extends PodUse {
  /** Containers that use more than they have asked for. */
  readonly excesses: readonly Excess[];
}

type UseNode = Pick<Node, "runtime" | "config" | "timers" | "log">;

/** So long the disk's users are measured before one of them must go: a disk that fills up does not wait. */
const MEASURE_MILLIS = 30_000;

/**
 * Of the pods that have begun: to end the others would give nothing back. Whose use of the disk can't be measured, or not soon, has
 * an unknown one, which is feared most; it keeps nobody else from being found.
 */
export async function usesOf(
  node: UseNode,
  meter: Pick<DiskMeter, "measure">,
  pods: readonly Pod[],
  resource: Resource,
): Promise<EvictableUse[]> {
  const begun = new Set(node.runtime.listSandboxes().map(({ id }) => id));
  const all = pods.filter(({ metadata }) => begun.has(metadata.uid));
  if (resource === "memory" || resource === "pids") {
    const stats = new Map(node.runtime.stats().map((one) => [one.id, one]));
    return all.map((pod) => processUse(pod, stats.get(pod.metadata.uid), resource));
  }
  return Promise.all(
    all.map(async (pod) => {
      const storage = await measureInTime(node, meter, pod);
      return storage ? diskUse(pod, storage, resource) : { pod, used: undefined, requested: 0, excesses: [] };
    }),
  );
}

async function measureInTime(
  node: UseNode,
  meter: Pick<DiskMeter, "measure">,
  pod: Pod,
): Promise<PodStorage | undefined> {
  const { name } = pod.metadata;
  const late = Promise.withResolvers<undefined>();
  const cancel = node.timers.after(MEASURE_MILLIS, () => {
    node.log.warn("what a pod uses of the disk takes long to measure", { pod: name });
    late.resolve(undefined);
  });
  try {
    return await Promise.race([measurePod(node, meter, pod), late.promise]);
  } catch (error) {
    // A disk that is full and broken in one place must not stop all evictions.
    node.log.failure("what a pod uses of the disk can't be measured", error, { pod: name });
    return undefined;
  } finally {
    cancel();
  }
}

function processUse(pod: Pod, stats: SandboxStats | undefined, resource: "memory" | "pids"): EvictableUse {
  if (resource === "pids") return { pod, used: stats?.usage.pids, requested: 0, excesses: [] };
  const used = new Map(stats?.containers.map(({ name, usage }) => [name, usage.memory?.workingSet]));
  const excesses = excessesOf(pod, used, ({ resources }) => resources.requests?.memory);
  return {
    pod,
    used: stats?.usage.memory?.workingSet,
    requested: podRequests(pod).memory ?? 0,
    excesses,
  };
}

function diskUse(pod: Pod, { containers, total }: PodStorage, resource: "ephemeral-storage" | "inodes"): EvictableUse {
  if (resource === "inodes") return { pod, used: total.inodesUsed, requested: 0, excesses: [] };
  const used = new Map([...containers].map(([name, { usedBytes }]) => [name, usedBytes]));
  const excesses = excessesOf(pod, used, (container) => storageOf(container, "requests"));
  return { pod, used: total.usedBytes, requested: podRequests(pod)["ephemeral-storage"] ?? 0, excesses };
}

function excessesOf(
  pod: Pod,
  uses: ReadonlyMap<string, number | undefined>,
  requestOf: (container: Pod["spec"]["containers"][number]) => string | undefined,
): Excess[] {
  return placedContainers(pod.spec).flatMap(({ container, role }) => {
    const used = uses.get(container.name);
    if (used === undefined || role === "ephemeral") return [];
    const request = requestOf(container);
    return used > (request === undefined ? 0 : bytes(request)) ? [{ container: container.name, used, request }] : [];
  });
}
