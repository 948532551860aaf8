import { type Clock, systemClock } from "../base/clock.ts";
import type { PullProgress } from "./types.ts";

export type LayerProgress = Extract<PullProgress, { readonly type: "layer" }>;
type LayerState = LayerProgress["state"];

/** At most ten a second a layer (PullProgress). */
const PAUSE_NANOS = 100_000_000n;

/** One layer's way here, told to all that wait for it: changes of state at once, bytes now and then. */
export class LayerMeter {
  readonly #listeners = new Set<(progress: LayerProgress) => void>();
  readonly #clock: Clock;
  #last: LayerProgress;
  #told = 0n;

  constructor(digest: string, size: number, clock: Clock = systemClock) {
    this.#clock = clock;
    this.#last = { type: "layer", digest, state: "waiting", bytes: 0, size, unpacked: 0 };
  }

  /** Bytes that have been written so far. */
  get unpacked(): number {
    return this.#last.unpacked;
  }

  /** Packed bytes that have come, and all there are. */
  get bytes(): number {
    return this.#last.bytes;
  }

  get size(): number {
    return this.#last.size;
  }

  /** Returns the function that ends it. */
  listen(listener: (progress: LayerProgress) => void): () => void {
    listener(this.#last);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  state(state: LayerState, message?: string): void {
    const { message: _, ...last } = this.#last;
    this.#last = { ...last, state, ...(message !== undefined && { message }) };
    this.#tell();
  }

  /** So many of the layer's bytes have come; the last of them begins the state `unpacking`. */
  came(bytes: number): void {
    if (this.#last.state === "unpacking") return;
    const all = bytes >= this.#last.size;
    const changed = all || this.#last.state !== "downloading";
    const { message: _, ...last } = this.#last;
    this.#last = { ...last, state: all ? "unpacking" : "downloading", bytes };
    if (changed || this.#due()) this.#tell();
  }

  wrote(unpacked: number): void {
    this.#last = { ...this.#last, unpacked };
    if (this.#due()) this.#tell();
  }

  #due(): boolean {
    return this.#clock.monotonic() - this.#told >= PAUSE_NANOS;
  }

  #tell(): void {
    this.#told = this.#clock.monotonic();
    for (const listener of this.#listeners) listener(this.#last);
  }
}
