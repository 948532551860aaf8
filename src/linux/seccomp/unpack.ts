import type { SeccompProfile } from "./profile.ts";

// The whole of the kernel that a layer's archive can reach through a mistake in `untar` or `retar`: the lists of
// native/README.md. Any other call kills the process. Native architecture only.

/** Both, to let go of the plan (native/ops_archive.c): their root, signals, memory, the actor's sockets. */
const BEGINNING = [
  "open",
  "rt_sigaction",
  "rt_sigprocmask",
  "umask",
  "fcntl",
  "dup2",
  "dup3",
  "close_range",
  "munmap",
  "geteuid",
  "getegid",
];

/** Both: their streams, memory and end. musl's names and glibc's. */
const COMMON = [
  "read",
  "write",
  "lseek",
  "close",
  "openat",
  "openat2",
  "fstat",
  "newfstatat",
  "statx",
  "brk",
  "mmap",
  "mremap",
  "madvise",
  // Of musl's allocator.
  "mprotect",
  "getrandom",
  "clock_gettime",
  "rt_sigreturn",
  "restart_syscall",
  "exit_group",
];

const UNTAR = [
  "mkdirat",
  "mknodat",
  "symlinkat",
  "readlinkat",
  "linkat",
  "unlinkat",
  "fchown",
  "fchownat",
  "fchmod",
  "fchmodat",
  "utimensat",
  "fsetxattr",
  "lsetxattr",
  "fgetxattr",
  "ftruncate",
  "getdents64",
  "fchdir",
];

const RETAR = ["pread64"];

const profile = (names: readonly string[]): SeccompProfile => ({
  defaultAction: "SCMP_ACT_KILL_PROCESS",
  architectures: [],
  syscalls: [{ names, action: "SCMP_ACT_ALLOW" }],
});

/** For the child of an unpacking plan. */
export const UNTAR_PROFILE: SeccompProfile = profile([...BEGINNING, ...COMMON, ...UNTAR]);

/** For the child of a packing plan. */
export const RETAR_PROFILE: SeccompProfile = profile([...BEGINNING, ...COMMON, ...RETAR]);

/** For the child that reads files out of a container. */
export const TAR_PROFILE: SeccompProfile = profile([...BEGINNING, ...COMMON, "getdents64", "readlinkat"]);
