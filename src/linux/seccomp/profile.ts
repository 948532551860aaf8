/** What happens to a system call; the names of the OCI runtime specification (linux.seccomp) and of seccomp(2). */
export const ACTIONS = {
  SCMP_ACT_KILL: 0x00000000,
  SCMP_ACT_KILL_THREAD: 0x00000000,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
} as const;
export type Action = keyof typeof ACTIONS;

/** enum scmp_compare of libseccomp. */
export const COMPARISONS = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
} as const;
export type Comparison = keyof typeof COMPARISONS;

/** seccomp(2), flags of SECCOMP_SET_MODE_FILTER. */
export const FILTER_FLAGS = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
} as const;
export type FilterFlag = keyof typeof FILTER_FLAGS;

export interface Argument {
  /** 0–5. */
  readonly index: number;
  readonly op: Comparison;
  /** With MASKED_EQ the mask; valueTwo is then what must be left. */
  readonly value: bigint;
  readonly valueTwo: bigint;
}

/** When a rule applies; all that is given must hold. */
export interface Condition {
  /** Capabilities of the container, `CAP_…`: includes wants all of them, excludes is met by any. */
  readonly caps?: readonly string[];
  /** Machine architectures in Go's names (`amd64`, `arm64`), as Docker's profiles have them. */
  readonly arches?: readonly string[];
  /** `major.minor`; includes wants this kernel or a later one. */
  readonly minKernel?: string;
}

export interface SyscallRule {
  readonly names: readonly string[];
  readonly action: Action;
  /** For ERRNO and TRACE; the profile's default (EPERM) unless given. */
  readonly errnoRet?: number;
  /** All must match. */
  readonly args?: readonly Argument[];
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

/** A seccomp profile: the OCI format with the conditions of Docker's profile format. Treat it as immutable: it is a cache key. */
export interface SeccompProfile {
  readonly defaultAction: Action;
  readonly defaultErrnoRet?: number;
  /** `SCMP_ARCH_*`; the machine's own and those it can also run unless given. */
  readonly architectures?: readonly string[];
  readonly flags?: readonly FilterFlag[];
  readonly syscalls: readonly SyscallRule[];
}
