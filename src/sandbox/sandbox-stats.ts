// What sandboxes and their containers use of the machine: read from their cgroups and links when asked, kept nowhere.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../base/errors.ts";
import { readCpu, readMemory, readPids } from "../linux/cgroup/index.ts";
import type { Context } from "./context.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";
import type { CgroupUsage, ContainerUsage, LinkUsage, SandboxStats } from "./types.ts";

/** Of every sandbox that runs, or of one; without what is gone meanwhile. */
export function sandboxStats({ facts, live }: Context, id?: string): readonly SandboxStats[] {
  const running = [...live.sandboxes.values()].filter(
    ({ record }) => record.state === "ready" && (id === undefined || record.id === id),
  );
  const containers = Map.groupBy(
    [...live.containers.values()].map(({ record }) => record).filter(({ state }) => state === "running"),
    ({ sandboxId }) => sandboxId,
  );
  const usageOf = (cgroup: string): CgroupUsage => ({
    at: Date.now(),
    cpuNanos: readCpu(facts.cgroups, cgroup),
    memory: readMemory(facts.cgroups, cgroup),
    pids: readPids(facts.cgroups, cgroup),
  });
  const containerUsage = (record: ContainerRecord): ContainerUsage => {
    const { id: containerId, name, attempt, cgroup, folder, startedAt } = record;
    return { id: containerId, name, attempt, startedAt, folder, usage: usageOf(cgroup) };
  };
  return running.map(({ record }) => ({
    id: record.id,
    metadata: record.metadata,
    createdAt: record.createdAt,
    usage: usageOf(record.cgroup),
    link: linkUsage(record),
    containers: (containers.get(record.id) ?? []).map(containerUsage),
  }));
}

/** The host's end counts the other way round: what it receives the pod has sent. */
function linkUsage({ lease }: SandboxRecord): LinkUsage | undefined {
  if (lease === undefined) return undefined;
  const read = (name: string): number | undefined =>
    readCount(join("/sys/class/net", lease.linkName, "statistics", name));
  const [rxBytes, txBytes] = [read("tx_bytes"), read("rx_bytes")];
  if (rxBytes === undefined || txBytes === undefined) return undefined;
  return { rxBytes, txBytes, rxErrors: read("tx_errors") ?? 0, txErrors: read("rx_errors") ?? 0 };
}

/** Undefined: the link is gone, with its namespace. */
function readCount(path: string): number | undefined {
  try {
    return Number(readFileSync(path, "utf8"));
  } catch (error) {
    if (["ENOENT", "ENODEV", "EINVAL"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}
