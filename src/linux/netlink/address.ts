import { isIPv4, isIPv6 } from "node:net";
import { PodrunError } from "../../base/errors.ts";

/** Address families of `linux/socket.h`; the same number on every architecture. */
export const AF_UNSPEC = 0;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** The 4 or 16 bytes of an IP address in network order. Throws BadRequest for anything that is not one address. */
export function ipBytes(text: string): Buffer {
  if (isIPv4(text)) return Buffer.from(text.split(".").map(Number));
  if (isIPv6(text) && !text.includes("%")) return ipv6Bytes(text);
  throw new PodrunError("BadRequest", `${JSON.stringify(text)} is not an IP address: write it as 10.77.0.2 or fd77::2`);
}

function ipv6Bytes(text: string): Buffer {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const plain = dotted ? `${dotted[1]}${embeddedIpv4(dotted[2] as string)}` : text;
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...left, ...new Array<string>(8 - left.length - right.length).fill("0"), ...right];
  const bytes = Buffer.alloc(16);
  groups.forEach((group, i) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), i * 2);
  });
  return bytes;
}

function embeddedIpv4(dotted: string): string {
  const bytes = ipBytes(dotted);
  return `${bytes.readUInt16BE(0).toString(16)}:${bytes.readUInt16BE(2).toString(16)}`;
}

/** The text of 4 or 16 address bytes; IPv6 in the short form of RFC 5952. */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(i * 2));
  const { start, length } = longestZeros(groups);
  const text = (part: number[]): string => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - start > best.length) best = { start, length: i - start };
    start = i + 1;
  }
  return best;
}

/** The six bytes of `02:00:00:00:00:01`. Throws BadRequest for anything else. */
export function macBytes(text: string): Buffer {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text))
    throw new PodrunError("BadRequest", `${JSON.stringify(text)} is not a MAC address: write it as 02:00:00:00:00:01`);
  return Buffer.from(text.replaceAll(":", ""), "hex");
}

export const formatMac = (bytes: Uint8Array): string =>
  Buffer.from(bytes)
    .toString("hex")
    .replace(/..(?!$)/g, "$&:");

/** The family of an address given as text or as bytes. */
export const familyOf = (address: Uint8Array): number => (address.length === 4 ? AF_INET : AF_INET6);
