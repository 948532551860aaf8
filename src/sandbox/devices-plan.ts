import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_STRICTATIME,
  S_IFCHR,
} from "../linux/constants.ts";
import { RESOLVE_IN_ROOT } from "../linux/plan/table.ts";
import type { MachineFacts } from "./facts.ts";
import type { PlanWriter } from "./plan-writer.ts";
import { labelOption, relabelOne } from "./selinux.ts";
import { LOCAL } from "./slots.ts";
import type { ContainerConfig } from "./types.ts";
import { outside, WHY_USERS } from "./user-namespace-plan.ts";
import type { UserRange } from "./user-ranges.ts";

/** OCI runtime-spec, config-linux.md, "Default Devices". */
const STANDARD = [
  ["null", 1, 3],
  ["zero", 1, 5],
  ["full", 1, 7],
  ["random", 1, 8],
  ["urandom", 1, 9],
  ["tty", 5, 0],
] as const;

/** OCI runtime-spec, runtime-linux.md, "Dev symbolic links", and the ptmx of the container's own devpts. */
const LINKS = [
  ["/proc/self/fd", "fd"],
  ["/proc/self/fd/0", "stdin"],
  ["/proc/self/fd/1", "stdout"],
  ["/proc/self/fd/2", "stderr"],
  ["pts/ptmx", "ptmx"],
] as const;

const TTY_GROUP = 5;

/** The pod's ids, and the SELinux label of the container's files. */
interface Ownership {
  readonly users: UserRange | undefined;
  readonly label: string | undefined;
}

/** /dev: a tmpfs with the standard devices, the container's own terminals, POSIX message queues. */
export function makeDevices(
  plan: PlanWriter,
  config: ContainerConfig,
  facts: MachineFacts,
  { users, label }: Ownership,
): void {
  const why = "default: every container has it";
  plan.stage(
    why,
    { op: "mountpoint", dir: LOCAL.root, path: "dev", file: 0 },
    {
      op: "fsmount",
      out: LOCAL.dev,
      type: "tmpfs",
      options: ["source=tmpfs", "mode=755", "size=65536k", ...labelOption(label)],
      attributes: MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME,
    },
    { op: "move_mount", from: LOCAL.dev, dir: LOCAL.root, path: "dev", resolve: RESOLVE_IN_ROOT },
  );
  for (const [path, major, minor] of STANDARD)
    plan.stage(why, { op: "mknod", dir: LOCAL.dev, path, mode: S_IFCHR | 0o666, major, minor });
  if (config.security.privileged) hostDevices(plan, facts, users !== undefined);
  for (const [target, path] of LINKS) plan.stage(why, { op: "symlink", dir: LOCAL.dev, target, path });
  for (const path of ["pts", "mqueue", "shm"])
    plan.stage(why, { op: "mkdir", dir: LOCAL.dev, path, mode: 0o755, resolve: 0, parents: 0 });
}

/** The terminals of a container: its own devpts, which the monitor keeps to open exec's terminals from. */
export function mountTerminals(
  plan: PlanWriter,
  devptsSlot: number,
  { users, label, attach }: Ownership & { readonly attach: boolean },
): void {
  const why = "default: terminals of its own, tty says /dev/pts/0";
  const owner = [`gid=${outside(users, TTY_GROUP)}`, ...labelOption(label)];
  plan.stage(why, {
    op: "fsmount",
    out: devptsSlot,
    type: "devpts",
    options: ["source=devpts", "newinstance", "ptmxmode=0666", "mode=0620", ...owner],
    attributes: MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
  });
  ownMount(plan, devptsSlot, users);
  if (attach) plan.stage(why, { op: "move_mount", from: devptsSlot, dir: LOCAL.dev, path: "pts", resolve: 0 });
}

/** One file system an IPC namespace: it takes no context= from those who mount it again. */
export function mountMessageQueues(plan: PlanWriter, { users, label }: Ownership): void {
  const attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  const why = "default: message queues of the pod's IPC namespace";
  plan.stage(why, { op: "fsmount", out: LOCAL.scratch, type: "mqueue", options: ["source=mqueue"], attributes });
  ownMount(plan, LOCAL.scratch, users);
  relabelOne(plan, { dir: LOCAL.scratch, path: "" }, label);
  plan.stage(
    why,
    { op: "move_mount", from: LOCAL.scratch, dir: LOCAL.dev, path: "mqueue", resolve: 0 },
    { op: "close", slots: [LOCAL.scratch] },
  );
}

/** The kernel gives the folders of these file systems to the host's root, whoever mounts them. */
function ownMount(plan: PlanWriter, dir: number, users: UserRange | undefined): void {
  if (users === undefined) return;
  plan.stage(`${WHY_USERS}: it is its root's`, {
    op: "chown",
    dir,
    path: "",
    uid: users.first,
    gid: users.first,
    resolve: 0,
  });
}

function hostDevices(plan: PlanWriter, facts: MachineFacts, asOnHost: boolean): void {
  const standard = new Set<string>(STANDARD.map(([path]) => path));
  const folders = new Set<string>();
  for (const { path, mode, major, minor, uid, gid } of facts.hostDevices()) {
    if (standard.has(path)) continue;
    const folder = path.split("/").slice(0, -1).join("/");
    if (folder !== "" && !folders.has(folder)) {
      folders.add(folder);
      plan.stage("privileged", { op: "mkdir", dir: LOCAL.dev, path: folder, mode: 0o755, resolve: 0, parents: 1 });
    }
    plan.stage("privileged: the host's devices", { op: "mknod", dir: LOCAL.dev, path, mode, major, minor });
    // What the host's root owns must not become the property of a pod's root: the nodes lead to real disks.
    if (asOnHost) plan.stage("its owner stays the host's", { op: "chown", dir: LOCAL.dev, path, uid, gid, resolve: 0 });
  }
}
