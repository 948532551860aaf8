// What the machine as a whole uses, from procfs (proc_stat(5), proc_meminfo(5)).
import { readFileSync } from "node:fs";

export interface MachineUsage {
  /** Time that all processors have worked since the boot, nanoseconds. */
  readonly cpuNanoSeconds: bigint;
  readonly memoryTotalBytes: number;
  /** What programs could not have if they asked for it. */
  readonly memoryUsedBytes: number;
}

/** USER_HZ is 100 on every architecture that podrun knows. */
const NANOS_PER_TICK = 10_000_000n;

/** Idle and waiting for disks is no work; time of guests is counted in user time already. */
export function parseMachineUsage(stat: string, meminfo: string): MachineUsage {
  const [, user = "0", nice = "0", system = "0", , , irq = "0", softirq = "0", steal = "0"] =
    stat.split("\n", 1)[0]?.split(/\s+/) ?? [];
  const ticks = [user, nice, system, irq, softirq, steal].reduce((sum, field) => sum + BigInt(field), 0n);
  const total = kibibytes(meminfo, "MemTotal");
  return {
    cpuNanoSeconds: ticks * NANOS_PER_TICK,
    memoryTotalBytes: total,
    memoryUsedBytes: Math.max(0, total - kibibytes(meminfo, "MemAvailable")),
  };
}

export const readMachineUsage = (): MachineUsage =>
  parseMachineUsage(readFileSync("/proc/stat", "utf8"), readFileSync("/proc/meminfo", "utf8"));

const kibibytes = (meminfo: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
