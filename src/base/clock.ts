/** Time behind an interface, so that tests need not wait. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch; it may jump. */
  now(): number;
  /** CLOCK_MONOTONIC, nanoseconds: the clock of plans' results and of durations. */
  monotonic(): bigint;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => process.hrtime.bigint(),
};

/** A clock that stands still until it is told to go on. */
export class ManualClock implements Clock {
  #now: number;
  #monotonic = 0n;

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): bigint {
    return this.#monotonic;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
    this.#monotonic += BigInt(Math.round(milliseconds * 1e6));
  }
}

/** A moment as Kubernetes objects carry it: RFC 3339, UTC, whole seconds (metav1.Time). */
export function timestamp(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, "Z");
}
