import { readCpu, readMemory, readPids } from "../linux/cgroup/index.ts";
import type { Context, LiveContainer } from "./context.ts";
import type { ContainerStats } from "./types.ts";

/** What a container uses, from its cgroup. Undefined when it has none: it does not run. */
export function containerStats(context: Context, { record }: LiveContainer): ContainerStats | undefined {
  if (record.state !== "running") return undefined;
  const { cgroups } = context.facts;
  const timestamp = process.hrtime.bigint();
  const cpu = readCpu(cgroups, record.cgroup);
  const memory = readMemory(cgroups, record.cgroup);
  const pids = readPids(cgroups, record.cgroup);
  if (cpu === undefined && memory === undefined) return undefined;
  return {
    timestamp,
    ...(cpu !== undefined && { usageCoreNanoSeconds: cpu }),
    ...(memory !== undefined && { usageBytes: memory.usage, workingSetBytes: memory.workingSet }),
    ...(pids !== undefined && { processCount: pids }),
  };
}
