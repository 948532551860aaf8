import { mkdirSync, readdirSync, rmdirSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../base/config.ts";
import { Deadline } from "../base/deadline.ts";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { holderOf, LockFile } from "../base/lock-file.ts";
import { removeTree } from "../base/remove-tree.ts";
import { cgroupFolders, detectCgroups, killCgroup, readProcesses, removeCgroup } from "../linux/cgroup/index.ts";
import { call } from "../linux/libc.ts";
import { connectMonitor } from "../linux/monitor/index.ts";
import { mountsBelow, readMounts } from "../linux/mounts.ts";
import { RouteSocket } from "../linux/netlink/index.ts";
import { Nft } from "../linux/nftables/index.ts";
import { leaseSpace, removeRuleset } from "../net/index.ts";
import { logDirectory } from "../pod/index.ts";
import type { Pod } from "../spec/index.ts";
import { Store } from "../store/index.ts";
import { MNT_DETACH } from "./check/folders.ts";
import { deleteLink, isPodLink } from "./check/network.ts";
import { daemonPidFile } from "./daemon.ts";
import { removeHostAddresses } from "./network.ts";

/** How long a daemon may take to leave before it is killed. */
const LEAVE_MILLIS = 10_000;

/**
 * Removes everything of an instance from the machine: its daemon, monitors and pods, links, nftables table, cgroups, mounts,
 * folders. Works whatever state they are in, also without records. Returns a line for each thing done; throws when something
 * stays, with the rest done.
 */
export async function resetInstance(config: Config): Promise<readonly string[]> {
  const done: string[] = [];
  const failures: string[] = [];
  const attempt = async (what: string, act: () => Promise<boolean | number> | boolean | number): Promise<void> => {
    try {
      const count = await act();
      if (count) done.push(typeof count === "number" ? `${what}: ${count}` : what);
    } catch (error) {
      failures.push(`${what}: ${error instanceof Error ? error.message : error}`);
    }
  };
  const used = listNames(config.run).length > 0;
  let lock: LockFile | undefined;
  await attempt("daemon ended", async () => {
    const ended = await endDaemon(config);
    lock = ended.lock;
    return ended.asked;
  });
  await attempt("pods ended", () => endMonitors(config));
  await attempt("processes killed, cgroups removed", () => removeCgroups(config));
  await attempt("links removed", () => removeLinks(config));
  await attempt("host addresses removed", () => removeHostAddresses(config).then(() => false));
  await attempt(`nftables table inet ${config.table} removed`, () => removeTable(config));
  await attempt("mounts detached", () => detachMounts(config));
  await attempt("logs removed", () => removeLogs(config));
  await attempt(`${config.root} removed`, () => removeFolder(config.root));
  // Last, and in it the lock: whoever starts a daemon meanwhile is refused, whoever does so afterwards finds nothing.
  await attempt(`${config.run} removed`, async () => (await removeFolder(config.run, daemonPidFile(config))) && used);
  lock?.release();
  if (failures.length === 0) return done;
  throw new PodrunError("OperationFailed", `not everything could be removed: ${failures.join("; ")}`, {
    details: { done, failures },
  });
}

/**
 * Asks the lock's holder to leave, then kills it, and takes the lock: no daemon starts in the middle of a reset. The pid is
 * the holder's for as long as the lock is held. `asked`: there was a daemon. No lock: its folder can't be made, so nobody
 * can have one.
 */
async function endDaemon(config: Config): Promise<{ readonly asked: boolean; readonly lock: LockFile | undefined }> {
  const path = daemonPidFile(config);
  const deadline = new Deadline(LEAVE_MILLIS);
  let asked: number | undefined;
  for (;;) {
    const lock = tryLock(config.run, path);
    if (lock !== "held") return { asked: asked !== undefined, lock };
    const pid = holderOf(path);
    if (pid !== undefined && asked !== pid) signal(pid, "SIGTERM");
    if (pid !== undefined && deadline.expired) signal(pid, "SIGKILL");
    asked = pid ?? asked;
    await delay(20);
  }
}

function tryLock(folder: string, path: string): LockFile | undefined | "held" {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch {
    // Why there is no folder, if so, the lock says.
  }
  try {
    return LockFile.acquire(path);
  } catch (error) {
    if (error instanceof PodrunError && error.code === "Conflict") return "held";
    if (error instanceof PodrunError && error.code === "StateUnavailable") return undefined;
    throw error;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (errnoOf(error) !== "ESRCH") throw error;
  }
}

/** Monitors end their pods; those that do not answer end with their cgroup. */
async function endMonitors(config: Config): Promise<number> {
  const uids = listNames(join(config.run, "pods"));
  for (const uid of uids) {
    try {
      await (await connectMonitor(join(config.run, "pods", uid, "monitor.sock"))).shutdown();
    } catch (error) {
      if (!(error instanceof PodrunError && error.code === "MonitorGone")) throw error;
    }
  }
  return uids.length;
}

async function removeCgroups(config: Config): Promise<boolean> {
  const layout = detectCgroups();
  const found = cgroupFolders(layout, config.cgroup).some((folder) => listNames(folder).length > 0);
  if (readProcesses(layout, config.cgroup).includes(process.pid))
    throw new PodrunError("Conflict", `this command runs inside ${config.cgroup} and would end itself`);
  await killCgroup(layout, config.cgroup);
  await removeCgroup(layout, config.cgroup);
  return found;
}

async function removeLinks(config: Config): Promise<number> {
  const socket = new RouteSocket();
  try {
    const links = (await socket.links()).filter(
      ({ name, kind }) => kind === "veth" && isPodLink(config.linkPrefix, name),
    );
    for (const { index } of links) await deleteLink(index);
    return links.length;
  } finally {
    socket.close();
  }
}

function removeTable(config: Config): boolean {
  const nft = new Nft();
  try {
    const found = nft.list("list tables").split("\n").includes(`table inet ${config.table}`);
    nft.run(removeRuleset(config.table));
    return found;
  } finally {
    nft.close();
  }
}

function detachMounts(config: Config): number {
  const mounts = [config.root, config.run].flatMap((folder) =>
    mountsBelow(readMounts(), folder).filter(({ point }) => point !== folder),
  );
  for (const { point } of mounts) call("umount2", point, MNT_DETACH);
  return mounts.length;
}

/** Only the logs of pods on record: a kubelet may keep its own in the same folder. Without records they stay. */
async function removeLogs(config: Config): Promise<number> {
  if (!listNames(config.root).includes("state.db")) return 0;
  const store = new Store({ config, numbers: leaseSpace(config) });
  try {
    const pods = store.objects.list<Pod>("Pod");
    for (const pod of pods) await removeTree(logDirectory(config.logs, pod));
    return pods.length;
  } finally {
    store.close();
  }
}

/** With `lock`, that file is the last to go, and what somebody else makes beside it afterwards stays. */
async function removeFolder(path: string, lock?: string): Promise<boolean> {
  const names = listNames(path);
  const last = lock === undefined ? [] : [basename(lock), `${basename(lock)}.lock`];
  // What is in it goes, it may be a mount point; then itself, when it can.
  for (const name of [...names.filter((name) => !last.includes(name)), ...last]) await removeTree(join(path, name));
  try {
    rmdirSync(path);
  } catch (error) {
    const fine = lock === undefined ? ["EBUSY", "ENOENT"] : ["EBUSY", "ENOENT", "ENOTEMPTY"];
    if (!fine.includes(errnoOf(error) ?? "")) throw error;
  }
  return names.length > 0;
}

function listNames(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
