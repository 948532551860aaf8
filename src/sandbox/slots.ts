import { PLAN_SLOTS, PROC_SLOT } from "../linux/plan/table.ts";

// Who has which descriptor slot (docs/architecture.md, "Slots"). Old monitors meet new daemons: a number that is in use by
// running pods keeps its meaning.

/** The pod's own descriptors, kept by its monitor. */
export const POD = { net: 1, uts: 2, ipc: 3, mnt: 4, pid: 5, user: 6, pause: 8 } as const;

const FIRST_CONTAINER = 16;
const PER_CONTAINER = 8;

/** Sockets that hold the pod's ports of the host, one each from here. */
export const HOST_PORTS = 512;
export const MAX_HOST_PORTS = PLAN_SLOTS - HOST_PORTS;

/** At most so many containers at once in a pod: what fits below the slots of its host ports. */
export const MAX_CONTAINERS = (HOST_PORTS - FIRST_CONTAINER) / PER_CONTAINER;

export interface ContainerSlots {
  /** pidfd of the container's first process. */
  readonly process: number;
  /** Its devpts mount, from which exec's terminals are opened. */
  readonly devpts: number;
}

/** The slots of the container with this number in its pod. */
export function containerSlots(number: number): ContainerSlots {
  const base = FIRST_CONTAINER + number * PER_CONTAINER;
  return { process: base, devpts: base + 1 };
}

/** All slots that a container's number stands for, to be released with it. */
export function allContainerSlots(number: number): readonly number[] {
  const base = FIRST_CONTAINER + number * PER_CONTAINER;
  return Array.from({ length: PER_CONTAINER }, (_, offset) => base + offset);
}

/** A plan's own slots, by what they hold. */
export const LOCAL = {
  stdoutRead: PLAN_SLOTS,
  stdoutWrite: PLAN_SLOTS + 1,
  stderrRead: PLAN_SLOTS + 2,
  stderrWrite: PLAN_SLOTS + 3,
  stdinRead: PLAN_SLOTS + 4,
  stdinWrite: PLAN_SLOTS + 5,
  terminal: PLAN_SLOTS + 6,
  terminalPeer: PLAN_SLOTS + 7,
  hostNet: PLAN_SLOTS + 8,
  root: PLAN_SLOTS + 9,
  dev: PLAN_SLOTS + 10,
  proc: PLAN_SLOTS + 11,
  cgroupMount: PLAN_SLOTS + 12,
  layers: PLAN_SLOTS + 13,
  scratch: PLAN_SLOTS + 14,
  process: PLAN_SLOTS + 15,
  /** v2: the cgroup's folder; v1: one a hierarchy from here. */
  cgroups: PLAN_SLOTS + 16,
  /** v1: the container's cgroup folders as mounts, one a hierarchy from here. */
  cgroupMounts: PLAN_SLOTS + 32,
  /** Mounts that come from outside, one each from here. */
  mounts: PLAN_SLOTS + 48,
  /** A connection into the pod. */
  socket: PLAN_SLOTS + 255,
} as const;

/** Slots of which there are several, each list by its first. */
const LISTS = [
  ["cgroups", LOCAL.cgroups],
  ["cgroupMounts", LOCAL.cgroupMounts],
  ["mounts", LOCAL.mounts],
] as const;

const NAMES = new Map<number, string>([
  [PROC_SLOT, "host:proc"],
  ...Object.entries(POD).map(([name, slot]) => [slot, `pod:${name}`] as const),
  ...Object.entries(LOCAL).map(([name, slot]) => [slot, name] as const),
]);

/** What a slot holds, for readers of plans: `pod:net`, `container:devpts`, `root`, `mounts+2`. */
export function slotName(slot: number): string {
  const name = NAMES.get(slot);
  if (name !== undefined) return name;
  if (slot >= HOST_PORTS && slot < PLAN_SLOTS) return `pod:hostPort+${slot - HOST_PORTS}`;
  if (slot < PLAN_SLOTS)
    return (slot - FIRST_CONTAINER) % PER_CONTAINER === 0 ? "container:process" : "container:devpts";
  const [base, first] = LISTS.findLast(([, start]) => slot > start) ?? ["slot", PLAN_SLOTS];
  return `${base}+${slot - first}`;
}
