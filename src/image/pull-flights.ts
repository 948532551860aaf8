import { PodrunError } from "../base/errors.ts";
import type { PulledImage, PullProgress, PullRequest } from "./types.ts";

/** One pull, for all who asked for it. */
export interface PullWork {
  readonly request: PullRequest;
  readonly signal: AbortSignal;
  readonly tell: (progress: PullProgress) => void;
}

type Tell = (progress: PullProgress) => void;

interface Flight {
  readonly ender: AbortController;
  readonly callers: Set<Tell>;
  readonly result: Promise<PulledImage>;
  /** What somebody who comes later must know: the beginning, and the last of each layer. */
  readonly told: Map<string, PullProgress>;
  waiting: number;
}

/** Pulls of one image with the same means are one: all callers hear of its progress, and it ends early only with the last of them. */
export class PullFlights {
  readonly #flights = new Map<string, Flight>();

  async run(
    key: string,
    { reference, onProgress, signal }: Pick<PullRequest, "reference" | "onProgress" | "signal">,
    start: (signal: AbortSignal, tell: Tell) => Promise<PulledImage>,
  ): Promise<PulledImage> {
    if (signal?.aborted) throw cancelled(reference, signal.reason);
    const flight = this.#join(key, start);
    const tell: Tell = (progress) => onProgress?.(progress);
    for (const progress of flight.told.values()) tell(progress);
    flight.callers.add(tell);
    flight.waiting++;
    const gone = Promise.withResolvers<never>();
    const leave = (): void => gone.reject(cancelled(reference, signal?.reason));
    signal?.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([flight.result, gone.promise]);
    } catch (error) {
      // The last caller waits until nothing is under way any more.
      if (signal?.aborted && flight.waiting === 1) await this.#end(key, flight, error);
      throw error;
    } finally {
      signal?.removeEventListener("abort", leave);
      flight.callers.delete(tell);
      flight.waiting--;
    }
  }

  #join(key: string, start: (signal: AbortSignal, tell: Tell) => Promise<PulledImage>): Flight {
    const there = this.#flights.get(key);
    if (there !== undefined) return there;
    const ender = new AbortController();
    const callers = new Set<Tell>();
    const told = new Map<string, PullProgress>();
    const tell: Tell = (progress) => {
      told.set(progress.type === "layer" ? progress.digest : progress.type, progress);
      for (const caller of callers) caller(progress);
    };
    const result = start(ender.signal, tell);
    const flight: Flight = { ender, callers, result, told, waiting: 0 };
    this.#flights.set(key, flight);
    const land = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    result.then(land, land);
    return flight;
  }

  async #end(key: string, flight: Flight, reason: unknown): Promise<void> {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.ender.abort(reason);
    await flight.result.catch(() => undefined);
  }
}

function cancelled(reference: string, cause: unknown): PodrunError {
  return new PodrunError("Cancelled", `image "${reference}": the pull was cancelled`, {
    details: { image: reference },
    cause,
  });
}
