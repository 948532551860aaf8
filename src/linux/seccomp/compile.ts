import { closeSync, fstatSync, readSync } from "node:fs";
import { arch, constants, release } from "node:os";
import { PodrunError } from "../../base/errors.ts";
import { errnoName } from "../errno.ts";
import { call } from "../libc.ts";
import { ARCHITECTURE, encode, instruction, JUMP_EQUAL, JUMP_GREATER, LOAD_WORD, NUMBER, RETURN } from "./bpf.ts";
import { compact } from "./compact.ts";
import { type Libseccomp, libseccomp } from "./library.ts";
import {
  ACTIONS,
  type Action,
  COMPARISONS,
  type Condition,
  FILTER_FLAGS,
  type SeccompProfile,
  type SyscallRule,
} from "./profile.ts";

/** enum scmp_filter_attr */
const SCMP_FLTATR_ACT_BADARCH = 2;
const SCMP_FLTATR_CTL_OPTIMIZE = 8;
const BINARY_TREE = 2;
const MFD_CLOEXEC = 1;

const SCMP_ERROR = -1;

/**
 * The architectures whose programs this machine also runs; each has system call numbers of its own, and makes the filter as
 * long again. Not x32: distributions keep it off, and its calls are refused as those of an unknown architecture.
 */
const ALSO_RUNS: Readonly<Record<string, readonly string[]>> = { x64: ["x86"], arm64: ["arm"] };
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/** Compiled filters by the profile and those of the container's capabilities that its rules ask about. */
const cache = new WeakMap<SeccompProfile, Map<string, Buffer>>();

/**
 * Compiles a profile, for a container with these capabilities (`CAP_…`), to `struct sock_filter[]` for the machine we run on.
 * System calls that libseccomp doesn't know are left out. Throws BadRequest for an architecture nobody knows, OperationFailed
 * when libseccomp refuses a rule, LibraryMissing without libseccomp.
 */
export function compileSeccomp(profile: SeccompProfile, capabilities: ReadonlySet<string>): Buffer {
  const asked = new Set(profile.syscalls.flatMap(({ includes, excludes }) => [includes?.caps, excludes?.caps].flat()));
  const key = [...capabilities]
    .filter((name) => asked.has(name))
    .sort()
    .join();
  const filters = cache.get(profile) ?? new Map<string, Buffer>();
  cache.set(profile, filters);
  const filter = filters.get(key) ?? compact(buildFilter(profile, capabilities));
  filters.set(key, filter);
  return filter;
}

/** The flags of seccomp(2) that a profile asks for. */
export const seccompFlags = (profile: SeccompProfile): number =>
  (profile.flags ?? []).reduce((bits, name) => bits | FILTER_FLAGS[name], 0);

/** What libseccomp makes of it. */
export function buildFilter(profile: SeccompProfile, capabilities: ReadonlySet<string>): Buffer {
  const library = libseccomp();
  const fallback = actionValue(profile.defaultAction, profile.defaultErrnoRet);
  const context = library.init(fallback);
  try {
    check(library.attributeSet(context, SCMP_FLTATR_CTL_OPTIMIZE, BINARY_TREE), "optimise");
    check(library.attributeSet(context, SCMP_FLTATR_ACT_BADARCH, fallback), "set the action for other architectures");
    addArchitectures(library, context, profile);
    let newest = 0;
    for (const rule of profile.syscalls)
      if (applies(rule, capabilities)) newest = Math.max(newest, addRule(library, context, rule, profile));
    const filter = exportFilter(library, context);
    const denies = profile.defaultAction === "SCMP_ACT_ERRNO" && profile.defaultErrnoRet !== constants.errno.ENOSYS;
    return denies ? Buffer.concat([unknownCalls(library.archNative(), newest), filter]) : filter;
  } finally {
    library.release(context);
  }
}

function addArchitectures(library: Libseccomp, context: unknown, profile: SeccompProfile): void {
  const names = profile.architectures?.map((name) => name.replace(/^SCMP_ARCH_/, "").toLowerCase());
  for (const name of names ?? ALSO_RUNS[arch()] ?? []) {
    const architecture = library.archResolveName(name);
    if (architecture === 0)
      throw new PodrunError("BadRequest", `seccomp profile: architecture ${name} is none that libseccomp knows`);
    const result = library.archAdd(context, architecture);
    if (result !== -constants.errno.EEXIST) check(result, `add architecture ${name}`);
  }
}

/** Gives the largest native number among the rule's calls. */
function addRule(library: Libseccomp, context: unknown, rule: SyscallRule, profile: SeccompProfile): number {
  const action = actionValue(rule.action, rule.errnoRet ?? profile.defaultErrnoRet);
  // libseccomp refuses a rule that says what the default says anyway.
  const redundant = action === actionValue(profile.defaultAction, profile.defaultErrnoRet);
  const comparisons = (rule.args ?? []).map(({ index, op, value, valueTwo }) => ({
    arg: index,
    op: COMPARISONS[op],
    datum_a: value,
    datum_b: valueTwo,
  }));
  let newest = 0;
  for (const name of rule.names) {
    const number = library.syscallResolveName(name);
    if (number === SCMP_ERROR) continue;
    newest = Math.max(newest, number);
    if (redundant) continue;
    check(library.ruleAddArray(context, action, number, comparisons.length, comparisons), `add a rule for ${name}`);
  }
  return newest;
}

function applies({ includes, excludes }: SyscallRule, capabilities: ReadonlySet<string>): boolean {
  const included = !includes || (hasAll(includes, capabilities) && runsOn(includes));
  const { caps = [], arches = [], minKernel } = excludes ?? {};
  const excluded =
    caps.some((name) => capabilities.has(name)) ||
    (arches.length > 0 && runsOn({ arches })) ||
    (minKernel !== undefined && runsOn({ minKernel }));
  return included && !excluded;
}

const hasAll = ({ caps = [] }: Condition, capabilities: ReadonlySet<string>): boolean =>
  caps.every((name) => capabilities.has(name));

function runsOn({ arches = [], minKernel }: Condition): boolean {
  if (arches.length > 0 && !arches.includes(GO_ARCHITECTURES[arch()] ?? arch())) return false;
  if (minKernel === undefined) return true;
  const [major = 0, minor = 0] = release().split(/[.-]/).map(Number);
  const [wantMajor = 0, wantMinor = 0] = minKernel.split(".").map(Number);
  return major > wantMajor || (major === wantMajor && minor >= wantMinor);
}

function actionValue(action: Action, errno: number = constants.errno.EPERM): number {
  const takesErrno = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
  return (ACTIONS[action] | (takesErrno ? errno & 0xffff : 0)) >>> 0;
}

function exportFilter(library: Libseccomp, context: unknown): Buffer {
  const fd = call("memfd_create", "seccomp", MFD_CLOEXEC);
  try {
    check(library.exportBpf(context, fd), "export the filter");
    const filter = Buffer.alloc(fstatSync(fd).size);
    readSync(fd, filter, 0, filter.length, 0);
    return filter;
  } finally {
    closeSync(fd);
  }
}

function check(result: number, what: string): void {
  if (result >= 0) return;
  const errno = errnoName(-result);
  throw new PodrunError("OperationFailed", `seccomp: can't ${what}: ${errno}`, { details: { operation: what, errno } });
}

/** x86_64: numbers of the x32 ABI have this bit; no other architecture comes near it. */
const X32_BIT = 0x40000000;

/**
 * Stands before the filter: a native call with a number above all that the profile mentions is newer than the profile. With
 * EPERM a libc would take it for refused and give up; with ENOSYS it falls back to the older call.
 */
function unknownCalls(architecture: number, newest: number): Buffer {
  return encode([
    instruction(LOAD_WORD, ARCHITECTURE),
    instruction(JUMP_EQUAL, architecture, 0, 4),
    instruction(LOAD_WORD, NUMBER),
    instruction(JUMP_GREATER, X32_BIT - 1, 2, 0),
    instruction(JUMP_GREATER, newest, 0, 1),
    instruction(RETURN, ACTIONS.SCMP_ACT_ERRNO | constants.errno.ENOSYS),
  ]);
}
