import { setTimeout as delay } from "node:timers/promises";

/** How patient podrun is with registries; tests put in their own. Times in milliseconds. */
export interface TransferSettings {
  /** For name, TCP and TLS together. */
  readonly connectTimeout: number;
  /** The longest time without a byte, once connected, while podrun waits for one. */
  readonly idleTimeout: number;
  /** Attempts for one answer; a blob's count begins anew whenever bytes have come. */
  readonly attempts: number;
  /** The first wait between two attempts; each further one is twice as long. */
  readonly backoff: number;
  /** All that is waited for one answer because a registry asks for it (429 with Retry-After). */
  readonly throttleBudget: number;
  readonly now: () => number;
  /** Rejects when the signal aborts. */
  readonly sleep: (milliseconds: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 to 1: attempts of many clients must not come all at once. */
  readonly random: () => number;
  /** HTTP_PROXY, HTTPS_PROXY, NO_PROXY, also in lower case. */
  readonly environment: NodeJS.ProcessEnv;
}

export const DEFAULT_SETTINGS: TransferSettings = {
  connectTimeout: 30_000,
  idleTimeout: 60_000,
  attempts: 5,
  backoff: 200,
  throttleBudget: 60_000,
  now: Date.now,
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, signal ? { signal } : {}),
  random: Math.random,
  environment: process.env,
};
