import type { Probe } from "../../spec/index.ts";
import type { Outcome } from "../handlers/outcome.ts";
import type { Timers } from "../node.ts";

export interface ProbeLoopOptions {
  readonly probe: Probe;
  readonly timers: Timers;
  /** One attempt; it ends soon after the signal. */
  readonly attempt: (signal: AbortSignal) => Promise<Outcome>;
  /** Each attempt that was made to its end, for events. */
  readonly onOutcome: (outcome: Outcome) => void;
  /** The thresholds have been reached: again and again as long as it stays so. */
  readonly onVerdict: (isGood: boolean) => void;
}

/** An attempt that could not be made at all says nothing, and is made again at once, so often (kubelet, maxProbeRetries). */
const MOST_TRIES = 3;

/** So long after its timeout an attempt may take to end: a command is killed then. What sleeps in the kernel dies later, or never. */
const END_MILLIS = 2000;

/**
 * One probe of one run of a container: an attempt every `periodSeconds`, each ended after `timeoutSeconds`, never two at
 * once: while one can't be ended, the next ones fail without having been made. One that takes longer than a period delays the next. A verdict comes when an outcome has come `successThreshold`
 * or `failureThreshold` times in a row.
 */
export class ProbeLoop {
  readonly #options: ProbeLoopOptions;
  #cancelTimer: (() => void) | undefined;
  #abort: AbortController | undefined;
  /** An attempt that goes on although its time was over long ago. */
  #stuck: Promise<unknown> | undefined;
  #isStopped = false;
  #last: boolean | undefined;
  #inRow = 0;

  constructor(options: ProbeLoopOptions) {
    this.#options = options;
  }

  /** Makes the first attempt after so many milliseconds. */
  start(delayMillis: number): void {
    this.#cancelTimer = this.#options.timers.after(delayMillis, () => void this.#tick());
  }

  /** No verdict comes after this; an attempt that goes on is ended. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
    this.#abort?.abort();
  }

  async #tick(): Promise<void> {
    const { timers, probe } = this.#options;
    const begun = timers.now();
    const outcome = await this.#try();
    if (this.#isStopped) return;
    this.#options.onOutcome(outcome);
    if (outcome.result !== "unknown") this.#count(outcome.result !== "failure");
    // A verdict may have ended this.
    if (this.#isStopped) return;
    const period = probe.periodSeconds * 1000;
    this.#cancelTimer = timers.after(Math.max(0, begun + period - timers.now()), () => void this.#tick());
  }

  async #try(): Promise<Outcome> {
    const { timers, probe, attempt } = this.#options;
    let outcome: Outcome = { result: "unknown", message: "" };
    if (this.#stuck) return { result: "failure", message: "the attempt before has timed out and can't be ended" };
    for (let count = 0; count < MOST_TRIES && outcome.result === "unknown" && !this.#isStopped; count++) {
      const abort = new AbortController();
      this.#abort = abort;
      const cancel = timers.after(probe.timeoutSeconds * 1000, () => abort.abort());
      outcome = await this.#within(attempt(abort.signal), abort.signal);
      cancel();
    }
    this.#abort = undefined;
    return outcome;
  }

  /** An attempt's outcome; that it timed out, when it does not end in spite of its signal. */
  async #within(attempt: Promise<Outcome>, signal: AbortSignal): Promise<Outcome> {
    const overdue = Promise.withResolvers<Outcome>();
    let cancel: (() => void) | undefined;
    const onAbort = (): void => {
      cancel = this.#options.timers.after(END_MILLIS, () => {
        const stuck = attempt.finally(() => {
          if (this.#stuck === stuck) this.#stuck = undefined;
        });
        this.#stuck = stuck;
        overdue.resolve({ result: "failure", message: "timed out, and can't be ended" });
      });
    };
    signal.addEventListener("abort", onAbort);
    try {
      return await Promise.race([attempt, overdue.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      cancel?.();
    }
  }

  #count(isGood: boolean): void {
    const { successThreshold, failureThreshold } = this.#options.probe;
    this.#inRow = this.#last === isGood ? this.#inRow + 1 : 1;
    this.#last = isGood;
    if (this.#inRow >= (isGood ? successThreshold : failureThreshold)) this.#options.onVerdict(isGood);
  }
}
