// Classic BPF as seccomp(2) takes it (linux/filter.h).
export const LOAD_WORD = 0x20;
export const JUMP_ALWAYS = 0x05;
export const JUMP_EQUAL = 0x15;
export const JUMP_GREATER = 0x25;
export const JUMP_GREATER_EQUAL = 0x35;
export const RETURN = 0x06;

export const COMPARISONS: readonly number[] = [JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_EQUAL];

/** Whether a conditional jump is taken. */
export const compare = (code: number, value: number, k: number): boolean =>
  code === JUMP_EQUAL ? value === k : code === JUMP_GREATER ? value > k : value >= k;

const CLASS = 0x07;

/** BPF_JMP */
export const isJump = (code: number): boolean => (code & CLASS) === JUMP_ALWAYS;

/** struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6]. */
export const NUMBER = 0;
export const ARCHITECTURE = 4;

/** Jumps count instructions behind the next one. */
export interface Instruction {
  readonly code: number;
  readonly yes: number;
  readonly no: number;
  readonly k: number;
}

export const instruction = (code: number, k: number, yes = 0, no = 0): Instruction => ({ code, yes, no, k });

const SIZE = 8;

export function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * SIZE);
  program.forEach(({ code, yes, no, k }, i) => {
    bytes.writeUInt16LE(code, i * SIZE);
    bytes.writeUInt8(yes, i * SIZE + 2);
    bytes.writeUInt8(no, i * SIZE + 3);
    bytes.writeUInt32LE(k >>> 0, i * SIZE + 4);
  });
  return bytes;
}

export const decode = (bytes: Buffer): readonly Instruction[] =>
  Array.from({ length: bytes.length / SIZE }, (_, i) => ({
    code: bytes.readUInt16LE(i * SIZE),
    yes: bytes.readUInt8(i * SIZE + 2),
    no: bytes.readUInt8(i * SIZE + 3),
    k: bytes.readUInt32LE(i * SIZE + 4),
  }));
