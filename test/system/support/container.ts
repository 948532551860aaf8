import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupFolders, detectCgroups } from "../../../src/linux/cgroup/index.ts";
import type { Instance } from "./podrun.ts";

/** The pid of the one process of this instance whose command is so (comm, proc(5)); found by its cgroup. */
export function containerProcess(podrun: Instance, comm: string): number {
  const pids = cgroupFolders(detectCgroups(), podrun.config.cgroup).flatMap(processesBelow);
  const found = [...new Set(pids)].filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === comm);
  if (found.length !== 1)
    throw new Error(`${found.length} processes "${comm}" in the containers of ${podrun.config.cgroup}`);
  return found[0] as number;
}

function processesBelow(folder: string): readonly number[] {
  const own = readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  const folders = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...own, ...folders.flatMap(({ name }) => processesBelow(join(folder, name)))];
}
