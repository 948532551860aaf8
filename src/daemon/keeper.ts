import type { Logger } from "../base/logger.ts";
import type { Timers } from "../pod/index.ts";

/** Whoever changes something often changes it in several steps: they are waited for, milliseconds. */
const SETTLE_MILLIS = 50;

/** Somebody who undoes every repair meets a calmer and calmer one; after a quiet while it is quick again. */
const SLOWEST_MILLIS = 30_000;
const QUIET_MILLIS = 60_000;

export interface KeeperOptions {
  /** What differs from what should be, in words; none: nothing. */
  readonly differences: () => Promise<readonly string[]>;
  readonly restore: () => Promise<void>;
  /** Told after each repair: what had been changed, and by whom as far as that is known. */
  readonly onRestored: (differences: readonly string[], by: string | undefined) => void;
  /** For the log: what is kept. */
  readonly what: string;
  readonly log: Logger;
  readonly timers: Pick<Timers, "now" | "after">;
}

/** Keeps something of the host's as it should be: looks when it was touched, and puts it back where it differs. */
export class Keeper {
  readonly #options: KeeperOptions;
  #delay = SETTLE_MILLIS;
  /** When it last had to be put back. */
  #troubledAt = Number.NEGATIVE_INFINITY;
  #cancel: (() => void) | undefined;
  #dirty = false;
  #by: string | undefined;
  #stopped = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Somebody may have changed it. */
  touched(by?: string): void {
    this.#by ??= by;
    this.#dirty = true;
    this.#lookSoon();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #lookSoon(): void {
    if (this.#stopped || this.#cancel) return;
    const { timers } = this.#options;
    if (timers.now() - this.#troubledAt > QUIET_MILLIS) this.#delay = SETTLE_MILLIS;
    this.#cancel = timers.after(this.#delay, () => void this.#look());
  }

  async #look(): Promise<void> {
    const { what, log } = this.#options;
    const by = this.#by;
    this.#by = undefined;
    this.#dirty = false;
    try {
      await this.#restore(by);
    } catch (error) {
      log.failure(`${what} can't be restored`, error);
      this.#calmDown();
      this.#dirty = true;
    }
    this.#cancel = undefined;
    // Changed again while we looked, or not restored.
    if (this.#dirty) this.#lookSoon();
  }

  async #restore(by: string | undefined): Promise<void> {
    const { differences, restore, onRestored } = this.#options;
    const found = await differences();
    if (found.length === 0 || this.#stopped) return;
    this.#calmDown();
    await restore();
    onRestored(found, by);
  }

  #calmDown(): void {
    this.#delay = Math.min(this.#delay * 2, SLOWEST_MILLIS);
    this.#troubledAt = this.#options.timers.now();
  }
}
