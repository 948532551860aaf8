import { capabilityBits, capabilityName, DEFAULT_CAPABILITIES } from "../linux/capabilities.ts";
import type { ContainerSecurity } from "./types.ts";

const fullName = (text: string): string => capabilityName(text) ?? text;

/**
 * The capabilities (CAP_ names) of a container: all when privileged or `ALL` is added; else the default set, none with
 * `ALL` dropped; then what is added, then less what is dropped (CRI Capability; the order of containerd and CRI-O).
 * @param available what the daemon itself has: more can't be given
 */
export function containerCapabilities(
  security: Pick<ContainerSecurity, "privileged" | "addCapabilities" | "dropCapabilities">,
  available: ReadonlySet<string>,
): ReadonlySet<string> {
  const { privileged, addCapabilities: add, dropCapabilities: drop } = security;
  if (privileged) return available;
  const all = (name: string): boolean => name.toUpperCase() === "ALL";
  const names = new Set<string>(add.some(all) ? available : drop.some(all) ? [] : DEFAULT_CAPABILITIES);
  for (const name of add) if (!all(name)) names.add(fullName(name));
  for (const name of drop) if (!all(name)) names.delete(fullName(name));
  return new Set([...names].filter((name) => available.has(name)));
}

/** The kernel's bit set. */
export const capabilityMask = (names: ReadonlySet<string>): bigint => capabilityBits(names);
