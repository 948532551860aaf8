import type { Logger } from "../../base/logger.ts";
import type { Timers } from "../node.ts";

/** Does something again and again: a period after it was done, or at once when it says so. What fails is logged and done again. */
export class Periodic {
  readonly #options: PeriodicOptions;
  #cancel: (() => void) | undefined;
  #stopped = false;

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  start(): void {
    this.#wait(this.#options.periodMillis);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #wait(millis: number): void {
    if (!this.#stopped) this.#cancel = this.#options.timers.after(millis, () => void this.#turn());
  }

  async #turn(): Promise<void> {
    const { what, work, periodMillis, log } = this.#options;
    let again = false;
    try {
      again = await work();
    } catch (error) {
      log.failure(what, error);
    }
    this.#wait(again ? 0 : periodMillis);
  }
}

interface PeriodicOptions {
  /** For the log, when it fails. */
  readonly what: string;
  /** True: there is more to do. */
  readonly work: () => Promise<boolean>;
  readonly periodMillis: number;
  readonly timers: Timers;
  readonly log: Pick<Logger, "failure">;
}
