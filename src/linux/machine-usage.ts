// What the machine as a whole uses, from procfs (proc_stat(5), proc_meminfo(5), proc_loadavg(5)).
import { readFileSync } from "node:fs";
import { type CgroupLayout, readMemory } from "./cgroup/index.ts";

export interface MachineUsage {
  /** Time that all processors have worked since the boot, nanoseconds. */
  readonly cpuNanoSeconds: bigint;
  readonly memoryTotalBytes: number;
  /** What programs could not have if they asked for it. */
  readonly memoryUsedBytes: number;
  readonly memoryAnonymousBytes: number;
  /** Milliseconds since the epoch. */
  readonly bootedAt: number;
}

/** How much of something is left. */
export interface Remainder {
  readonly available: number;
  readonly capacity: number;
}

export interface LinkCounters {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

/** USER_HZ is 100 on every architecture that podrun knows. */
const NANOS_PER_TICK = 10_000_000n;

/** Idle and waiting for disks is no work; time of guests is counted in user time already. */
export function parseMachineUsage(stat: string, meminfo: string): MachineUsage {
  const [, user = "0", nice = "0", system = "0", , , irq = "0", softirq = "0", steal = "0"] =
    stat.split("\n", 1)[0]?.split(/\s+/) ?? [];
  const ticks = [user, nice, system, irq, softirq, steal].reduce((sum, field) => sum + BigInt(field), 0n);
  const total = meminfoBytes(meminfo, "MemTotal");
  return {
    cpuNanoSeconds: ticks * NANOS_PER_TICK,
    memoryTotalBytes: total,
    memoryUsedBytes: Math.max(0, total - meminfoBytes(meminfo, "MemAvailable")),
    memoryAnonymousBytes: meminfoBytes(meminfo, "AnonPages"),
    bootedAt: Number(/^btime (\d+)/m.exec(stat)?.[1] ?? 0) * 1000,
  };
}

export const readMachineUsage = (): MachineUsage => parseMachineUsage(read("stat"), read("meminfo"));

/**
 * Memory as a kubelet counts it (cAdvisor): what is not the root cgroup's working set is available. v2's root does not say what it uses:
 * all that is not free, and the page cache that the kernel gives back first is not counted.
 */
export function readMemoryLeft(cgroups: CgroupLayout): Remainder {
  return memoryLeft(read("meminfo"), readMemory(cgroups, "/")?.workingSet);
}

export function memoryLeft(meminfo: string, rootWorkingSet: number | undefined): Remainder {
  const capacity = meminfoBytes(meminfo, "MemTotal");
  const inactive = meminfoBytes(meminfo, "Inactive\\(file\\)");
  const workingSet = rootWorkingSet ?? capacity - meminfoBytes(meminfo, "MemFree") - inactive;
  return { available: Math.max(0, capacity - workingSet), capacity };
}

/** Process numbers: threads have one each, too. */
export function readProcessNumbersLeft(): Remainder {
  const running = Number(/ \d+\/(\d+) /.exec(read("loadavg"))?.[1] ?? 0);
  const capacity = Math.min(Number(read("sys/kernel/pid_max")), Number(read("sys/kernel/threads-max")));
  return { available: Math.max(0, capacity - running), capacity };
}

/** Of the machine's own links: without the loopback and those that begin with `podPrefix`, host ends of pods' links. */
export function readLinkCounters(podPrefix: string): LinkCounters[] {
  return read("net/dev")
    .split("\n")
    .slice(2)
    .flatMap((line) => {
      const [name = "", numbers = ""] = line.split(/:(.*)/s);
      const counters = numbers.trim().split(/\s+/).map(Number);
      const link = name.trim();
      if (counters.length < 11 || link === "lo" || link.startsWith(podPrefix)) return [];
      const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = counters;
      return [{ name: link, rxBytes, rxErrors, txBytes, txErrors }];
    });
}

const read = (name: string): string => readFileSync(`/proc/${name}`, "utf8");

const meminfoBytes = (meminfo: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
