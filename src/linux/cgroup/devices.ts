/** One rule of a device filter, in the words of the OCI runtime specification (linux.resources.devices). */
export interface DeviceRule {
  readonly type: "c" | "b";
  /** Undefined: any. */
  readonly major?: number;
  readonly minor?: number;
  /** Some of `r`, `w`, `m` (mknod). */
  readonly access: string;
}

/** What every unprivileged container may use: mknod of anything (it can't open it), the standard devices, terminals. */
export const DEFAULT_DEVICES: readonly DeviceRule[] = [
  { type: "c", access: "m" },
  { type: "b", access: "m" },
  { type: "c", major: 1, minor: 3, access: "rwm" }, // null
  { type: "c", major: 1, minor: 5, access: "rwm" }, // zero
  { type: "c", major: 1, minor: 7, access: "rwm" }, // full
  { type: "c", major: 1, minor: 8, access: "rwm" }, // random
  { type: "c", major: 1, minor: 9, access: "rwm" }, // urandom
  { type: "c", major: 5, minor: 0, access: "rwm" }, // tty
  { type: "c", major: 5, minor: 1, access: "rwm" }, // console
  { type: "c", major: 5, minor: 2, access: "rwm" }, // ptmx
  { type: "c", major: 136, access: "rwm" }, // pts/*
];

/** Lines for the v1 `devices` controller, to be written one a write: first `a` to devices.deny, then devices.allow. */
export function v1DeviceLines(
  rules: readonly DeviceRule[],
): { file: "devices.deny" | "devices.allow"; value: string }[] {
  const allow = rules.map(({ type, major = "*", minor = "*", access }) => ({
    file: "devices.allow" as const,
    value: `${type} ${major}:${minor} ${access}`,
  }));
  return [{ file: "devices.deny", value: "a" }, ...allow];
}

// eBPF instructions: `code, dst | src << 4, offset s16, immediate s32` (linux/bpf.h).
const LOAD_WORD = 0x61; // dst = *(u32 *)(src + offset)
const AND32 = 0x54; // dst &= immediate
const SHIFT_RIGHT32 = 0x74; // dst >>= immediate
const MOVE32 = 0xbc; // dst = src
const MOVE64_IMMEDIATE = 0xb7; // dst = immediate
const JUMP_NOT_EQUAL = 0x55; // if dst != immediate
const JUMP_NOT_EQUAL_REGISTER = 0x5d; // if dst != src
const EXIT = 0x95;

const TYPES = { b: 1, c: 2 } as const; // BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR
const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 }; // BPF_DEVCG_ACC_*

type Instruction = readonly [code: number, dst: number, src: number, offset: number, immediate: number];

/**
 * The v2 device filter: a BPF_PROG_TYPE_CGROUP_DEVICE program that answers 1 (allow) when one rule covers all of the asked
 * access, else 0. Its context is `struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; }`.
 */
export function deviceProgram(rules: readonly DeviceRule[]): Buffer {
  const prologue: Instruction[] = [
    [LOAD_WORD, 2, 1, 0, 0], // r2 = type, the low half
    [AND32, 2, 0, 0, 0xffff],
    [LOAD_WORD, 3, 1, 0, 0], // r3 = access, the high half
    [SHIFT_RIGHT32, 3, 0, 0, 16],
    [LOAD_WORD, 4, 1, 4, 0], // r4 = major
    [LOAD_WORD, 5, 1, 8, 0], // r5 = minor
  ];
  const deny: Instruction[] = [
    [MOVE64_IMMEDIATE, 0, 0, 0, 0],
    [EXIT, 0, 0, 0, 0],
  ];
  return assemble([...prologue, ...rules.flatMap(ruleInstructions), ...deny]);
}

function ruleInstructions(rule: DeviceRule): Instruction[] {
  const access = [...rule.access].reduce((bits, letter) => bits | (ACCESS[letter] ?? 0), 0);
  const tests: Instruction[] = [[JUMP_NOT_EQUAL, 2, 0, 0, TYPES[rule.type]]];
  if (access !== 7) tests.push([MOVE32, 1, 3, 0, 0], [AND32, 1, 0, 0, access], [JUMP_NOT_EQUAL_REGISTER, 1, 3, 0, 0]);
  if (rule.major !== undefined) tests.push([JUMP_NOT_EQUAL, 4, 0, 0, rule.major]);
  if (rule.minor !== undefined) tests.push([JUMP_NOT_EQUAL, 5, 0, 0, rule.minor]);
  const all: Instruction[] = [...tests, [MOVE64_IMMEDIATE, 0, 0, 0, 1], [EXIT, 0, 0, 0, 0]];
  // A test that fails jumps behind the rule; offsets count from the instruction after the jump.
  return all.map((instruction, i) => {
    const [code, dst, src, , immediate] = instruction;
    const jumps = code === JUMP_NOT_EQUAL || code === JUMP_NOT_EQUAL_REGISTER;
    return jumps ? ([code, dst, src, all.length - i - 1, immediate] as const) : instruction;
  });
}

function assemble(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, dst, src, offset, immediate], i) => {
    bytes.writeUInt8(code, i * 8);
    bytes.writeUInt8(dst | (src << 4), i * 8 + 1);
    bytes.writeInt16LE(offset, i * 8 + 2);
    bytes.writeInt32LE(immediate, i * 8 + 4);
  });
  return bytes;
}
