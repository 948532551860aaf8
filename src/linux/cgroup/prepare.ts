import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import type { CgroupLayout } from "./layout.ts";
import { cgroupFolders } from "./paths.ts";

/** v2 controllers that are handed down to pods and containers, those of them that the machine has. */
const DELEGATED = ["cpu", "memory", "pids", "cpuset", "io", "hugetlb"];

/**
 * Makes a cgroup in every hierarchy; existing is fine. On v2 it then hands the controllers down from the root to it, so that
 * its children have them; no process may live in it from then on (the kernel's "no internal processes").
 */
export function prepareCgroup(layout: CgroupLayout, cgroup: string): void {
  for (const folder of cgroupFolders(layout, cgroup)) mkdirSync(folder, { recursive: true });
  if (layout.mode === "v2" && layout.unified !== undefined) delegate(layout.unified, cgroup);
}

/** Writes that hand the controllers of one v2 cgroup to its children, for the cgroups that plans make. */
export function delegationOf(layout: CgroupLayout): string {
  return DELEGATED.filter((name) => layout.controllers.has(name))
    .map((name) => `+${name}`)
    .join(" ");
}

function delegate(root: string, cgroup: string): void {
  const chain = [root];
  for (let at = cgroup; at !== "/" && at !== "."; at = dirname(at)) chain.splice(1, 0, join(root, at));
  for (const folder of chain) {
    const have = readFileSync(join(folder, "cgroup.controllers"), "utf8").split(/\s+/);
    const wanted = DELEGATED.filter((name) => have.includes(name)).map((name) => `+${name}`);
    try {
      writeFileSync(join(folder, "cgroup.subtree_control"), wanted.join(" "));
    } catch (cause) {
      const errno = errnoOf(cause);
      const hint = errno === "EBUSY" ? ": it has processes of its own; choose another PODRUN_CGROUP" : "";
      throw new PodrunError(
        "OperationFailed",
        `cgroup ${folder} can't hand down ${wanted.join(" ")}: ${errno}${hint}`,
        {
          details: { operation: "delegate", path: folder, errno },
          cause,
        },
      );
    }
  }
}
