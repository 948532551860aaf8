import { closeSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { call } from "../../linux/libc.ts";
import { commandLine } from "../../linux/proc.ts";
import type { Difference } from "./difference.ts";

/**
 * Monitors that no sandbox has. Each listens in the run folder of its pod, and /proc/net/unix names all such sockets, also
 * those whose file is gone. It is killed, not asked: one that nobody knows any more may be one that does not answer.
 */
export function strayMonitors(run: string, live: ReadonlySet<string>): Difference[] {
  const prefix = `${run}/pods/`;
  return listeningSockets()
    .filter(({ path }) => path.startsWith(prefix) && path.endsWith("/monitor.sock"))
    .filter(({ path }) => !live.has(path.slice(prefix.length).split("/")[0] ?? ""))
    .map(({ path, inode }) => ({
      kind: "process",
      object: path,
      message: `a monitor listens at ${path}, but there is no sandbox that it belongs to`,
      repair: () => killHolder(inode),
    }));
}

/** unix(7), "/proc interfaces": Num RefCount Protocol Flags Type St Inode Path; a listening socket has __SO_ACCEPTCON. */
function listeningSockets(): { readonly path: string; readonly inode: string }[] {
  const lines = readFileSync("/proc/net/unix", "utf8").split("\n").slice(1);
  return lines.flatMap((line) => {
    const [, , , flags, , , inode, path] = line.trim().split(/\s+/);
    return flags === "00010000" && inode !== undefined && path !== undefined ? [{ path, inode }] : [];
  });
}

function killHolder(inode: string): void {
  for (const pid of readdirSync("/proc").map(Number)) {
    if (!pid || !holds(pid, inode)) continue;
    const pidfd = call("pidfd_open", pid, 0);
    try {
      // Asked again: now the number can't pass to another process any more.
      if (holds(pid, inode)) call("pidfd_send_signal", pidfd, constants.signals.SIGKILL, null, 0);
    } finally {
      closeSync(pidfd);
    }
  }
}

function holds(pid: number, inode: string): boolean {
  try {
    if (!commandLine(pid)?.[0]?.startsWith("podrun-monitor")) return false;
    return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === `socket:[${inode}]`);
  } catch {
    // It has ended, or closed what was just listed.
    return false;
  }
}
