// Numbers of the kernel's interface, from its uapi headers. Those here are the same on x86_64 and arm64; O_* differ
// (O_DIRECTORY, O_NOFOLLOW …), so they come from Node, which has them from the headers it was built with.
import { constants } from "node:fs";

export const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } =
  constants;
/** asm-generic/fcntl.h; neither architecture overrides it, and Node has no name for it. */
export const O_PATH = 0o10000000;

/** linux/sched.h: namespaces, for clone3, unshare and setns. */
export const CLONE_FLAGS = {
  CLONE_NEWTIME: 0x80n,
  CLONE_NEWNS: 0x20000n,
  CLONE_NEWCGROUP: 0x2000000n,
  CLONE_NEWUTS: 0x4000000n,
  CLONE_NEWIPC: 0x8000000n,
  CLONE_NEWUSER: 0x10000000n,
  CLONE_NEWPID: 0x20000000n,
  CLONE_NEWNET: 0x40000000n,
} as const;
export const { CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET } =
  CLONE_FLAGS;

/** linux/mount.h, for mount(2). The keys in lower case are the names that mount(8) knows. */
export const MOUNT_FLAGS = {
  ro: 0x1n,
  nosuid: 0x2n,
  nodev: 0x4n,
  noexec: 0x8n,
  sync: 0x10n,
  remount: 0x20n,
  dirsync: 0x80n,
  nosymfollow: 0x100n,
  noatime: 0x400n,
  nodiratime: 0x800n,
  bind: 0x1000n,
  move: 0x2000n,
  rec: 0x4000n,
  unbindable: 0x20000n,
  private: 0x40000n,
  slave: 0x80000n,
  shared: 0x100000n,
  relatime: 0x200000n,
  strictatime: 0x1000000n,
} as const;
export const MS_NOSUID = MOUNT_FLAGS.nosuid;
export const MS_NODEV = MOUNT_FLAGS.nodev;
export const MS_NOEXEC = MOUNT_FLAGS.noexec;
export const MS_PRIVATE = MOUNT_FLAGS.private;
export const MS_SLAVE = MOUNT_FLAGS.slave;

/** linux/mount.h, for fsmount and mount_setattr. */
export const MOUNT_ATTRIBUTES = {
  ro: 0x1n,
  nosuid: 0x2n,
  nodev: 0x4n,
  noexec: 0x8n,
  noatime: 0x10n,
  strictatime: 0x20n,
  nodiratime: 0x80n,
  idmap: 0x100000n,
  nosymfollow: 0x200000n,
} as const;
export const MOUNT_ATTR_RDONLY = MOUNT_ATTRIBUTES.ro;
export const MOUNT_ATTR_NOSUID = MOUNT_ATTRIBUTES.nosuid;
export const MOUNT_ATTR_NODEV = MOUNT_ATTRIBUTES.nodev;
export const MOUNT_ATTR_NOEXEC = MOUNT_ATTRIBUTES.noexec;
export const MOUNT_ATTR_STRICTATIME = MOUNT_ATTRIBUTES.strictatime;
export const MOUNT_ATTR_IDMAP = MOUNT_ATTRIBUTES.idmap;

export const MNT_DETACH = 2;

/** linux/stat.h, the file type in a mode. */
export const S_IFREG = 0o100000;
export const S_IFCHR = 0o020000;

/** asm-generic/resource.h. */
export const RLIMITS = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;
export const RLIM_INFINITY = 0xffff_ffff_ffff_ffffn;
