import { readdirSync, readFileSync } from "node:fs";
import { parseMountinfo } from "../src/linux/mounts.ts";

/** Megabytes (10^6) of a process's memory, shared pages counted in proportion (proc(5), smaps_rollup). */
export function proportionalMemory(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return (Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1]) * 1024) / 1e6;
}

export interface ProcessEntry {
  readonly pid: number;
  /** Its command line, spaces between the words. */
  readonly title: string;
}

export function listProcesses(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const title = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").join(" ").trim();
        return [{ pid: Number(name), title }];
      } catch {
        // It has ended meanwhile.
        return [];
      }
    });
}

/** 0 when the process has ended. */
export function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return 0;
  }
}

/** Whether a cgroup hierarchy that is mounted now has the option; one that was unmounted still counts for the kernel. */
export const mountedFavordynmods = (): boolean =>
  parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")).some(
    ({ type, superOptions }) => type.startsWith("cgroup") && superOptions.includes("favordynmods"),
  );
