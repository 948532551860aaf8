// What pods and the machine use at one moment; the API makes rates of two of them.
import { readMachineUsage } from "../linux/machine-usage.ts";
import type { Pod } from "../spec/index.ts";
import type { Node } from "./node.ts";
import type { NodeUsage, PodUsage } from "./types.ts";

/** Of the containers that run now; a pod of which none does is left out. */
export function podUsage(node: Node, pod: Pod): PodUsage | undefined {
  const containers = node.runtime.listContainers(pod.metadata.uid).flatMap(({ id, name, state }) => {
    const stats = state === "running" ? node.runtime.containerStats(id) : undefined;
    return stats === undefined ? [] : [{ id, name, stats }];
  });
  return containers.length === 0 ? undefined : { pod, containers };
}

export function nodeUsage({ facts }: Node): NodeUsage {
  const { cpuNanoSeconds, memoryTotalBytes, memoryUsedBytes } = readMachineUsage();
  const timestamp = process.hrtime.bigint();
  return { name: facts.name, cpus: facts.cpus, timestamp, cpuNanoSeconds, memoryTotalBytes, memoryUsedBytes };
}
