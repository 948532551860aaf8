import { type Clock, systemClock } from "./clock.ts";
import { PodrunError } from "./errors.ts";

/** A point in time by which something must have happened, on the monotonic clock: setting the wall clock moves nothing. */
export class Deadline {
  readonly #clock: Clock;
  readonly #end: bigint;
  readonly #milliseconds: number;

  /** `milliseconds` from now; Infinity: never. */
  constructor(milliseconds: number, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#milliseconds = milliseconds;
    this.#end = Number.isFinite(milliseconds) ? clock.monotonic() + BigInt(Math.ceil(milliseconds * 1e6)) : -1n;
  }

  /** Milliseconds left, 0 when it is over. */
  get remaining(): number {
    if (this.#end < 0n) return Number.POSITIVE_INFINITY;
    const left = this.#end - this.#clock.monotonic();
    return left > 0n ? Number(left) / 1e6 : 0;
  }

  get expired(): boolean {
    return this.remaining === 0;
  }

  /** Throws Timeout when it is over; `what` completes "… was not done within". */
  check(what: string): void {
    if (this.expired) throw this.#timeout(what);
  }

  /** The promise's result, or Timeout when it has not settled in time. What it waited for goes on: cancel it yourself. */
  async race<T>(what: string, promise: Promise<T>): Promise<T> {
    const left = this.remaining;
    if (!Number.isFinite(left)) return promise;
    let timer: NodeJS.Timeout | undefined;
    const expiry = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#timeout(what)), left);
    });
    try {
      return await Promise.race([promise, expiry]);
    } finally {
      clearTimeout(timer);
    }
  }

  #timeout(what: string): PodrunError {
    const seconds = this.#milliseconds / 1000;
    return new PodrunError("Timeout", `${what} was not done within ${seconds} s`, { details: { what, seconds } });
  }
}
