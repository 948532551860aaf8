import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../base/logger.ts";
import { type CgroupLayout, cgroupFolders, prepareCgroup, qosCgroup } from "../linux/cgroup/index.ts";

/** The tree below which pods' cgroups are made. Throws OperationFailed when the controllers can't be handed down to it. */
export function prepareCgroups(layout: CgroupLayout, parent: string): void {
  for (const qos of ["Guaranteed", "Burstable", "BestEffort"] as const) prepareCgroup(layout, qosCgroup(parent, qos));
}

/**
 * Moves the daemon, and with it every monitor that it will start, out of the cgroup of whoever called it: the limits of a
 * login session must not reach pods' monitors, nor its end kill them. Under systemd the unit's own cgroup is the place
 * (Delegate=yes, KillMode=process), and leaving it would cut us off from sd_notify. What is refused is logged.
 */
export function enterCgroup(layout: CgroupLayout, cgroup: string, log: Logger, env = process.env): void {
  if (env["NOTIFY_SOCKET"] !== undefined) return;
  try {
    for (const folder of cgroupFolders(layout, cgroup)) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "cgroup.procs"), `${process.pid}`);
    }
  } catch (error) {
    log.failure(`the daemon can't enter the cgroup ${cgroup} and stays in its caller's`, error);
  }
}
