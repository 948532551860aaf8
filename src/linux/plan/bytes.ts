import { PodrunError } from "../../base/errors.ts";

/** Longest text or data that one argument may hold; the monitor refuses longer ones too. */
const LARGEST = 64 * 1024 * 1024;

/** Appends the argument types of `table.ts` to a growing buffer, little-endian and without padding. */
export class ByteWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(size = 4096) {
    this.#buffer = Buffer.allocUnsafe(size);
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes so far, copied: the writer may be used on. */
  take(): Buffer {
    return Buffer.from(this.#buffer.subarray(0, this.#length));
  }

  clear(): void {
    this.#length = 0;
  }

  /** Makes room, for which the buffer may be replaced: take `this.#buffer` only afterwards. */
  #reserve(size: number): number {
    const at = this.#length;
    const need = at + size;
    if (need > LARGEST) throw new PodrunError("Internal", `an encoded message of ${need} bytes is over ${LARGEST}`);
    if (need > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(need, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = need;
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#buffer.writeUInt8(value, at);
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16LE(value, at);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeUInt32LE(value, at);
  }

  i32(value: number): void {
    const at = this.#reserve(4);
    this.#buffer.writeInt32LE(value, at);
  }

  u64(value: bigint): void {
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64LE(value, at);
  }

  slot(value: number): void {
    this.u16(value);
  }

  /** Throws `Internal` on a NUL: the kernel would read a shorter text than was meant. */
  str(value: string): void {
    if (value.includes("\0")) {
      throw new PodrunError("Internal", `text for the kernel holds a NUL: ${JSON.stringify(value)}`);
    }
    const size = Buffer.byteLength(value);
    const at = this.#reserve(4 + size + 1);
    this.#buffer.writeUInt32LE(size, at);
    this.#buffer.write(value, at + 4, size, "utf8");
    this.#buffer[at + 4 + size] = 0;
  }

  bytes(value: Uint8Array): void {
    const at = this.#reserve(4 + value.length);
    this.#buffer.writeUInt32LE(value.length, at);
    this.#buffer.set(value, at + 4);
  }

  strs(values: readonly string[]): void {
    this.u32(values.length);
    for (const value of values) this.str(value);
  }

  slots(values: readonly number[]): void {
    this.u32(values.length);
    for (const value of values) this.u16(value);
  }

  u32s(values: readonly number[]): void {
    this.u32(values.length);
    for (const value of values) this.u32(value);
  }

  /** Writes over four bytes that stand already: a length known only afterwards. */
  patchU32(at: number, value: number): void {
    this.#buffer.writeUInt32LE(value, at);
  }
}

/** Reads the argument types of `table.ts`. Every method throws `Internal` when the bytes end too soon. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at: number;

  constructor(buffer: Buffer, at = 0) {
    this.#buffer = buffer;
    this.#at = at;
  }

  get rest(): number {
    return this.#buffer.length - this.#at;
  }

  #take(size: number): number {
    const at = this.#at;
    if (size > this.#buffer.length - at) {
      throw new PodrunError("Internal", `a monitor message ends ${size - (this.#buffer.length - at)} bytes too soon`);
    }
    this.#at = at + size;
    return at;
  }

  u16(): number {
    return this.#buffer.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#buffer.readUInt32LE(this.#take(4));
  }

  i32(): number {
    return this.#buffer.readInt32LE(this.#take(4));
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64LE(this.#take(8));
  }

  slot(): number {
    return this.u16();
  }

  str(): string {
    const size = this.u32();
    const at = this.#take(size + 1);
    return this.#buffer.toString("utf8", at, at + size);
  }

  /** A view, not a copy. */
  bytes(): Buffer {
    const size = this.u32();
    const at = this.#take(size);
    return this.#buffer.subarray(at, at + size);
  }

  strs(): string[] {
    return this.#list(5, () => this.str());
  }

  slots(): number[] {
    return this.#list(2, () => this.u16());
  }

  u32s(): number[] {
    return this.#list(4, () => this.u32());
  }

  #list<T>(least: number, read: () => T): T[] {
    const count = this.u32();
    if (count * least > this.rest)
      throw new PodrunError("Internal", `a monitor message counts ${count} items it has not`);
    return Array.from({ length: count }, read);
  }
}
