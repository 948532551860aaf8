// What a cgroup says about itself. A cgroup that is gone reads as undefined: its processes ended meanwhile.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../../base/errors.ts";
import type { CgroupLayout } from "./layout.ts";
import { controllerFolder, processFolder } from "./paths.ts";

/** Pids in a cgroup and, unless `recursive` is false, in those below it. Empty when the cgroup is gone. */
export function readProcesses(layout: CgroupLayout, cgroup: string, options: { recursive?: boolean } = {}): number[] {
  return processesBelow(processFolder(layout, cgroup), options.recursive ?? true);
}

export function processesBelow(folder: string, recursive: boolean): number[] {
  const text = readText(join(folder, "cgroup.procs")) ?? "";
  const own = text
    .split("\n")
    .filter((line) => line !== "")
    .map(Number);
  if (!recursive) return own;
  return [...own, ...childFolders(folder).flatMap((child) => processesBelow(child, true))];
}

/** The cgroups directly below one; none when it is gone. */
export function childFolders(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENODEV") return [];
    throw error;
  }
}

/** How many processes of this cgroup (v2: and those below it) the OOM killer took; undefined when the cgroup is gone. */
export function readOomKills(layout: CgroupLayout, cgroup: string): number | undefined {
  const folder = controllerFolder(layout, cgroup, "memory");
  if (folder === undefined) return undefined;
  const file = layout.mode === "v2" ? "memory.events" : "memory.oom_control";
  return keyedValue(readText(join(folder, file)), "oom_kill");
}

export interface MemoryUsage {
  /** Bytes charged, page cache included. */
  readonly usage: number;
  /** Bytes without the inactive page cache, which the kernel gives back first: what the kubelet calls the working set. */
  readonly workingSet: number;
  /** Bytes of anonymous memory. */
  readonly rss: number;
  readonly pageFaults: number;
  readonly majorPageFaults: number;
  /** Bytes; undefined: no limit. */
  readonly limit: number | undefined;
}

/** v1 says "no limit" with the largest number of whole pages; no machine has that much. v2 says `max`, which is no number. */
const UNLIMITED = 2 ** 62;

export function readMemory(layout: CgroupLayout, cgroup: string): MemoryUsage | undefined {
  const folder = controllerFolder(layout, cgroup, "memory");
  if (folder === undefined) return undefined;
  const v2 = layout.mode === "v2";
  const usage = readText(join(folder, v2 ? "memory.current" : "memory.usage_in_bytes"));
  if (usage === undefined) return undefined;
  const stat = readText(join(folder, "memory.stat"));
  // v1 counts a cgroup alone under the plain names.
  const read = (name: string): number => keyedValue(stat, v2 ? name : `total_${name}`) ?? 0;
  const limit = Number(readText(join(folder, v2 ? "memory.max" : "memory.limit_in_bytes")));
  return {
    usage: Number(usage),
    workingSet: Math.max(0, Number(usage) - read("inactive_file")),
    rss: read(v2 ? "anon" : "rss"),
    pageFaults: read("pgfault"),
    majorPageFaults: read("pgmajfault"),
    limit: limit > 0 && limit < UNLIMITED ? limit : undefined,
  };
}

/** CPU time used since the cgroup was made, nanoseconds. Undefined without an accounting controller. */
export function readCpu(layout: CgroupLayout, cgroup: string): bigint | undefined {
  if (layout.mode === "v2") {
    const folder = controllerFolder(layout, cgroup, "cpu");
    const microseconds = folder && keyedValue(readText(join(folder, "cpu.stat")), "usage_usec");
    return microseconds ? BigInt(microseconds) * 1000n : undefined;
  }
  const folder = controllerFolder(layout, cgroup, "cpuacct");
  const text = folder && readText(join(folder, "cpuacct.usage"));
  return text ? BigInt(text.trim()) : undefined;
}

/** Number of tasks, threads included. */
export function readPids(layout: CgroupLayout, cgroup: string): number | undefined {
  const folder = controllerFolder(layout, cgroup, "pids");
  const text = folder && readText(join(folder, "pids.current"));
  return text ? Number(text) : undefined;
}

/** The number behind a key in a flat keyed file (`key value` lines). */
function keyedValue(text: string | undefined, key: string): number | undefined {
  const value = text
    ?.split("\n")
    .find((line) => line.startsWith(`${key} `))
    ?.slice(key.length + 1);
  return value === undefined ? undefined : Number(value);
}

/**
 * ENODEV comes from a file of a cgroup that was removed after the file had been opened, EOPNOTSUPP from cgroup.procs of a
 * threaded v2 cgroup (a privileged container may make one), whose processes the cgroup above it lists.
 */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (["ENOENT", "ENODEV", "EOPNOTSUPP", "ENOTSUP"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}
