import type { Timers } from "./node.ts";

/** The time that something has left to end by itself. It can be cut short while it runs, never made longer. */
export class Grace {
  readonly #timers: Timers;
  readonly #listeners = new Set<() => void>();
  #deadline: number;

  /** `deadline`: Unix milliseconds. */
  constructor(timers: Timers, deadline: number) {
    this.#timers = timers;
    this.#deadline = deadline;
  }

  get deadline(): number {
    return this.#deadline;
  }

  /** Seconds until the deadline; 0 when it is over. */
  get leftSeconds(): number {
    return Math.max(0, (this.#deadline - this.#timers.now()) / 1000);
  }

  /** Brings the deadline forward; a later one changes nothing. */
  sooner(deadline: number): void {
    if (deadline >= this.#deadline) return;
    this.#deadline = deadline;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls back when the deadline was brought forward. Returns unsubscribe. */
  onSooner(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Waits for work, but not beyond the deadline. False: the work goes on, and nobody waits for it. Never rejects. */
  async within(work: Promise<unknown>): Promise<boolean> {
    const over = Promise.withResolvers<boolean>();
    let cancel: (() => void) | undefined;
    const arm = (): void => {
      cancel?.();
      cancel = this.#timers.after(this.leftSeconds * 1000, () => over.resolve(false));
    };
    arm();
    const unsubscribe = this.onSooner(arm);
    const done = work.then(
      () => true,
      () => true,
    );
    try {
      return await Promise.race([done, over.promise]);
    } finally {
      cancel?.();
      unsubscribe();
    }
  }
}
