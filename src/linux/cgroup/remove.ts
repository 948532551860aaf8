import { closeSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import { call, failedWith } from "../libc.ts";
import type { CgroupLayout } from "./layout.ts";
import { cgroupFolders, processFolder } from "./paths.ts";
import { childFolders, processesBelow } from "./usage.ts";

const SIGKILL = 9;
const DEFAULT_TIMEOUT = 10_000;

export interface WaitOptions {
  /** Milliseconds until it gives up; 10 s unless given. A process in uninterruptible sleep dies only when it wakes. */
  readonly timeout?: number;
}

/**
 * Kills every process in a cgroup and below it, and waits until none is left. A cgroup that is gone is fine. Throws Timeout
 * naming the processes that are still there.
 */
export async function killCgroup(layout: CgroupLayout, cgroup: string, options: WaitOptions = {}): Promise<void> {
  const folder = processFolder(layout, cgroup);
  const left = await retry(options, () => {
    // v2 kills the whole tree at once, forks under way included; v1 must be asked again until nobody is left.
    if (!(layout.mode === "v2" && killTree(folder))) killListed(folder);
    const pids = processesBelow(folder, true);
    return pids.length === 0 ? undefined : pids;
  });
  if (left)
    throw new PodrunError("Timeout", `cgroup ${cgroup}: processes ${left.join(", ")} are still there after SIGKILL`, {
      details: { cgroup, processes: left.map(String) },
    });
}

/** False when the kernel has no cgroup.kill, or the cgroup is gone. */
function killTree(folder: string): boolean {
  try {
    writeFileSync(join(folder, "cgroup.kill"), "1");
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** So many processes are pinned at once: a cgroup may hold more of them than we may have descriptors. */
const BATCH = 256;

function killListed(folder: string): void {
  const pids = processesBelow(folder, true);
  for (let i = 0; i < pids.length; i += BATCH) killPinned(folder, pids.slice(i, i + BATCH));
}

/**
 * A pid read from cgroup.procs may have ended, and been given to somebody else, before the signal goes out. So each is
 * pinned by a pidfd first, and only who is still listed afterwards is signalled.
 */
function killPinned(folder: string, pids: readonly number[]): void {
  const pinned = new Map<number, number>();
  try {
    for (const pid of pids) {
      const pidfd = unlessEnded(() => call("pidfd_open", pid, 0));
      if (pidfd !== undefined) pinned.set(pid, pidfd);
    }
    for (const pid of processesBelow(folder, true)) {
      const pidfd = pinned.get(pid);
      if (pidfd !== undefined) unlessEnded(() => call("pidfd_send_signal", pidfd, SIGKILL, null, 0));
    }
  } finally {
    for (const pidfd of pinned.values()) closeSync(pidfd);
  }
}

function unlessEnded(act: () => number): number | undefined {
  try {
    return act();
  } catch (error) {
    if (failedWith(error, "ESRCH")) return undefined;
    throw error;
  }
}

/**
 * Removes a cgroup and all below it from every hierarchy. Its processes must have ended; the kernel may hold the cgroup for a
 * moment after that (EBUSY), so it is tried again. Throws OperationFailed naming the folder that stays.
 */
export async function removeCgroup(layout: CgroupLayout, cgroup: string, options: WaitOptions = {}): Promise<void> {
  const busy = await retry(options, () => {
    const folders = cgroupFolders(layout, cgroup).map(removeTree);
    return folders.find((folder) => folder !== undefined);
  });
  if (busy === undefined) return;
  const processes = processesBelow(busy, true).map(String);
  throw new PodrunError(
    "OperationFailed",
    `rmdir ${busy}: EBUSY (processes ${processes.join(", ") || "none listed"})`,
    {
      details: { operation: "rmdir", path: busy, errno: "EBUSY", processes },
    },
  );
}

/** Depth first; the first folder that is busy, or undefined when nothing is left. */
function removeTree(folder: string): string | undefined {
  for (const child of childFolders(folder)) {
    const busy = removeTree(child);
    if (busy !== undefined) return busy;
  }
  try {
    rmdirSync(folder);
    return undefined;
  } catch (error) {
    if (isGone(error)) return undefined;
    if (errnoOf(error) === "EBUSY") return folder;
    throw error;
  }
}

const isGone = (error: unknown): boolean => errnoOf(error) === "ENOENT" || errnoOf(error) === "ENODEV";

/** Calls until it gives undefined or time is up, then the last answer; v1 has no event for either to wait on. */
async function retry<T>(options: WaitOptions, attempt: () => T | undefined): Promise<T | undefined> {
  const end = performance.now() + (options.timeout ?? DEFAULT_TIMEOUT);
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    const result = attempt();
    if (result === undefined || performance.now() >= end) return result;
    await delay(pause);
  }
}
