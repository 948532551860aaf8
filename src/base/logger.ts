import { copyFileSync, existsSync, fstatSync, ftruncateSync, readlinkSync, writeSync } from "node:fs";
import { errnoOf, PodrunError } from "./errors.ts";

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];

export type Fields = Readonly<Record<string, string | number | boolean | bigint | undefined>>;

/** One line a record: `2026-11-21T07:47:01.123Z info text key=value`. */
export class Logger {
  readonly #level: number;
  readonly #write: (line: string) => void;
  readonly #fields: Fields;

  constructor(
    options: { readonly level?: Level; readonly write?: (line: string) => void; readonly fields?: Fields } = {},
  ) {
    this.#level = LEVELS.indexOf(options.level ?? "info");
    this.#write = options.write ?? writeStderr;
    this.#fields = options.fields ?? {};
  }

  /** A logger that puts these fields on every record. */
  with(fields: Fields): Logger {
    const level = LEVELS[this.#level] ?? "info";
    return new Logger({ level, write: this.#write, fields: { ...this.#fields, ...fields } });
  }

  debug(text: string, fields?: Fields): void {
    this.#record("debug", text, fields);
  }

  info(text: string, fields?: Fields): void {
    this.#record("info", text, fields);
  }

  warn(text: string, fields?: Fields): void {
    this.#record("warn", text, fields);
  }

  error(text: string, fields?: Fields): void {
    this.#record("error", text, fields);
  }

  /** An error that nobody else hears of. Its chain of causes is shown at level debug. */
  failure(text: string, error: unknown, fields?: Fields): void {
    const code = error instanceof PodrunError ? { code: error.code } : {};
    const chain = this.#level === 0 ? { chain: describeChain(error) } : {};
    this.#record("error", `${text}: ${error instanceof Error ? error.message : String(error)}`, {
      ...fields,
      ...code,
      ...chain,
    });
  }

  #record(level: Level, text: string, fields: Fields = {}): void {
    if (LEVELS.indexOf(level) < this.#level) return;
    const pairs = Object.entries({ ...this.#fields, ...fields })
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${quoteValue(String(value))}`);
    this.#write(`${new Date().toISOString()} ${level} ${oneLine(text)}${pairs.join("")}\n`);
  }
}

/** An error's causes, outermost first, each with its stack. */
export function describeChain(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    parts.push(at instanceof Error ? (at.stack ?? at.message) : String(at));
    if (parts.length === 10) break;
  }
  return parts.join("\ncaused by: ");
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Text from outside may hold newlines and escape sequences; neither may look like a record of ours or reach a terminal. */
function oneLine(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f]/g,
    (character) => ESCAPES[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function quoteValue(text: string): string {
  return /^[^\s"=\u0000-\u001f\u007f-\u009f]+$/.test(text) ? text : oneLine(JSON.stringify(text));
}

/** The daemon's log lies in memory (/run): no more of it than this, and as much before it. */
const LARGEST_FILE = 4 * 1024 * 1024;
let written = 0;

/** What a log must not end the daemon for: a reader that went away, a file system that is full. */
const LOST = ["EPIPE", "EAGAIN", "EIO", "ENOSPC", "EDQUOT"];

/** Synchronous, so that the last record before a crash is not lost. */
function writeStderr(line: string): void {
  try {
    if (written === 0 || written > LARGEST_FILE) written = turnOver(2, LARGEST_FILE);
    written += writeSync(2, line);
  } catch (error) {
    if (!LOST.includes(errnoOf(error) ?? "")) throw error;
  }
}

/**
 * A file that has grown beyond `largest` bytes is emptied, and what it held is `NAME.1` from then on; it must be open for
 * appending. Anything else than a file is left alone. Answers how long the file is now.
 */
export function turnOver(fd: number, largest: number): number {
  const stats = fstatSync(fd);
  if (!stats.isFile() || stats.size <= largest) return stats.size;
  // Copied, not renamed: whoever else has it open (a client that reads why the daemon does not start) goes on with it.
  const path = readlinkSync(`/proc/self/fd/${fd}`);
  if (existsSync(path)) copyFileSync(`/proc/self/fd/${fd}`, `${path}.1`);
  ftruncateSync(fd);
  return 0;
}
