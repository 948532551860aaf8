// Eviction thresholds as a kubelet takes them (--eviction-hard, --eviction-soft): SIGNAL<QUANTITY,…
import { bytes } from "../../spec/index.ts";

/** What is scarce: the name that messages and events have for it. */
export type Resource = "memory" | "ephemeral-storage" | "inodes" | "pids";

export type Condition = "MemoryPressure" | "DiskPressure" | "PIDPressure";

const SIGNALS = {
  "memory.available": { resource: "memory", condition: "MemoryPressure" },
  "nodefs.available": { resource: "ephemeral-storage", condition: "DiskPressure" },
  "nodefs.inodesFree": { resource: "inodes", condition: "DiskPressure" },
  "imagefs.available": { resource: "ephemeral-storage", condition: "DiskPressure" },
  "imagefs.inodesFree": { resource: "inodes", condition: "DiskPressure" },
  "pid.available": { resource: "pids", condition: "PIDPressure" },
} as const satisfies Readonly<Record<string, { readonly resource: Resource; readonly condition: Condition }>>;

export type Signal = keyof typeof SIGNALS;

export const resourceOf = (signal: Signal): Resource => SIGNALS[signal].resource;
export const conditionOf = (signal: Signal): Condition => SIGNALS[signal].condition;

/** How much of something is left, in bytes or by number. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

/** What can't be observed is not in it. */
export type Observations = ReadonlyMap<Signal, Observation>;

export interface Threshold {
  readonly signal: Signal;
  /** Either a quantity, or a part of the capacity (0–1) that counts as no more than `atMost`. */
  readonly quantity?: number;
  readonly part?: number;
  readonly atMost?: number;
  /** So long it must be crossed before pods are evicted for it; 0: a hard threshold. */
  readonly graceMillis: number;
}

/** The quantity that must be left. */
export function quantityOf(
  { quantity, part = 0, atMost = Number.POSITIVE_INFINITY }: Threshold,
  capacity: number,
): number {
  return quantity ?? Math.min(Math.floor(capacity * part), atMost);
}

export function isCrossed(threshold: Threshold, observations: Observations): boolean {
  const seen = observations.get(threshold.signal);
  return seen !== undefined && seen.available < quantityOf(threshold, seen.capacity);
}

const GIBI = 2 ** 30;

/**
 * The kubelet's hard thresholds. A tenth of a large disk is much more than pods need to go on, and whoever shares the disk with
 * them has filled it: no more than some gibibytes are asked for.
 */
export const DEFAULT_HARD: readonly Threshold[] = [
  { signal: "memory.available", quantity: 100 * 2 ** 20, graceMillis: 0 },
  { signal: "nodefs.available", part: 0.1, atMost: 5 * GIBI, graceMillis: 0 },
  { signal: "nodefs.inodesFree", part: 0.05, graceMillis: 0 },
  { signal: "imagefs.available", part: 0.15, atMost: 5 * GIBI, graceMillis: 0 },
  { signal: "imagefs.inodesFree", part: 0.05, graceMillis: 0 },
];

/**
 * Reads `memory.available<100Mi,nodefs.available<10%`; 0% and 100% turn a signal off, as with a kubelet. `graces`: of soft
 * thresholds. Throws TypeError.
 */
export function parseThresholds(text: string, graces?: ReadonlyMap<Signal, number>): Threshold[] {
  const seen = new Set<Signal>();
  return split(text).flatMap((one) => {
    const [name = "", value = "", ...more] = one.split("<").map((part) => part.trim());
    const signal = parseSignal(name, one);
    if (more.length > 0 || value === "") throw new TypeError(`"${one}": want SIGNAL<QUANTITY, such as ${signal}<10%`);
    if (seen.has(signal)) throw new TypeError(`"${one}": ${signal} is there twice`);
    seen.add(signal);
    const graceMillis = graces === undefined ? 0 : graces.get(signal);
    if (graceMillis === undefined)
      throw new TypeError(`"${one}": a soft threshold needs a grace period; there is none for ${signal}`);
    const amount = parseAmount(value, one);
    return amount === undefined ? [] : [{ signal, ...amount, graceMillis }];
  });
}

/** Reads `memory.available=1m30s,…`, in milliseconds. Throws TypeError. */
export function parseGracePeriods(text: string): ReadonlyMap<Signal, number> {
  return new Map(
    split(text).map((one) => {
      const [name = "", value = ""] = one.split(/=(.*)/s).map((part) => part.trim());
      return [parseSignal(name, one), parseDuration(value)] as const;
    }),
  );
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };

/** A duration in Go's words (`1m30s`, `500ms`) or in seconds, as milliseconds. Throws TypeError. */
export function parseDuration(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw new TypeError(`"${text}" is no duration: want one such as 90s, 1m30s or 500ms`);
  return parts.reduce((sum, [, number, unit = "s"]) => sum + Number(number) * (UNITS[unit] ?? 0), 0);
}

const split = (text: string): string[] =>
  text
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");

function parseSignal(name: string, whole: string): Signal {
  if (Object.hasOwn(SIGNALS, name)) return name as Signal;
  throw new TypeError(`"${whole}": there is no signal "${name}"; there are ${Object.keys(SIGNALS).join(", ")}`);
}

function parseAmount(text: string, whole: string): Pick<Threshold, "quantity" | "part"> | undefined {
  if (text.endsWith("%")) {
    const percent = Number(text.slice(0, -1));
    if (text === "%" || !(percent >= 0 && percent <= 100)) throw new TypeError(`"${whole}": want 0% to 100%`);
    return percent === 0 || percent === 100 ? undefined : { part: percent / 100 };
  }
  let quantity: number;
  try {
    quantity = bytes(text);
  } catch (error) {
    throw new TypeError(`"${whole}": ${error instanceof Error ? error.message : error}`);
  }
  if (quantity <= 0) throw new TypeError(`"${whole}": want a quantity above 0; 0% turns a signal off`);
  return { quantity };
}
