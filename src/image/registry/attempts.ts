import type { PodrunError } from "../../base/errors.ts";
import { cancelled, describe, type Subject, throttled, unreachable } from "./errors.ts";
import { type FailureFacts, RegistryFailure } from "./failure.ts";
import type { TransferSettings } from "./settings.ts";

export interface AttemptsOptions {
  readonly subject: Subject;
  readonly settings: TransferSettings;
  /** Another place is asked next: one that cannot even be connected to is not asked again. */
  readonly mirror: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onRetry?: ((message: string) => void) | undefined;
}

const LONGEST_BACKOFF = 5000;
/** A registry that says 429 and not for how long gets more time than one that broke. */
const THROTTLED_BACKOFF = 1000;

/** The attempts for one answer: how many, and how long between them. */
export class Attempts {
  readonly #options: AttemptsOptions;
  #made = 1;
  #throttled = 0;
  #progressed = false;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Runs `act` until it does not fail any more. Throws what {@link failed} throws, and at once what is no RegistryFailure. */
  async run<T>(act: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        this.check();
        return await act();
      } catch (error) {
        await this.failed(error);
      }
    }
  }

  /** Throws Cancelled. */
  check(): void {
    if (this.#options.signal?.aborted) throw this.#cancelled();
  }

  /** Bytes have come: the count begins anew, and whoever could be connected to once will be again. */
  progressed(): void {
    this.#made = 1;
    this.#progressed = true;
  }

  /** Waits for the time of the next attempt. Throws RegistryUnreachable, RegistryThrottled when there is none, Cancelled. */
  async failed(error: unknown, giveUp?: (failure: RegistryFailure) => PodrunError | undefined): Promise<void> {
    this.check();
    if (!(error instanceof RegistryFailure)) throw error;
    const { subject, settings, signal, onRetry } = this.#options;
    const wait = error.facts.kind === "throttled" ? this.#throttle(error) : this.#backoff(settings.backoff);
    if (this.#made >= this.#limit(error.facts)) {
      if (error.facts.kind === "throttled") throw throttled(subject, error);
      throw giveUp?.(error) ?? unreachable(subject, error, this.#made);
    }
    this.#made++;
    onRetry?.(`${describe(error.facts, subject)}; trying again in ${(wait / 1000).toFixed(1)} s`);
    await settings.sleep(wait, signal).catch((cause: unknown) => {
      throw signal?.aborted ? this.#cancelled() : cause;
    });
  }

  #throttle(failure: RegistryFailure): number {
    const { subject, settings } = this.#options;
    const wait = Math.max(failure.facts.retryAfter ?? this.#backoff(THROTTLED_BACKOFF), settings.backoff);
    this.#throttled += wait;
    if (this.#throttled > settings.throttleBudget) throw throttled(subject, failure);
    return wait;
  }

  #backoff(first: number): number {
    const { random } = this.#options.settings;
    return Math.min(first * 2 ** (this.#made - 1), LONGEST_BACKOFF) * (1 + random() / 4);
  }

  #limit({ kind, early, transient }: FailureFacts): number {
    const { mirror, settings } = this.#options;
    const lasting =
      kind === "certificate" || kind === "tls" || kind === "protocol" || (kind === "status" && transient !== true);
    if (lasting && !this.#progressed) return 1;
    if (early !== true || this.#progressed) return settings.attempts;
    if (mirror) return 1;
    return kind === "connect" ? settings.attempts : 2;
  }

  #cancelled(): PodrunError {
    return cancelled(this.#options.subject, this.#options.signal?.reason);
  }
}
