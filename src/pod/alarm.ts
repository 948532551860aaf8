import type { Timers } from "./node.ts";

/** One call back at the earliest of several moments; what is asked for before it was set counts together. */
export class Alarm {
  readonly #timers: Timers;
  readonly #callback: () => void;
  #at = Number.POSITIVE_INFINITY;
  #cancel: (() => void) | undefined;

  constructor(timers: Timers, callback: () => void) {
    this.#timers = timers;
    this.#callback = callback;
  }

  /** Forgets all moments. */
  clear(): void {
    this.#at = Number.POSITIVE_INFINITY;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Whether a moment (Unix milliseconds) is still to come; if so, the call back comes no later than then. */
  waitUntil(moment: number): boolean {
    if (moment <= this.#timers.now()) return false;
    this.#at = Math.min(this.#at, moment);
    return true;
  }

  /** Begins to wait for the earliest moment, when there is one. */
  set(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#at === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#timers.after(Math.max(0, this.#at - this.#timers.now()), this.#callback);
  }
}
