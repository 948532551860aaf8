import { join, normalize } from "node:path";
import { cgroupFolders } from "../linux/cgroup/index.ts";
import {
  CLONE_NEWNS,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  MS_SLAVE,
  O_DIRECTORY,
  O_PATH,
} from "../linux/constants.ts";
import { NO_SLOT, RESOLVE_IN_ROOT } from "../linux/plan/table.ts";
import { makeDevices, mountMessageQueues, mountTerminals } from "./devices-plan.ts";
import type { MachineFacts } from "./facts.ts";
import { choosePart, makeOverlay, mountImage } from "./overlay-plan.ts";
import type { PlanWriter } from "./plan-writer.ts";
import { POD_ROOT } from "./pod-root-plan.ts";
import type { ProcessIdentity } from "./process-plan.ts";
import { labelOption, relabelOne, relabelVolume } from "./selinux.ts";
import { LOCAL, POD } from "./slots.ts";
import type { ContainerConfig, ContainerMount, SandboxShape } from "./types.ts";
import { coversTerminals, idmap, idmapLayers, makeAsRoot, noDevices, WHY_USERS } from "./user-namespace-plan.ts";

/** What the kernel shows in /proc and /sys that no container needs (the list that Docker, containerd and CRI-O share). */
const MASKED_PROC = [
  "acpi",
  "asound",
  "interrupts",
  "kcore",
  "keys",
  "latency_stats",
  "scsi",
  "sched_debug",
  "timer_list",
  "timer_stats",
];
const MASKED_SYS = ["firmware", "devices/virtual/powercap"];
const READONLY_PROC = ["bus", "fs", "irq", "sys", "sysrq-trigger"];

const CGROUPS = "/sys/fs/cgroup/";

const NO_ACCESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

export interface RootfsInput {
  readonly id: string;
  readonly config: ContainerConfig;
  readonly sandbox: SandboxShape;
  readonly identity: Pick<ProcessIdentity, "labels">;
  readonly cgroup: string;
  /** Folder of the container below the state folder: upper, work. */
  readonly folder: string;
}

/** Mounts that come from the host or from the pod, in the order of their targets' depth, each with its slot. */
interface PlacedMount extends ContainerMount {
  readonly slot: number;
  readonly file: boolean;
}

const NO_PROPAGATION = [MS_PRIVATE, "mounts made inside stay inside"] as const;
const PROPAGATION = [MS_SLAVE, "mountPropagation HostToContainer"] as const;

function makeReadOnly(plan: PlanWriter, { readOnly, recursiveReadOnly, slot, why = "default" }: PlacedMount): void {
  if (readOnly) plan.stage(why, attributes(slot, { set: MOUNT_ATTR_RDONLY, recursive: recursiveReadOnly ? 1 : 0 }));
}

/**
 * A volume has the pod's ids, and device nodes in it open nothing: who is root of the host may have made them there, for another
 * container that has it too, and no device filter stands before privileged ones. What is mounted below the volume keeps its
 * ids, but a node there may be anybody's to open, so that is nodev, too. A single file is a device only where a manifest
 * names one.
 */
function giveToPod(plan: PlanWriter, { slot, file, why = "default" }: PlacedMount): void {
  const reason = `${why}; ${WHY_USERS}`;
  if (!file) plan.stage(`${reason}: devices are those of /dev`, { ...noDevices(slot), recursive: 1 });
  plan.stage(reason, idmap(slot));
}

/** Takes copies of everything that comes from the host while its mount namespace is still there. */
export function gatherMounts(plan: PlanWriter, input: RootfsInput, facts: MachineFacts): readonly PlacedMount[] {
  const placed = placeMounts(input, facts);
  const { userRange: users } = input.sandbox;
  const { labels } = input.identity;
  for (const mount of placed) {
    if (mount.source.kind !== "host") continue;
    const { path } = mount.source;
    relabelVolume(plan, mount, labels?.mount);
    copyMount(plan, mount, path, 1);
    // A copy of a shared mount is its peer: without this, mounts made in the container would appear on the host.
    if (mount.propagation !== "shared") {
      const [propagation, why] = mount.propagation ? PROPAGATION : NO_PROPAGATION;
      plan.stage(why, attributes(mount.slot, { propagation, recursive: 1 }));
    }
    makeReadOnly(plan, mount);
    if (users) giveToPod(plan, mount);
  }
  if (facts.cgroups.mode !== "v2")
    cgroupFolders(facts.cgroups, input.cgroup).forEach((path, i) => {
      const out = LOCAL.cgroupMounts + i;
      plan.stage("default: /sys/fs/cgroup shows the container its own", {
        op: "open_tree",
        out,
        dir: NO_SLOT,
        path,
        recursive: 0,
        resolve: 0,
      });
      const { privileged } = input.config.security;
      const set = privileged ? NO_ACCESS : NO_ACCESS | MOUNT_ATTR_RDONLY;
      const why = privileged ? "privileged: writable" : "default: read-only";
      plan.stage(why, attributes(out, { set, propagation: MS_PRIVATE }));
    });
  const { folder, config } = input;
  if (users) idmapLayers(plan, config.image.layersFolder);
  for (const mount of placed)
    if (mount.source.kind === "layers") mountImage(plan, mount.source.image, mount, { folder, labels }, facts);
  makeOverlay(plan, { folder, image: config.image, users, labels }, facts);
  if (users) plan.stage(`${WHY_USERS}: devices are those of /dev`, noDevices(LOCAL.root));
  return placed;
}

/** In a copy of the pod's mount namespace: the root file system and all that is mounted upon it, then the new root. */
export function mountRoot(
  plan: PlanWriter,
  input: RootfsInput,
  mounts: readonly PlacedMount[],
  facts: MachineFacts,
  devpts: number,
): void {
  const { userRange: users } = input.sandbox;
  const label = input.identity.labels?.mount;
  plan.stage("the pod's mounts instead of the host's", { op: "setns", namespace: POD.mnt, type: CLONE_NEWNS });
  if (users) plan.stage(`${WHY_USERS}: what is made belongs to the pod's root`, ...makeAsRoot(users));
  for (const mount of mounts) {
    const path = podPath(mount);
    if (path === undefined) continue;
    if (mount.source.kind === "pod" && mount.file) relabelOne(plan, { path }, label);
    copyMount(plan, mount, path, 0);
    makeReadOnly(plan, mount);
  }
  plan.stage("default: mounts of its own", { op: "unshare", flags: CLONE_NEWNS });
  for (const mount of mounts)
    if (mount.source.kind === "layers" && mount.subPath)
      choosePart(plan, mount, mount.subPath.path, `/${POD_ROOT.root}`);
  plan.stage("the image and what the container writes", {
    op: "move_mount",
    from: LOCAL.root,
    dir: NO_SLOT,
    path: `/${POD_ROOT.root}`,
    resolve: 0,
  });
  for (const mount of mounts) if (mount.source.kind === "image") copyVolume(plan, mount);
  makeDevices(plan, input.config, facts, { users, label });
  mountTerminals(plan, devpts, { users, label, attach: !users || coversTerminals(input.config) });
  mountMessageQueues(plan, { users, label });
  systemMounts(plan, input, facts);
  for (const mount of mounts) attach(plan, mount);
  for (const path of isMasked(input.config) ? MASKED_SYS : [])
    plan.stage("default: masked", { op: "mask", dir: LOCAL.root, path: `sys/${path}` });
  const { workingDir } = input.config;
  const folder = workingDir ?? input.config.image.config.workingDir;
  if (folder && folder !== "/")
    plan.stage("workingDir is made when the image lacks it", {
      op: "mountpoint",
      dir: LOCAL.root,
      path: folder,
      file: 0,
    });
  if (input.config.security.readOnlyRootFilesystem)
    plan.stage(
      input.config.why?.["readOnlyRootFilesystem"] ?? "default",
      attributes(LOCAL.root, { set: MOUNT_ATTR_RDONLY }),
    );
  plan.stage("the container's root", { op: "pivot_root", root: LOCAL.root });
}

const isMasked = ({ security }: ContainerConfig): boolean => !security.privileged && !security.unmasked;

/** What only the child can mount, for the kernel looks at its namespaces: /proc, and on v2 /sys/fs/cgroup. */
export function mountFromInside(plan: PlanWriter, config: ContainerConfig, facts: MachineFacts): void {
  plan.child(
    "default: every container has /proc",
    { op: "fsmount", out: LOCAL.scratch, type: "proc", options: ["source=proc"], attributes: NO_ACCESS },
    { op: "move_mount", from: LOCAL.scratch, dir: LOCAL.proc, path: "", resolve: 0 },
    { op: "close", slots: [LOCAL.scratch] },
  );
  if (isMasked(config)) {
    for (const path of MASKED_PROC)
      plan.child("default: masked", { op: "mask", dir: LOCAL.root, path: `proc/${path}` });
    for (const path of READONLY_PROC)
      plan.child("default: read-only", { op: "readonly", dir: LOCAL.root, path: `proc/${path}` });
  }
  // A volume of the manifest's in this place is there already, and would be covered.
  if (facts.cgroups.mode !== "v2" || config.mounts.some(({ target }) => normalize(`${target}/`) === CGROUPS)) return;
  const access = config.security.privileged ? NO_ACCESS : NO_ACCESS | MOUNT_ATTR_RDONLY;
  plan.child(
    "default: /sys/fs/cgroup shows the container its own",
    { op: "fsmount", out: LOCAL.scratch, type: "cgroup2", options: ["source=cgroup2"], attributes: access },
    { op: "move_mount", from: LOCAL.scratch, dir: LOCAL.cgroupMount, path: "", resolve: 0 },
    { op: "close", slots: [LOCAL.scratch] },
  );
}

/** Files that every container has from its pod, then the manifest's mounts; outer targets before inner ones. */
function placeMounts(input: RootfsInput, facts: MachineFacts): readonly PlacedMount[] {
  const { config, folder, sandbox } = input;
  const pod = (name: string): ContainerMount => ({
    source: { kind: "pod", path: name },
    target: name === POD_ROOT.shm ? "/dev/shm" : `/${name}`,
    readOnly: config.security.readOnlyRootFilesystem && name !== POD_ROOT.shm,
    why: name === POD_ROOT.shm ? "default: shared by the pod's containers" : "default: the pod's file",
  });
  const shm: ContainerMount =
    sandbox.ipc === "node"
      ? {
          source: { kind: "host", path: "/dev/shm" },
          target: "/dev/shm",
          readOnly: false,
          why: sandbox.why?.["hostIPC"] ?? "hostIPC",
        }
      : pod(POD_ROOT.shm);
  const message = config.terminationMessage;
  const own: ContainerMount[] = [shm, pod("etc/hosts"), pod("etc/resolv.conf"), pod("etc/hostname")];
  if (message)
    own.push({
      source: { kind: "host", path: join(folder, "termination-log") },
      target: message.path,
      readOnly: false,
      relabel: true,
      why: "terminationMessagePath",
    });
  const wanted = new Set(config.mounts.map(({ target }) => target));
  const all = [...own.filter(({ target }) => !wanted.has(target)), ...imageVolumes(config), ...config.mounts];
  const depth = ({ target }: ContainerMount): number => target.split("/").filter((part) => part !== "").length;
  return all
    .sort((a, b) => depth(a) - depth(b))
    .map((mount, i) => ({ ...mount, slot: LOCAL.mounts + i, file: isFile(mount, folder, facts) }));
}

/** What the kernel or the runtime has here goes before what an image wants. */
const RUNTIME_PLACES = /^\/(proc|sys|dev)(\/|$)/;

/**
 * The image's VOLUMEs (OCI image config, `Volumes`), as containerd's CRI service has them: folders of the container's own that
 * it may write also with readOnlyRootFilesystem, filled with what the image has there, and gone with the container. A
 * mount of the manifest's in the same place goes before.
 */
function imageVolumes({ image, mounts }: ContainerConfig): readonly ContainerMount[] {
  const place = (path: string): string => normalize(`/${path}/`).slice(0, -1);
  const wanted = new Set(mounts.map(({ target }) => place(target)));
  const targets = new Set(image.config.volumes.map(place));
  return [...targets]
    .filter((target) => target !== "" && !wanted.has(target) && !RUNTIME_PLACES.test(target))
    .map((target) => ({
      source: { kind: "image" },
      target,
      readOnly: false,
      why: `VOLUME of image ${image.reference}`,
    }));
}

/**
 * A second mount of the same overlay, of one folder, made before anything else is mounted there: what is written goes to the
 * container's upper folder, and the root's being read-only is an attribute of the root's mount alone.
 */
function copyVolume(plan: PlanWriter, { target, slot, why }: PlacedMount): void {
  plan.stage(
    why ?? "default",
    { op: "mountpoint", dir: LOCAL.root, path: target, file: 0 },
    { op: "open_tree", out: slot, dir: LOCAL.root, path: target, recursive: 0, resolve: RESOLVE_IN_ROOT },
  );
}

function isFile(mount: ContainerMount, folder: string, facts: MachineFacts): boolean {
  const { source } = mount;
  if (source.kind === "pod") return source.path !== POD_ROOT.shm;
  if (source.kind !== "host") return false;
  return source.path === join(folder, "termination-log") || facts.isFile(source.path);
}

function podPath({ source }: ContainerMount): string | undefined {
  if (source.kind === "pod") return `/${source.path}`;
  return source.kind === "memory" ? `/${POD_ROOT.volumes}/${source.volume}` : undefined;
}

function systemMounts(plan: PlanWriter, input: RootfsInput, facts: MachineFacts): void {
  const { privileged } = input.config.security;
  const place = (path: string, out: number): void =>
    plan.stage(
      "default",
      { op: "mountpoint", dir: LOCAL.root, path, file: 0 },
      { op: "open", out, dir: LOCAL.root, path, flags: O_PATH | O_DIRECTORY, resolve: RESOLVE_IN_ROOT },
    );
  place("proc", LOCAL.proc);
  plan.stage(
    privileged ? "privileged: writable" : "default: read-only",
    { op: "mountpoint", dir: LOCAL.root, path: "sys", file: 0 },
    {
      op: "fsmount",
      out: LOCAL.scratch,
      type: "sysfs",
      options: ["source=sysfs"],
      attributes: privileged ? NO_ACCESS : NO_ACCESS | MOUNT_ATTR_RDONLY,
    },
    { op: "move_mount", from: LOCAL.scratch, dir: LOCAL.root, path: "sys", resolve: RESOLVE_IN_ROOT },
    { op: "close", slots: [LOCAL.scratch] },
  );
  if (facts.cgroups.mode === "v2") {
    plan.stage("for the child to mount on", {
      op: "open",
      out: LOCAL.cgroupMount,
      dir: LOCAL.root,
      path: "sys/fs/cgroup",
      flags: O_PATH | O_DIRECTORY,
      resolve: RESOLVE_IN_ROOT,
    });
    return;
  }
  plan.stage(
    "v1: one folder a hierarchy",
    {
      op: "fsmount",
      out: LOCAL.scratch,
      type: "tmpfs",
      options: ["source=tmpfs", "mode=755", "size=64k", ...labelOption(input.identity.labels?.mount)],
      attributes: NO_ACCESS,
    },
    { op: "move_mount", from: LOCAL.scratch, dir: LOCAL.root, path: "sys/fs/cgroup", resolve: RESOLVE_IN_ROOT },
  );
  cgroupFolders(facts.cgroups, "/").forEach((mountPoint, i) => {
    const name = mountPoint
      .split("/")
      .filter((part) => part !== "")
      .pop() as string;
    plan.stage(
      "default: the container's own cgroup",
      { op: "mkdir", dir: LOCAL.scratch, path: name, mode: 0o755, resolve: 0, parents: 0 },
      { op: "move_mount", from: LOCAL.cgroupMounts + i, dir: LOCAL.scratch, path: name, resolve: 0 },
    );
  });
  plan.stage("nothing is written beside them", attributes(LOCAL.scratch, { set: MOUNT_ATTR_RDONLY }), {
    op: "close",
    slots: [LOCAL.scratch],
  });
}

function attach(plan: PlanWriter, mount: PlacedMount): void {
  plan.stage(
    mount.why ?? "default",
    mount.subPath
      ? { op: "mountpoint_like", dir: LOCAL.root, path: mount.target, like: mount.slot }
      : { op: "mountpoint", dir: LOCAL.root, path: mount.target, file: mount.file ? 1 : 0 },
    { op: "move_mount", from: mount.slot, dir: LOCAL.root, path: mount.target, resolve: RESOLVE_IN_ROOT },
    { op: "close", slots: [mount.slot] },
  );
}

/**
 * A copy of what is at `path`, or of its `subPath`: that is looked up with the volume as its root, so that no link which a
 * container has put there leads out of it, and held by descriptor from then on.
 */
function copyMount(plan: PlanWriter, mount: PlacedMount, path: string, recursive: 0 | 1): void {
  const { slot: out, subPath, why = "default" } = mount;
  if (subPath === undefined) {
    plan.stage(why, { op: "open_tree", out, dir: NO_SLOT, path, recursive, resolve: 0 });
    return;
  }
  const dir = LOCAL.scratch;
  plan.stage(why, { op: "open", out: dir, dir: NO_SLOT, path, flags: O_PATH | O_DIRECTORY, resolve: 0 });
  const parts = subPath.path.split("/");
  // What is there already, a file too, is taken as it is: only then does this fail and the next succeed.
  for (let depth = 1; depth <= parts.length; depth++) {
    const folder = parts.slice(0, depth).join("/");
    const make = { op: "mkdir", dir, path: folder, mode: subPath.mode, resolve: RESOLVE_IN_ROOT, parents: 1 } as const;
    plan.optional("stage", "a subPath that is missing is made", make);
  }
  const found = { op: "open_tree", out, dir, path: subPath.path, recursive, resolve: RESOLVE_IN_ROOT } as const;
  plan.stage(why, found, { op: "close", slots: [dir] });
}

/** mount_setattr on the mount that a slot holds. */
function attributes(dir: number, change: { set?: bigint; propagation?: bigint; recursive?: 0 | 1 }) {
  return {
    op: "mount_setattr",
    dir,
    path: "",
    recursive: change.recursive ?? 0,
    set: change.set ?? 0n,
    clear: 0n,
    propagation: change.propagation ?? 0n,
    userns: NO_SLOT,
  } as const;
}
