import { appendFileSync, readFileSync } from "node:fs";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { errnoOf } from "../base/errors.ts";
import type { KubeEvent } from "./types.ts";

export interface EventJournalOptions {
  readonly path: string;
  /** As many lines may be there that a later one has made worthless, before the file is written anew. */
  readonly slack?: number;
  /** Told when the disk takes no more, and not again until it did. */
  readonly onError: (error: unknown) => void;
}

/**
 * Events in a file, one a line as JSON: a daemon that follows finds them. A line more is written for each change of one; the
 * last one counts. Never synced, and written when the work at hand is done: nothing is decided by events, and a start must not wait
 * for them. A daemon that is killed loses those of the same moment.
 */
export class EventJournal {
  readonly #options: EventJournalOptions;
  #waiting: string[] = [];
  #lines = 0;
  #isBroken = false;

  constructor(options: EventJournalOptions) {
    this.#options = options;
  }

  /** What an earlier daemon wrote, the latest last. A line that is none (it was cut off, or damaged) is passed over. */
  read(): readonly KubeEvent[] {
    const events = new Map<string, KubeEvent>();
    for (const line of this.#readLines()) {
      this.#lines++;
      const event = parse(line);
      if (event === undefined) continue;
      const key = `${event.metadata.namespace}/${event.metadata.name}`;
      events.delete(key);
      events.set(key, event);
    }
    return [...events.values()];
  }

  /** `present`: all events that are kept, for when the file is to be written anew. */
  add(event: KubeEvent, present: () => Iterable<KubeEvent>): void {
    this.#waiting.push(`${JSON.stringify(event)}\n`);
    if (this.#waiting.length === 1) setImmediate(() => this.#write(present));
  }

  #write(present: () => Iterable<KubeEvent>): void {
    const { path, slack = 10_000 } = this.#options;
    const lines = this.#waiting;
    this.#waiting = [];
    try {
      this.#lines += lines.length;
      const kept = this.#lines > slack ? [...present()] : undefined;
      if (kept === undefined) appendFileSync(path, lines.join(""), { mode: 0o600 });
      else {
        writeFileAtomic(path, kept.map((event) => `${JSON.stringify(event)}\n`).join(""), { durable: false });
        this.#lines = kept.length;
      }
      this.#isBroken = false;
    } catch (error) {
      if (!this.#isBroken) this.#options.onError(error);
      this.#isBroken = true;
    }
  }

  #readLines(): readonly string[] {
    try {
      return readFileSync(this.#options.path, "utf8").split("\n").filter(Boolean);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") this.#options.onError(error);
      return [];
    }
  }
}

function parse(line: string): KubeEvent | undefined {
  try {
    const event = JSON.parse(line) as KubeEvent;
    const isWhole =
      event.kind === "Event" &&
      typeof event.metadata.name === "string" &&
      !Number.isNaN(Date.parse(event.lastTimestamp));
    return isWhole && typeof event.involvedObject.uid === "string" ? event : undefined;
  } catch {
    return undefined;
  }
}
