// What pods and the machine use at one moment; the API makes rates of two of them.
import { readMachineUsage } from "../linux/machine-usage.ts";
import type { Pod } from "../spec/index.ts";
import type { Node } from "./node.ts";
import type { NodeUsage, PodUsage } from "./types.ts";

/** Of pods of which a container runs now. */
export function podUsage({ runtime }: Node, pods: readonly Pod[]): PodUsage[] {
  const [only] = pods;
  const stats = pods.length === 1 ? runtime.stats(only?.metadata.uid) : runtime.stats();
  const bySandbox = new Map(stats.map(({ id, containers }) => [id, containers]));
  return pods.flatMap((pod) => {
    const known =
      bySandbox
        .get(pod.metadata.uid)
        ?.filter(({ usage: { cpuNanos, memory } }) => (cpuNanos ?? memory) !== undefined) ?? [];
    return known.length === 0 ? [] : [{ pod, containers: known }];
  });
}

export function nodeUsage({ facts }: Node): NodeUsage {
  const { cpuNanoSeconds, memoryTotalBytes, memoryUsedBytes } = readMachineUsage();
  const timestamp = process.hrtime.bigint();
  return { name: facts.name, cpus: facts.cpus, timestamp, cpuNanoSeconds, memoryTotalBytes, memoryUsedBytes };
}
