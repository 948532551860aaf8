import { readFileSync, readlinkSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";

/**
 * When a process started, in clock ticks since the machine did (field 22 of proc_pid_stat(5)). A pid and its start time
 * together name a process for good, where a pid alone may be given to another one. Undefined: no such process.
 */
export function startTime(pid: number): number | undefined {
  // The command's name, field 2, may hold spaces and brackets: count from the last bracket.
  const fields = statFields(pid);
  return fields === undefined ? undefined : Number(fields[22 - 3]);
}

/** Whether a process has ended and only waits for its parent to ask. Undefined: no such process. */
export function isZombie(pid: number): boolean | undefined {
  const state = statFields(pid)?.[0];
  return state === undefined ? undefined : state === "Z" || state === "X";
}

/** Fields 3 and following. */
function statFields(pid: number): string[] | undefined {
  const stat = readProc(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** A new value at every boot: run state that carries another one is of a machine that is no more. */
export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}

export type NamespaceKind = "cgroup" | "ipc" | "mnt" | "net" | "pid" | "user" | "uts";

/** Identity of a process's namespace, such as `net:[4026531840]`. Undefined: no such process, or it is a zombie. */
export function namespaceOf(pid: number | "self", kind: NamespaceKind): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Arguments of a process; empty for a zombie and for kernel threads. Undefined: no such process. */
export function commandLine(pid: number): string[] | undefined {
  return readProc(`/proc/${pid}/cmdline`)?.split("\0").slice(0, -1);
}

/** Proportional set size in bytes: memory of its own, and its share of what it shares. Undefined: no such process. */
export function proportionalSetSize(pid: number): number | undefined {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readProc(`/proc/${pid}/smaps_rollup`) ?? "")?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

const isGone = (error: unknown): boolean => errnoOf(error) === "ENOENT" || errnoOf(error) === "ESRCH";
