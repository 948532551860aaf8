// Names and numbers of the links between pods and the host. They follow from the number of a pod's lease, so that two
// living pods never share one, and what belongs to a lease can be said without asking the kernel.
import { PodrunError } from "../base/errors.ts";
import { parseAddress } from "./addresses.ts";

/** IFNAMSIZ without the closing zero (linux/if.h). */
const NAME_LIMIT = 15;

/** The kernel gives out indexes from 1 upwards; ours begin where it does not come to in the life of a machine. */
const FIRST_INDEX = 1 << 17;

/** Ours end far below 2^31, where an index would be negative for the kernel. */
const INDEX_SPACE = 1 << 30;

/** As many pods as one instance can number: a /12 of IPv4. */
export const LEASE_NUMBERS = 1 << 20;

/**
 * Interface index of the host end of the pod with this lease number (0 … LEASE_NUMBERS-1). Instances on one machine tell
 * themselves apart by their link prefix, so each prefix has a block of indexes of its own: where two should meet, the
 * kernel refuses the second link (EEXIST), and nothing is taken over.
 */
export function linkIndex(prefix: string, number: number, numbers: number): number {
  const block = 1 << Math.max(16, Math.ceil(Math.log2(numbers)));
  return FIRST_INDEX + (hash(prefix) % (INDEX_SPACE / block)) * block + number;
}

/** Name of the host end: the prefix and the index in hexadecimal. Throws InvalidObject when it would be too long. */
export function linkName(prefix: string, index: number): string {
  const name = `${prefix}${index.toString(16)}`;
  if (!/^[a-zA-Z][a-zA-Z0-9_-]*$/.test(prefix) || name.length > NAME_LIMIT) {
    throw new PodrunError(
      "InvalidObject",
      `link prefix "${prefix}": it must begin with a letter, hold letters, digits, - and _ only, and have at most 7 of them, because the kernel's limit for "${name}" is ${NAME_LIMIT} characters`,
      { details: { field: "linkPrefix", value: prefix } },
    );
  }
  return name;
}

/**
 * MAC addresses of both ends, made from the pod's IPv4 address: locally administered unicast (IEEE 802: second bit of
 * the first byte set, lowest clear). Fixed, so that both neighbour entries can be permanent and nobody asks by ARP.
 */
export function linkMacs(ip4: string): { readonly podMac: string; readonly hostMac: string } {
  const value = parseAddress(ip4)?.value ?? 0n;
  const tail = [24n, 16n, 8n, 0n].map((shift) => ((value >> shift) & 0xffn).toString(16).padStart(2, "0")).join(":");
  return { podMac: `02:70:${tail}`, hostMac: `06:70:${tail}` };
}

/** FNV-1a, 32 bits: spreads prefixes over the blocks; nothing else hangs on it. */
function hash(text: string): number {
  return [...Buffer.from(text)].reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}
