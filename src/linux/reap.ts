import type { Socket } from "node:net";
import { call } from "./libc.ts";

// sys/wait.h
const WNOHANG = 1;

/** Children that are ending or have ended, with what is to be done when they are gone. */
const leaving = new Map<number, () => void>();

/**
 * Waits for a child that Node does not know, so that it stays no zombie. A process that ends closes its descriptors before its
 * parent is told (exit(2), do_exit): so only those whose connection has ended are looked at when there is a SIGCHLD, and not a
 * thousand others.
 */
export function whenEnded(pid: number, connection: Socket): Promise<void> {
  // What ended before this is found by `leave`.
  if (!process.listeners("SIGCHLD").includes(reap)) process.on("SIGCHLD", reap);
  return new Promise((resolve) => {
    const leave = (): void => {
      leaving.set(pid, resolve);
      reap();
    };
    if (connection.closed) leave();
    else connection.once("close", leave);
  });
}

function reap(): void {
  for (const [pid, ended] of leaving) {
    if (call("waitpid", pid, [0], WNOHANG) === 0) continue;
    leaving.delete(pid);
    ended();
  }
}
