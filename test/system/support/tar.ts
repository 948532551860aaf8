// Tar archives as no ordinary program would write them: names and links of any bytes, every type, headers that lie.

export interface RawEntry {
  readonly name: string | Buffer;
  /** The type flag (POSIX ustar); default: a file, or a folder where the name ends in `/`. */
  readonly type?: string;
  readonly content?: Buffer | string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Seconds. Fractions need `pax`. */
  readonly mtime?: number;
  readonly link?: string | Buffer;
  readonly major?: number;
  readonly minor?: number;
  /** Records of a pax header before the entry. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** What the header says, when it is to lie; the content's own length else. */
  readonly size?: number;
}

export const BLOCK = 512;
export const TYPE = { file: "0", hardlink: "1", symlink: "2", char: "3", block: "4", folder: "5", fifo: "6" } as const;

const bytes = (text: string | Buffer): Buffer => (Buffer.isBuffer(text) ? text : Buffer.from(text));

/** An archive of these entries, closed by two empty blocks. */
export function rawTar(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.flatMap(rawEntry), Buffer.alloc(2 * BLOCK)]);
}

/** One entry's blocks: its pax header where it needs one, its header, its content. */
export function rawEntry(entry: RawEntry): Buffer[] {
  const name = bytes(entry.name);
  const link = bytes(entry.link ?? "");
  const records: [string, Buffer][] = [
    ...(name.length > 100 ? [["path", name] as [string, Buffer]] : []),
    ...(link.length > 100 ? [["linkpath", link] as [string, Buffer]] : []),
    ...Object.entries(entry.pax ?? {}).map(([key, value]): [string, Buffer] => [key, bytes(value)]),
  ];
  const content = bytes(entry.content ?? "");
  const pax = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)));
  return [
    ...(pax.length > 0 ? [header({ name: "pax", type: "x" }, pax.length), padded(pax)] : []),
    header(entry, entry.size ?? content.length),
    padded(content),
  ];
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself (pax(1)). */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from("\n")]);
}

function header(entry: RawEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const name = bytes(entry.name);
  const folder = name.at(-1) === 0x2f;
  name.copy(block, 0, 0, 100);
  number(block, 100, 8, entry.mode ?? (folder ? 0o755 : 0o644));
  number(block, 108, 8, entry.uid ?? 0);
  number(block, 116, 8, entry.gid ?? 0);
  number(block, 124, 12, size);
  number(block, 136, 12, entry.mtime ?? 1_500_000_000);
  block.write(entry.type ?? (folder ? TYPE.folder : TYPE.file), 156, "latin1");
  bytes(entry.link ?? "").copy(block, 157, 0, 100);
  block.write("ustar\x0000", 257, "latin1");
  number(block, 329, 8, entry.major ?? 0);
  number(block, 337, 8, entry.minor ?? 0);
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Octal where it fits, else GNU's base 256, which can be negative. */
function number(block: Buffer, at: number, width: number, value: number): void {
  const octal = value.toString(8);
  if (value >= 0 && octal.length < width) {
    block.write(octal.padStart(width - 1, "0"), at, "latin1");
    return;
  }
  let rest = BigInt.asUintN(8 * width, BigInt(value));
  for (let place = at + width - 1; place >= at; place--) {
    block[place] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[at] = value < 0 ? 0xff : 0x80 | (block[at] as number);
}

const padded = (content: Buffer): Buffer =>
  Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);
