// Rates of CPU from counters: two looks at each, some time apart.
import type { CgroupUsage, SandboxStats } from "../sandbox/types.ts";
import type { Timers } from "./node.ts";

/** A rate over less says little, over more it says what was. Milliseconds. */
const SHORTEST = 200;
const LONGEST = 60_000;

export interface Rated<T> {
  readonly stats: T;
  /** Thousand-millionths of a core, as the Summary API has them; by cgroup: the sandbox's id, or the container's. */
  readonly nanoCores: ReadonlyMap<string, number>;
}

type Look = ReadonlyMap<string, { readonly at: number; readonly cpuNanos: bigint }>;

/** Looks at all sandboxes, and says how fast each uses CPU since it was last asked; the first time it looks twice. */
export class UsageSampler {
  readonly #stats: () => readonly SandboxStats[];
  readonly #timers: Timers;
  #before: Look = new Map();
  #asked = Number.NEGATIVE_INFINITY;

  constructor(stats: () => readonly SandboxStats[], timers: Timers) {
    this.#stats = stats;
    this.#timers = timers;
  }

  async sample(): Promise<Rated<readonly SandboxStats[]>> {
    let before = this.#before;
    const age = this.#timers.now() - this.#asked;
    if (age < SHORTEST || age > LONGEST) {
      before = lookAt(this.#stats());
      await new Promise<void>((resolve) => this.#timers.after(SHORTEST, resolve));
    }
    const stats = this.#stats();
    const look = lookAt(stats);
    this.#before = look;
    this.#asked = this.#timers.now();
    return { stats, nanoCores: new Map([...look].flatMap(([id, now]) => rateOf(id, before.get(id), now))) };
  }
}

function lookAt(stats: readonly SandboxStats[]): Look {
  const all: (readonly [string, CgroupUsage])[] = stats.flatMap(({ id, usage, containers }) => [
    [id, usage] as const,
    ...containers.map((container) => [container.id, container.usage] as const),
  ]);
  return new Map(all.flatMap(([id, { at, cpuNanos }]) => (cpuNanos === undefined ? [] : [[id, { at, cpuNanos }]])));
}

type One = { readonly at: number; readonly cpuNanos: bigint };

/** Nothing for what is new, nor across a clock that was set back. */
function rateOf(id: string, before: One | undefined, now: One): [string, number][] {
  if (before === undefined || now.at <= before.at || now.cpuNanos < before.cpuNanos) return [];
  return [[id, Math.round((Number(now.cpuNanos - before.cpuNanos) / (now.at - before.at)) * 1000)]];
}
