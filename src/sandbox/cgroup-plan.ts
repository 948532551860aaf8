import {
  type Resources as CgroupResources,
  type CgroupWrite,
  cgroupFolders,
  cgroupWrites,
  DEFAULT_DEVICES,
  deviceProgram,
  v1DeviceLines,
} from "../linux/cgroup/index.ts";
import { MOUNT_ATTR_RDONLY, MS_PRIVATE, O_WRONLY } from "../linux/constants.ts";
import { NO_SLOT } from "../linux/plan/table.ts";
import type { MachineFacts } from "./facts.ts";
import type { PlanWriter } from "./plan-writer.ts";
import { LOCAL } from "./slots.ts";
import type { ContainerConfig, Resources } from "./types.ts";

export function cgroupFileOperation(plan: PlanWriter, write: CgroupWrite, why: string): void {
  const operation = {
    op: "write_file",
    dir: NO_SLOT,
    path: write.path,
    data: Buffer.from(write.value),
    flags: 0,
    mode: 0,
  } as const;
  if (write.optional) plan.optional("stage", why, operation);
  else plan.stage(why, operation);
}

/** Limits in the cgroup layer's names. */
export function cgroupResources({ memoryLimitBytes: memoryLimit, ...others }: Resources): CgroupResources {
  return { ...others, ...(memoryLimit !== undefined && { memoryLimit }) };
}

/** Makes the container's cgroup with its limits and device filter. The stage stays outside: set-up is not charged to it. */
export function makeContainerCgroup(
  plan: PlanWriter,
  config: ContainerConfig,
  cgroup: string,
  facts: MachineFacts,
): void {
  const folders = cgroupFolders(facts.cgroups, cgroup);
  for (const path of folders)
    plan.stage("the container's limits", { op: "mkdir", dir: NO_SLOT, path, mode: 0o755, resolve: 0, parents: 1 });
  const wanted = cgroupResources(config.resources);
  for (const write of cgroupWrites(facts.cgroups, cgroup, { ...wanted, oomGroup: wanted.memoryLimit !== undefined }))
    cgroupFileOperation(plan, write, config.why?.["resources"] ?? "default");
  openCgroup(plan, cgroup, facts);
  if (!config.security.privileged) filterDevices(plan, cgroup, facts);
}

/**
 * Opens the container's cgroup for the child to be made in (v2) or to join (v1: one slot a hierarchy). A child begins with
 * these descriptors, and whoever may ptrace it could use them: so from none of them a path leads up into the host, and no
 * limit can be changed through it. v2: a read-only copy of the mount that has the cgroup as its root (CLONE_INTO_CGROUP
 * asks whether the cgroup may be written to, not whether the mount may); v1: the one file that is written to.
 */
export function openCgroup(plan: PlanWriter, cgroup: string, facts: MachineFacts): void {
  const why = "the process starts in it";
  cgroupFolders(facts.cgroups, cgroup).forEach((path, i) => {
    const out = LOCAL.cgroups + i;
    if (facts.cgroups.mode !== "v2") {
      plan.stage(why, { op: "open", out, dir: NO_SLOT, path: `${path}/cgroup.procs`, flags: O_WRONLY, resolve: 0 });
      return;
    }
    plan.stage(
      why,
      { op: "open_tree", out, dir: NO_SLOT, path, recursive: 0, resolve: 0 },
      {
        op: "mount_setattr",
        dir: out,
        path: "",
        recursive: 0,
        set: MOUNT_ATTR_RDONLY,
        clear: 0n,
        propagation: MS_PRIVATE,
        userns: NO_SLOT,
      },
    );
  });
}

/** The slots that {@link openCgroup} fills. */
export function cgroupSlots(facts: MachineFacts): readonly number[] {
  return cgroupFolders(facts.cgroups, "/").map((_, i) => LOCAL.cgroups + i);
}

/** The cgroup argument of the child's clone: v2 only, v1 has no CLONE_INTO_CGROUP. */
export const cloneCgroup = (facts: MachineFacts): number => (facts.cgroups.mode === "v2" ? LOCAL.cgroups : NO_SLOT);

/** v1: the child joins each hierarchy itself, before it does anything that costs memory. */
export function joinCgroups(plan: PlanWriter, facts: MachineFacts): void {
  if (facts.cgroups.mode === "v2") return;
  for (const cgroup of cgroupSlots(facts)) plan.child("v1: no clone into a cgroup", { op: "join_cgroup", cgroup });
}

function filterDevices(plan: PlanWriter, cgroup: string, facts: MachineFacts): void {
  const why = "default: the standard devices only";
  if (facts.cgroups.mode === "v2") {
    plan.stage(why, { op: "device_filter", cgroup: LOCAL.cgroups, program: deviceProgram(DEFAULT_DEVICES) });
    return;
  }
  const mount = facts.cgroups.hierarchies.get("devices");
  if (mount === undefined) return;
  for (const { file, value } of v1DeviceLines(DEFAULT_DEVICES))
    cgroupFileOperation(plan, { path: `${mount}${cgroup}/${file}`, value, optional: false }, why);
}
