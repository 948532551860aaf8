import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers";

/** So many rounds go on at once; more would only wait for one another, and make everybody else wait for a processor. */
const MOST_ROUNDS = Math.max(2, Math.min(4, availableParallelism()));

/** Whoever takes longer waits for something else than this thread (a hook, a hanging mount): the next one's turn comes. */
const LONG_MILLIS = 500;

/** So long the event loop is kept before others get it: requests, probes, exits. */
const SLICE_MILLIS = 4;

/** Work that has its turn, or waits for it. */
export interface Turn {
  /** Whether it has begun. */
  readonly isBegun: boolean;
  /** It goes before what nobody waits for. */
  hurry(): void;
}

interface Waiting {
  readonly work: () => Promise<void>;
  isBegun: boolean;
}

/**
 * Shares the daemon's one thread among its pods: when a thousand of them have something to do at the same moment, they do it
 * one after another, and requests are answered in between. Where nobody waits, everything is done at once.
 */
export class Turns {
  readonly #mostRounds: number;
  readonly #now: () => number;
  #rounds = 0;
  readonly #urgent = new Set<Waiting>();
  readonly #others = new Set<Waiting>();
  readonly #acts = new Set<() => void>();
  #isDue = false;
  #sliceEnd = 0;

  constructor(mostRounds = MOST_ROUNDS, now: () => number = () => performance.now()) {
    this.#mostRounds = mostRounds;
    this.#now = now;
  }

  /** Begins work that never rejects: at once, or when others have had their turn. */
  take(work: () => Promise<void>, isUrgent: boolean): Turn {
    const waiting: Waiting = { work, isBegun: false };
    if (this.#isFree && this.#rounds < this.#mostRounds && this.#urgent.size + this.#others.size === 0)
      this.#begin(waiting);
    else {
      (isUrgent ? this.#urgent : this.#others).add(waiting);
      this.#later();
    }
    return {
      get isBegun() {
        return waiting.isBegun;
      },
      hurry: () => {
        if (this.#others.delete(waiting)) this.#urgent.add(waiting);
      },
    };
  }

  /** Does something that waits for nothing: at once, or when others have had their turn. The result takes it back. */
  soon(act: () => void): () => void {
    if (this.#isFree && this.#acts.size === 0) act();
    else {
      this.#acts.add(act);
      this.#later();
    }
    return () => this.#acts.delete(act);
  }

  /** Whether this turn of the event loop has time left for pods. */
  get #isFree(): boolean {
    const now = this.#now();
    if (this.#sliceEnd === 0) {
      this.#sliceEnd = now + SLICE_MILLIS;
      setImmediate(() => {
        this.#sliceEnd = 0;
      });
    }
    return now < this.#sliceEnd;
  }

  #begin(waiting: Waiting): void {
    waiting.isBegun = true;
    this.#rounds++;
    let isCounted = true;
    const release = (): void => {
      if (!isCounted) return;
      isCounted = false;
      clearTimeout(timer);
      this.#rounds--;
      this.#later();
    };
    const timer = setTimeout(release, LONG_MILLIS);
    void waiting.work().finally(release);
  }

  /** Goes on with the next ones when the event loop has been round. */
  #later(): void {
    if (this.#isDue || this.#acts.size + this.#urgent.size + this.#others.size === 0) return;
    if (this.#acts.size === 0 && this.#rounds >= this.#mostRounds) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#goOn();
      this.#later();
    });
  }

  #goOn(): void {
    const end = this.#now() + SLICE_MILLIS;
    // One of each at least, whatever the other takes.
    do {
      const [act] = this.#acts;
      if (act === undefined) break;
      this.#acts.delete(act);
      act();
    } while (this.#now() < end);
    do {
      const [next] = this.#urgent.size > 0 ? this.#urgent : this.#others;
      if (next === undefined || this.#rounds >= this.#mostRounds) break;
      this.#urgent.delete(next);
      this.#others.delete(next);
      this.#begin(next);
    } while (this.#now() < end);
  }
}
