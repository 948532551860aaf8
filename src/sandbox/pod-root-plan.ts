// The plan of what a pod's containers share of files: the root of the pod's own mount namespace.
import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MS_PRIVATE,
  O_CREAT,
} from "../linux/constants.ts";
import { NO_SLOT } from "../linux/plan/table.ts";
import type { MachineFacts, NetworkLease } from "./facts.ts";
import type { PlanWriter } from "./plan-writer.ts";
import { fileLabel, labelOption } from "./selinux.ts";
import { LOCAL, POD } from "./slots.ts";
import type { SandboxConfig, SeLinuxOptions } from "./types.ts";
import { outside, WHY_USERS } from "./user-namespace-plan.ts";
import type { UserRange } from "./user-ranges.ts";

/** Folders in the pod's own mount namespace: `root` is where a container's root file system is mounted before it pivots. */
export const POD_ROOT = { root: "root", shm: "shm", etc: "etc", volumes: "volumes" } as const;

/** Where the daemon finds a volume in the pod's memory: by way of pause, whose root is the pod's. */
export const memoryVolumePath = (pausePid: number, volume: string): string =>
  `/proc/${pausePid}/root/${POD_ROOT.volumes}/${volume}`;

export interface SandboxPlanInput {
  readonly config: SandboxConfig;
  /** Undefined for network "node". */
  readonly lease: NetworkLease | undefined;
  /** For users "pod". */
  readonly users?: UserRange | undefined;
  readonly seLinuxLevel?: string | undefined;
  /** The monitor's run folder: the pod's root is mounted over it, in the pod's mount namespace only. */
  readonly folder: string;
}

/** Owner of what a pod's root owns. */
const ownerOptions = (users: UserRange | undefined): string[] =>
  users ? [`uid=${users.first}`, `gid=${users.first}`] : [];

const NO_ACCESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/** The mount option with the label of files of whoever has these options; default: of the pod. */
type Labelled = (own?: SeLinuxOptions) => readonly string[];

/** The pod's own mount namespace: an empty read-only root, and what its containers share. The host sees none of it. */
export function podRoot(
  plan: PlanWriter,
  input: SandboxPlanInput,
  { seLinux }: MachineFacts,
  why: (field: string) => string,
): void {
  const { config } = input;
  const labelled: Labelled = (own = config.seLinux) => labelOption(fileLabel(own, input.seLinuxLevel, seLinux));
  const volumes = Object.keys(config.memoryVolumes);
  plan.stage("nothing mounted here reaches the host", {
    op: "mount_setattr",
    dir: NO_SLOT,
    path: "/",
    recursive: 1,
    set: 0n,
    clear: 0n,
    propagation: MS_PRIVATE,
    userns: NO_SLOT,
  });
  plan.stage(
    "pause is no window to the host: an empty root",
    {
      op: "fsmount",
      out: LOCAL.root,
      type: "tmpfs",
      options: ["source=tmpfs", "mode=755", "size=64k"],
      attributes: NO_ACCESS,
    },
    { op: "move_mount", from: LOCAL.root, dir: NO_SLOT, path: input.folder, resolve: 0 },
  );
  for (const name of [POD_ROOT.root, POD_ROOT.shm, POD_ROOT.etc, ...(volumes.length > 0 ? [POD_ROOT.volumes] : [])])
    plan.stage("a place to mount on", {
      op: "mkdir",
      dir: LOCAL.root,
      path: name,
      mode: 0o755,
      resolve: 0,
      parents: 0,
    });
  tmpfs(
    plan,
    POD_ROOT.shm,
    ["mode=1777", `size=${config.shmBytes}`, ...ownerOptions(input.users), ...labelled()],
    NO_ACCESS,
    "/dev/shm, shared by the pod's containers",
  );
  tmpfs(
    plan,
    POD_ROOT.etc,
    ["mode=755", "size=1m", ...ownerOptions(input.users)],
    NO_ACCESS,
    "hosts, resolv.conf and hostname of the pod",
  );
  memoryVolumes(plan, input, labelled, why);
  podFiles(plan, input, why);
  plan.stage("the host's files are gone from here", { op: "pivot_root", root: LOCAL.root });
  plan.stage("nothing can be written into it", {
    op: "mount_setattr",
    dir: NO_SLOT,
    path: "/",
    recursive: 0,
    set: MOUNT_ATTR_RDONLY,
    clear: 0n,
    propagation: 0n,
    userns: NO_SLOT,
  });
  plan.stage("containers start from it", { op: "open_namespace", out: POD.mnt, kind: "mnt", pid: NO_SLOT });
}

function memoryVolumes(
  plan: PlanWriter,
  { config, users }: SandboxPlanInput,
  labelled: Labelled,
  why: (field: string) => string,
): void {
  for (const [name, { sizeBytes, pageBytes, mode = 0o777, gid, seLinux }] of Object.entries(config.memoryVolumes)) {
    const folder = `${POD_ROOT.volumes}/${name}`;
    plan.stage(why(`volume ${name}`), {
      op: "mkdir",
      dir: LOCAL.root,
      path: folder,
      mode: 0o755,
      resolve: 0,
      parents: 0,
    });
    const size = sizeBytes === undefined ? [] : [`size=${sizeBytes}`];
    const group = gid === undefined ? [] : [`gid=${outside(users, gid)}`];
    const options = [`mode=${mode.toString(8)}`, ...ownerOptions(users), ...group, ...size, ...labelled(seLinux)];
    const reason = why(`volume ${name}`);
    if (pageBytes === undefined) tmpfs(plan, folder, options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, reason);
    else hugetlbfs(plan, folder, { options: [`pagesize=${pageBytes}`, ...options], mode }, reason);
  }
}

/** A mount of huge pages. hugetlbfs takes no set-group-id bit as an option (HUGETLBFS's mode & 01777), so the mode is set once more. */
function hugetlbfs(
  plan: PlanWriter,
  path: string,
  { options, mode }: { readonly options: readonly string[]; readonly mode: number },
  why: string,
): void {
  fsmount(plan, path, { type: "hugetlbfs", options, attributes: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV }, why);
  plan.stage(why, { op: "chmod", dir: LOCAL.root, path, mode, resolve: 0 });
}

const tmpfs = (plan: PlanWriter, path: string, options: readonly string[], attributes: bigint, why: string): void =>
  fsmount(plan, path, { type: "tmpfs", options, attributes }, why);

interface FileSystem {
  readonly type: "tmpfs" | "hugetlbfs";
  readonly options: readonly string[];
  readonly attributes: bigint;
}

function fsmount(plan: PlanWriter, path: string, { type, options, attributes }: FileSystem, why: string): void {
  plan.stage(
    why,
    { op: "fsmount", out: LOCAL.scratch, type, options: [`source=${type}`, ...options], attributes },
    { op: "move_mount", from: LOCAL.scratch, dir: LOCAL.root, path, resolve: 0 },
    { op: "close", slots: [LOCAL.scratch] },
  );
}

function podFiles(plan: PlanWriter, input: SandboxPlanInput, why: (field: string) => string): void {
  const { config, lease } = input;
  const addresses = lease ? [lease.ip4, lease.ip6] : [];
  const files = {
    hosts: [config.hosts(addresses), why("hostAliases")],
    "resolv.conf": [config.resolvConf, why("dnsPolicy")],
    hostname: [`${config.hostname}\n`, why("hostname")],
  } as const;
  for (const [name, [text, reason]] of Object.entries(files))
    plan.stage(reason, {
      op: "write_file",
      dir: LOCAL.root,
      path: `${POD_ROOT.etc}/${name}`,
      data: Buffer.from(text),
      flags: O_CREAT,
      mode: 0o644,
    });
  const { users } = input;
  for (const name of users ? Object.keys(files) : [])
    plan.stage(`${WHY_USERS}: the pod's root may write it`, {
      op: "chown",
      dir: LOCAL.root,
      path: `${POD_ROOT.etc}/${name}`,
      uid: outside(users, 0),
      gid: outside(users, 0),
      resolve: 0,
    });
}
