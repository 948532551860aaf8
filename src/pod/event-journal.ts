import { appendFileSync, readFileSync } from "node:fs";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { errnoOf } from "../base/errors.ts";
import type { KubeEvent } from "./types.ts";

export interface EventJournalOptions {
  readonly path: string;
  /** As many lines may be there that a later one has made worthless, before the file is written anew. Default: 10,000. */
  readonly slack?: number;
  /** Told when the disk takes no more, and not again until it did. */
  readonly onError: (error: unknown) => void;
}

const SLACK = 10_000;

/**
 * Events in a file, one a line as JSON: a daemon that follows finds them. A line more is written for each change of one; the
 * last one counts. Never synced, and written when the work at hand is done: nothing is decided by events, and a start must not wait
 * for them. A daemon that is killed loses those of the same moment.
 */
export class EventJournal {
  readonly #options: EventJournalOptions;
  #waiting: string[] = [];
  #lines = 0;
  /** With more lines the file is written anew. */
  #most: number;
  #isBroken = false;
  /** The file's last line may be without its end. */
  #isCut = false;

  constructor(options: EventJournalOptions) {
    this.#options = options;
    this.#most = options.slack ?? SLACK;
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
    const { path, slack = SLACK } = this.#options;
    const lines = this.#waiting;
    this.#waiting = [];
    try {
      const start = this.#isCut ? "\n" : "";
      this.#isCut = true;
      appendFileSync(path, `${start}${lines.join("")}`, { mode: 0o600 });
      this.#isCut = false;
      this.#lines += lines.length;
      if (this.#lines > this.#most) this.#writeAnew([...present()]);
      if (this.#lines <= slack) this.#isBroken = false;
    } catch (error) {
      if (!this.#isBroken) this.#options.onError(error);
      this.#isBroken = true;
    }
  }

  /** All events are up to 5,000 lines: where there is no room for them, each later event must not bring another try. */
  #writeAnew(kept: readonly KubeEvent[]): void {
    const { path, slack = SLACK } = this.#options;
    this.#most = this.#lines + Math.ceil(slack / 10);
    writeFileAtomic(path, kept.map((event) => `${JSON.stringify(event)}\n`).join(""), { durable: false });
    this.#lines = kept.length;
    this.#most = slack;
  }

  #readLines(): readonly string[] {
    try {
      const lines = readFileSync(this.#options.path, "utf8").split("\n");
      this.#isCut = lines.at(-1) !== "";
      return lines.filter(Boolean);
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
