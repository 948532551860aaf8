import { readFileSync } from "node:fs";
import { PodrunError } from "../base/errors.ts";

/** linux/capability.h: the position is the number. */
export const CAPABILITIES = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

export type Capability = (typeof CAPABILITIES)[number];

const NUMBERS = new Map<string, number>(CAPABILITIES.map((name, number) => [name, number]));

/** What a container has unless the manifest says otherwise: the set that containerd, CRI-O and Docker share. */
export const DEFAULT_CAPABILITIES: readonly Capability[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FSETID",
  "CAP_FOWNER",
  "CAP_MKNOD",
  "CAP_NET_RAW",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETFCAP",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_SYS_CHROOT",
  "CAP_KILL",
  "CAP_AUDIT_WRITE",
];

/** `CAP_NET_ADMIN` for `net_admin`, `NET_ADMIN` or `CAP_NET_ADMIN`; undefined when there is no such capability. */
export function capabilityName(text: string): Capability | undefined {
  const upper = text.toUpperCase();
  const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
  const number = NUMBERS.get(name);
  return number === undefined ? undefined : CAPABILITIES[number];
}

/** The kernel's bit set of some capabilities. Throws BadRequest for a name that it doesn't know. */
export function capabilityBits(names: Iterable<string>): bigint {
  let bits = 0n;
  for (const text of names) {
    const name = capabilityName(text);
    if (!name)
      throw new PodrunError("BadRequest", `${JSON.stringify(text)} is not a capability: write it as NET_ADMIN`);
    bits |= 1n << BigInt(NUMBERS.get(name) ?? 0);
  }
  return bits;
}

export const capabilitiesOf = (bits: bigint): Capability[] =>
  CAPABILITIES.filter((_, number) => (bits >> BigInt(number)) & 1n);

/** What this process itself may still hand on: its bounding set (`CapBnd` of proc_pid_status(5)). */
export function boundingSet(): bigint {
  const status = readFileSync("/proc/self/status", "utf8");
  const hex = /^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (hex === undefined) throw new PodrunError("KernelFeatureMissing", "/proc/self/status has no CapBnd line");
  return BigInt(`0x${hex}`);
}
