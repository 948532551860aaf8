import { readFileSync } from "node:fs";
import { writeFileAtomic } from "../base/atomic-file.ts";
import { errnoOf } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { errnoName } from "../linux/errno.ts";
import type { OperationResult } from "../linux/monitor/index.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { describe } from "./describe.ts";
import type { TracedOperation } from "./types.ts";

/** A start is measured for people: its timeline is written when the start is over, not while it goes on. */
const SAVE_AFTER_MILLIS = 500;

/** As in the file: nanoseconds are decimal text, for JSON has no bigint. */
type SavedOperation = Omit<TracedOperation, "start" | "end"> & { readonly start: string; readonly end: string };

/**
 * The timeline of a pod's last start: the sandbox's plan and the newest one of each container. It is kept in a file of the
 * run folder, so that it outlives the daemon and takes no memory; only what is newer than the file is held here.
 */
export class Trace {
  readonly #file: string;
  readonly #newer = new Map<string, () => readonly TracedOperation[]>();
  readonly #daemon: TracedOperation[] = [];
  #timer: NodeJS.Timeout | undefined;

  readonly #log: Pick<Logger, "warn">;

  constructor(file: string, log: Pick<Logger, "warn">) {
    this.#file = file;
    this.#log = log;
  }

  /** A plan that was carried out; it replaces the part's earlier one. It is put into words when somebody asks. */
  record(part: string, plan: readonly Operation[], results: readonly OperationResult[]): void {
    this.#newer.set(part, () => measured(plan, results));
    this.#timer ??= setTimeout(() => this.#save(), SAVE_AFTER_MILLIS).unref();
  }

  /** Something that the daemon does itself for the sandbox; the clock is the monitor's (CLOCK_MONOTONIC). */
  daemon<T>(op: string, text: string, act: () => T): T {
    const start = process.hrtime.bigint();
    try {
      return act();
    } finally {
      const end = process.hrtime.bigint();
      this.#daemon.push({ index: -1, part: "sandbox", actor: "daemon", op, text, why: "", start, end });
    }
  }

  list(): readonly TracedOperation[] {
    return Object.values(this.#parts()).flat();
  }

  /** The folder is going: nothing is written any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#newer.clear();
  }

  #parts(): Record<string, readonly TracedOperation[]> {
    const parts = readParts(this.#file);
    for (const [part, operations] of this.#newer)
      parts[part] = part === "sandbox" ? [...this.#daemon, ...operations()] : operations();
    return parts;
  }

  #save(): void {
    this.#timer = undefined;
    const text = JSON.stringify(this.#parts(), (_, value) => (typeof value === "bigint" ? String(value) : value));
    try {
      writeFileAtomic(this.#file, text, { mode: 0o600, durable: false });
      this.#newer.clear();
    } catch (error) {
      // A measurement that can't be written must not end the daemon; it stays in memory.
      this.#log.warn("a pod's timeline can't be written", { file: this.#file, error: String(error) });
    }
  }
}

function readParts(file: string): Record<string, readonly TracedOperation[]> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return {};
    throw error;
  }
  const parts = JSON.parse(text) as Record<string, readonly SavedOperation[]>;
  const revive = (saved: SavedOperation): TracedOperation => ({
    ...saved,
    start: BigInt(saved.start),
    end: BigInt(saved.end),
  });
  return Object.fromEntries(Object.entries(parts).map(([part, operations]) => [part, operations.map(revive)]));
}

/** Operations that did not run are left out; one that replaces its own process (exec, pause) ends where it began. */
function measured(plan: readonly Operation[], results: readonly OperationResult[]): readonly TracedOperation[] {
  return plan.flatMap((operation, index) => {
    const result = results[index];
    if (!result || result.start === 0n) return [];
    const { actor, op, why, part = "sandbox" } = operation;
    const { start, end, errno } = result;
    const failure = errno === 0 ? {} : { errno: errnoName(errno) };
    return [{ index, part, actor, op, text: describe(operation), why, start, end, ...failure }];
  });
}
