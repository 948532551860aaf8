// hostUsers: false. Mounts are made, and devices too, by a stage that is root of the host: the kernel takes mknod, overlay and
// idmapped mounts from nobody else. The child enters the user namespace as its last but one, in a copy of the mounts that
// belongs to it: in a copy, what the host's root has mounted is locked (mount_namespaces(7)), so that no capability in
// the pod takes a mask, a read-only volume or nosuid away.
import { normalize } from "node:path";
import { PodrunError } from "../base/errors.ts";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  MOUNT_ATTR_IDMAP,
  MOUNT_ATTR_NODEV,
  MS_PRIVATE,
} from "../linux/constants.ts";
import { NO_SLOT } from "../linux/plan/table.ts";
import type { Bare, PlanWriter } from "./plan-writer.ts";
import { LOCAL, POD } from "./slots.ts";
import type { ContainerConfig, SandboxConfig } from "./types.ts";
import type { UserRange } from "./user-ranges.ts";

export const WHY_USERS = "hostUsers: false";

/** What an id of a pod is outside; without a range the same. Throws InvalidObject for one that the pod has not. */
export function outside(range: UserRange | undefined, id: number): number {
  if (range === undefined) return id;
  if (id < range.count) return range.first + id;
  throw new PodrunError(
    "InvalidObject",
    `the id ${id} is none of the pod's: with hostUsers: false its users and groups are 0 to ${range.count - 1}`,
    { details: { id, count: range.count } },
  );
}

/** How a process comes into the pod's user namespace, as its last step before its own credentials. */
export interface UserEntry {
  readonly range: UserRange;
  readonly enter: readonly Bare[];
}

/** mount_setattr(2): files of the mount in the slot have the pod's ids, whatever their ids are on the disk. */
export const idmap = (dir: number) =>
  ({
    op: "mount_setattr",
    dir,
    path: "",
    recursive: 0,
    set: MOUNT_ATTR_IDMAP,
    clear: 0n,
    propagation: 0n,
    userns: POD.user,
  }) as const;

/** Makes the pod's namespaces as the user namespace's own; the stage then is in them, but still the host's root. */
export function makeUserNamespace(
  plan: PlanWriter,
  { network, ipc }: SandboxConfig,
  { first, count }: UserRange,
  why: string,
): void {
  const own = network === "pod";
  plan.stage(why, {
    op: "user_namespace",
    out: POD.user,
    net: own ? POD.net : NO_SLOT,
    uts: own ? POD.uts : NO_SLOT,
    ipc: ipc === "pod" ? POD.ipc : NO_SLOT,
    first,
    count,
  });
  const enter = (namespace: number, type: bigint): void =>
    plan.stage("to set it up from within", { op: "setns", namespace, type });
  if (own) enter(POD.net, CLONE_NEWNET);
  if (own) enter(POD.uts, CLONE_NEWUTS);
  if (ipc === "pod") enter(POD.ipc, CLONE_NEWIPC);
}

/**
 * Not every file system takes an idmapped mount (mount_setattr(2), "ID-mapped mounts"); better to hear of it before
 * anything of the pod runs.
 */
export function tryIdmaps(plan: PlanWriter, { mapped = [], why = {} }: SandboxConfig, root: string): void {
  const places = [{ path: root }, ...mapped];
  for (const { path, volume } of places as typeof mapped) {
    const reason = volume === undefined ? "images and containers lie there" : (why[`volume ${volume}`] ?? "default");
    plan.stage(
      reason,
      { op: "open_tree", out: LOCAL.scratch, dir: NO_SLOT, path, recursive: 0, resolve: 0 },
      idmap(LOCAL.scratch),
      { op: "close", slots: [LOCAL.scratch] },
    );
  }
}

/**
 * One idmapped mount over the folder of all layers, in mounts of the stage's own: whatever is taken from below it has the
 * pod's ids. Overlay takes idmapped layers since Linux 5.19, but only from a mount that is attached before 6.15.
 */
export function idmapLayers(plan: PlanWriter, layersFolder: string): void {
  const everything = { op: "mount_setattr", dir: NO_SLOT, path: "/", recursive: 1, set: 0n, clear: 0n } as const;
  plan.stage(
    "the host sees nothing of it",
    { op: "unshare", flags: CLONE_NEWNS },
    { ...everything, propagation: MS_PRIVATE, userns: NO_SLOT },
  );
  plan.stage(
    `${WHY_USERS}: layers belong to the pod's users`,
    { op: "open_tree", out: LOCAL.scratch, dir: NO_SLOT, path: layersFolder, recursive: 0, resolve: 0 },
    idmap(LOCAL.scratch),
    { op: "move_mount", from: LOCAL.scratch, dir: NO_SLOT, path: layersFolder, resolve: 0 },
    { op: "close", slots: [LOCAL.scratch] },
  );
}

/** A device node that lies in the mount opens nothing: no device filter stands in the way of privileged containers. */
export const noDevices = (dir: number) => ({ ...idmap(dir), set: MOUNT_ATTR_NODEV, userns: NO_SLOT }) as const;

/** What the stage makes from here on belongs to the pod's root. It keeps all its capabilities. */
export const makeAsRoot = ({ first }: UserRange): readonly Bare[] => [
  { op: "setresgid", gid: first },
  { op: "setresuid", uid: first },
];

/** Its value is two groups, of whoever writes it. */
export const PING_GROUPS = "net.ipv4.ping_group_range";

/** Written as "all there are". */
const ALL_GROUPS = 2 ** 31 - 1;

/** The stage that writes it is not in the user namespace, so the groups that a value names are the host's. */
export function sysctlOutside(name: string, value: string, users: UserRange | undefined): string {
  if (users === undefined || name.replaceAll("/", ".") !== PING_GROUPS) return value;
  const ids = value.trim().split(/\s+/).map(Number);
  return ids.map((id) => outside(users, id === ALL_GROUPS ? users.count - 1 : id)).join("\t");
}

/** Where an own volume covers the container's terminals they stay where the stage has put them. */
export const coversTerminals = ({ mounts }: ContainerConfig): boolean =>
  mounts.some(({ target }) => /^\/dev(\/pts)?\/?$/.test(normalize(target)));

/** A container's first process: into the user namespace, and into mounts and a cgroup namespace of that one's own. */
export function enterFirst(
  range: UserRange,
  { config, devpts, peer }: { readonly config: ContainerConfig; readonly devpts: number; readonly peer: number },
): UserEntry {
  const enter: Bare[] = [
    { op: "setns", namespace: POD.user, type: CLONE_NEWUSER },
    { op: "unshare", flags: CLONE_NEWNS | CLONE_NEWCGROUP },
  ];
  // A terminal tells its name only where its mount is in the mounts of whoever asks: so these come last.
  if (!coversTerminals(config))
    enter.push({ op: "move_mount", from: devpts, dir: NO_SLOT, path: "/dev/pts", resolve: 0 });
  if (!coversTerminals(config) && config.tty)
    enter.push(
      { op: "open_tree", out: LOCAL.scratch, dir: peer, path: "", recursive: 0, resolve: 0 },
      { op: "move_mount", from: LOCAL.scratch, dir: NO_SLOT, path: "/dev/console", resolve: 0 },
    );
  return { range, enter };
}

/** Another process in a container, by the pidfd of its first one. */
export const enterAsWell = (range: UserRange, namespace: number): UserEntry => ({
  range,
  enter: [{ op: "setns", namespace, type: CLONE_NEWUSER }],
});
