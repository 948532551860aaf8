import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PodrunError } from "../../base/errors.ts";
import { parseMountinfo } from "../mounts.ts";

/** Controllers without which podrun does not start a container. */
const NEEDED = ["cpu", "memory", "pids"] as const;

/**
 * How cgroups are mounted.
 * - `v2`: one hierarchy that has the controllers;
 * - `v1`: one hierarchy for each controller or group of them;
 * - `hybrid`: v1, and a v2 hierarchy without controllers beside it.
 */
export interface CgroupLayout {
  readonly mode: "v2" | "v1" | "hybrid";
  /** Mount point of the v2 hierarchy, when there is one. */
  readonly unified: string | undefined;
  /** v1: mount point of each controller; two controllers may share one. Empty on v2. */
  readonly hierarchies: ReadonlyMap<string, string>;
  /** Controllers of v2, or of the v1 hierarchies. */
  readonly controllers: ReadonlySet<string>;
  /** v1: whether moving a process into a cgroup skips the wait for an RCU grace period (10 ms). Always true on v2. */
  readonly favordynmods: boolean;
}

/** What a layout is read from; each is the text of the file named. */
export interface CgroupFiles {
  /** /proc/self/mountinfo */
  readonly mountinfo: string;
  /** cgroup.controllers at the v2 mount point, or undefined where there is none. */
  readonly controllersAt: (mountPoint: string) => string | undefined;
}

/**
 * Reads how this machine mounts its cgroups. Throws KernelFeatureMissing when a controller that every container needs
 * (cpu, memory, pids; devices on v1) is not there, naming all that are missing.
 */
export function detectCgroups(): CgroupLayout {
  const layout = parseLayout({
    mountinfo: readFileSync("/proc/self/mountinfo", "utf8"),
    controllersAt: (mountPoint) => readFileSync(join(mountPoint, "cgroup.controllers"), "utf8"),
  });
  const missing = missingControllers(layout);
  if (missing.length > 0)
    throw new PodrunError(
      "KernelFeatureMissing",
      `cgroup ${layout.mode}: no ${missing.join(", no ")} controller is mounted below /sys/fs/cgroup; containers need ` +
        "cpu, memory and pids. Mount cgroup2 (systemd.unified_cgroup_hierarchy=1 on the kernel's command line)",
      { details: { mode: layout.mode, missing } },
    );
  return layout;
}

/** Controllers that podrun needs and the layout lacks. v2 has no `devices` controller: a BPF program does that work. */
export function missingControllers(layout: CgroupLayout): string[] {
  const needed = layout.mode === "v2" ? NEEDED : [...NEEDED, "devices"];
  return needed.filter((name) => !layout.controllers.has(name));
}

export function parseLayout(files: CgroupFiles): CgroupLayout {
  const mounts = parseMountinfo(files.mountinfo);
  const hierarchies = new Map<string, string>();
  for (const mount of mounts.filter(({ type }) => type === "cgroup"))
    for (const name of mount.superOptions)
      if (isController(name) && !hierarchies.has(name)) hierarchies.set(name, mount.point);
  const unified = mounts.find(({ type }) => type === "cgroup2")?.point;
  if (hierarchies.size > 0) {
    const dynamic = mounts.some(({ superOptions }) => superOptions.includes("favordynmods"));
    const mode = unified === undefined ? "v1" : "hybrid";
    return { mode, unified, hierarchies, controllers: new Set(hierarchies.keys()), favordynmods: dynamic };
  }
  const names = unified === undefined ? undefined : files.controllersAt(unified);
  const controllers = new Set(names?.split(/\s+/).filter((name) => name !== ""));
  return { mode: "v2", unified, hierarchies, controllers, favordynmods: true };
}

/** Super options of a v1 mount are its controllers among flags such as `rw`, `xattr` and `name=systemd`. */
const isController = (option: string): boolean =>
  /^(cpu|cpuacct|cpuset|memory|pids|devices|freezer|blkio|net_cls|net_prio|perf_event|hugetlb|rdma|misc)$/.test(option);
