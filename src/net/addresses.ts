import { PodrunError } from "../base/errors.ts";

/** An address range. Numbers are bigints because IPv6 addresses do not fit into a JavaScript number. */
export interface AddressRange {
  readonly family: 4 | 6;
  /** As it would be written canonically: `10.77.0.0/16`. */
  readonly text: string;
  /** The network address. */
  readonly first: bigint;
  readonly prefixLength: number;
  /** How many addresses, the network's own and an IPv4 broadcast address included. */
  readonly size: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;

/**
 * Reads `a.b.c.d/n` or `x::/n`. `name` is the setting's, for the error.
 * Throws InvalidObject: not a range, or bits set behind the prefix (then the range that was probably meant is named).
 */
export function parseRange(text: string, name: string): AddressRange {
  const [address, length, ...more] = text.split("/");
  const parsed = address === undefined ? undefined : parseAddress(address);
  const prefixLength = length !== undefined && /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (parsed === undefined || more.length > 0 || !(prefixLength <= BITS[parsed.family])) {
    throw invalidRange(name, text, "it is not an address range; write 10.77.0.0/16 or fd77::/64");
  }
  const size = 1n << BigInt(BITS[parsed.family] - prefixLength);
  const first = parsed.value - (parsed.value % size);
  const canonical = `${formatAddress(parsed.family, first)}/${prefixLength}`;
  if (first !== parsed.value) {
    throw invalidRange(name, text, `bits behind the prefix are set; ${canonical} is the range that holds it`);
  }
  return { family: parsed.family, text: canonical, first, prefixLength, size };
}

function invalidRange(name: string, text: string, what: string): PodrunError {
  return new PodrunError("InvalidObject", `${name} "${text}": ${what}`, { details: { field: name, value: text } });
}

/** Whether an address lies in a range; false for text that is no address. */
export function inRange(range: AddressRange, address: string): boolean {
  const parsed = parseAddress(address);
  if (parsed?.family !== range.family) return false;
  return parsed.value >= range.first && parsed.value < range.first + range.size;
}

/** An IP address as a number; undefined for anything else. Leading zeros in IPv4 are refused: some programs read them as octal. */
export function parseAddress(text: string): { readonly family: 4 | 6; readonly value: bigint } | undefined {
  const four = parseFour(text);
  if (four !== undefined) return { family: 4, value: four };
  const six = parseSix(text);
  return six === undefined ? undefined : { family: 6, value: six };
}

function parseFour(text: string): bigint | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function parseSix(text: string): bigint | undefined {
  const halves = text.split("::");
  if (halves.length > 2 || !text.includes(":")) return undefined;
  const head = groups(halves[0] ?? "");
  const tail = groups(halves[1] ?? "");
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  return [...head, ...Array<bigint>(missing).fill(0n), ...tail].reduce((value, group) => (value << 16n) | group, 0n);
}

/** The 16-bit groups of one side of `::`; the last may be an IPv4 address (RFC 4291, section 2.2). */
function groups(text: string): bigint[] | undefined {
  if (text === "") return [];
  const found: bigint[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    const four = index === parts.length - 1 ? parseFour(part) : undefined;
    if (four !== undefined) found.push(four >> 16n, four & 0xffffn);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) found.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return found;
}

/** An address as text; IPv6 in the form of RFC 5952 (lower case, the first longest run of zero groups as `::`). */
export function formatAddress(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
  const hex = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  let [start, length] = [-1, 1];
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && hex[end] === "0") end++;
    if (end - at > length) [start, length] = [at, end - at];
  }
  if (start < 0) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}
