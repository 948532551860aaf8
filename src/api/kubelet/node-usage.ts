// What the whole machine uses, from /proc.
import { readFileSync } from "node:fs";

/** USER_HZ: proc(5) counts CPU time in hundredths of a second on every architecture that podrun runs on. */
const TICK_NANOS = 10_000_000;

export interface NodeUsage {
  readonly cpuNanos: number;
  readonly memory: { readonly total: number; readonly available: number; readonly anonymous: number };
  readonly links: readonly LinkCounters[];
  /** Milliseconds since the epoch. */
  readonly bootedAt: number;
}

export interface LinkCounters {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

/** `linkPrefix`: of pods' host ends, which are not the machine's own. */
export function readNodeUsage(linkPrefix: string): NodeUsage {
  const stat = readFileSync("/proc/stat", "utf8");
  // user nice system idle iowait irq softirq steal: idle and iowait are no work.
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] =
    stat.split("\n")[0]?.split(/\s+/).slice(1).map(Number) ?? [];
  const memory = readFileSync("/proc/meminfo", "utf8");
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(memory)?.[1] ?? 0);
  return {
    cpuNanos: (user + nice + system + irq + softirq + steal) * TICK_NANOS,
    memory: {
      total: kilobytes("MemTotal") * 1024,
      available: kilobytes("MemAvailable") * 1024,
      anonymous: kilobytes("AnonPages") * 1024,
    },
    links: readLinks(readFileSync("/proc/net/dev", "utf8"), linkPrefix),
    bootedAt: Number(/^btime (\d+)/m.exec(stat)?.[1] ?? 0) * 1000,
  };
}

function readLinks(text: string, linkPrefix: string): LinkCounters[] {
  return text
    .split("\n")
    .slice(2)
    .flatMap((line) => {
      const [name = "", numbers = ""] = line.split(/:(.*)/s);
      const counters = numbers.trim().split(/\s+/).map(Number);
      const link = name.trim();
      if (counters.length < 11 || link === "lo" || link.startsWith(linkPrefix)) return [];
      const [rxBytes = 0, , rxErrors = 0, , , , , , txBytes = 0, , txErrors = 0] = counters;
      return [{ name: link, rxBytes, rxErrors, txBytes, txErrors }];
    });
}
