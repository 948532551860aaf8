import type { SeccompProfile } from "./profile.ts";

// The whole of the kernel that a layer's archive can reach through a mistake in `untar` or `retar`: the lists of
// native/README.md. Any other call kills the process. Native architecture only.

/** Both: their streams, memory and end. */
const COMMON = [
  "read",
  "readv",
  "write",
  "writev",
  "close",
  "brk",
  "mmap",
  "munmap",
  "mremap",
  "madvise",
  "lseek",
  "exit",
  "exit_group",
  "rt_sigreturn",
  "restart_syscall",
  "clock_gettime",
  // Of the results page, by the actor's walk to its last operation.
  "getpid",
];

const UNTAR = [
  "openat",
  "openat2",
  "newfstatat",
  "fstat",
  "statx",
  "mkdirat",
  "mknodat",
  "symlinkat",
  "linkat",
  "unlinkat",
  "fchown",
  "fchownat",
  "fchmod",
  "fchmodat",
  "fchmodat2",
  "utimensat",
  "fsetxattr",
  "lsetxattr",
  "setxattr",
  "fgetxattr",
  "flistxattr",
  "fremovexattr",
  "ftruncate",
  "fallocate",
  "pwrite64",
  "getdents64",
  "fchdir",
  "dup",
];

const RETAR = ["openat", "openat2", "fstat", "newfstatat", "statx", "pread64", "sendfile", "splice", "fadvise64"];

const profile = (names: readonly string[]): SeccompProfile => ({
  defaultAction: "SCMP_ACT_KILL_PROCESS",
  architectures: [],
  syscalls: [{ names, action: "SCMP_ACT_ALLOW" }],
});

/** For the child of an unpacking plan. */
export const UNTAR_PROFILE: SeccompProfile = profile([...COMMON, ...UNTAR]);

/** For the child of a packing plan. */
export const RETAR_PROFILE: SeccompProfile = profile([...COMMON, ...RETAR]);
