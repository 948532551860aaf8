/** Runs the few eBPF instructions that the device filter is made of, as the kernel would. Throws on any other one. */
export function runDeviceProgram(
  program: Buffer,
  context: { type: number; access: number; major: number; minor: number },
) {
  const words = [context.type | (context.access << 16), context.major, context.minor];
  const registers = new Array<number>(11).fill(0);
  for (let at = 0; at < program.length / 8; at++) {
    const code = program.readUInt8(at * 8);
    const dst = program.readUInt8(at * 8 + 1) & 15;
    const src = program.readUInt8(at * 8 + 1) >> 4;
    const offset = program.readInt16LE(at * 8 + 2);
    const immediate = program.readInt32LE(at * 8 + 4);
    const left = registers[dst] ?? 0;
    if (code === 0x61 && src === 1) registers[dst] = words[offset / 4] ?? Number.NaN;
    else if (code === 0x54) registers[dst] = (left & immediate) >>> 0;
    else if (code === 0x74) registers[dst] = left >>> immediate;
    else if (code === 0xbc) registers[dst] = registers[src] ?? 0;
    else if (code === 0xb7) registers[dst] = immediate;
    else if (code === 0x55) at += left === immediate ? 0 : offset;
    else if (code === 0x5d) at += left === registers[src] ? 0 : offset;
    else if (code === 0x95) return registers[0];
    else throw new Error(`unknown instruction 0x${code.toString(16)} at ${at}`);
  }
  throw new Error("the program runs off its end");
}
