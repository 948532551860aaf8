import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
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

/** The names of its files, in the sandbox's folder: one a part, for a container that starts again and again writes its own only. */
const FILE = /^trace-(.+)\.json$/;

/**
 * The timeline of a pod's last start: the sandbox's plan and the newest one of each container. It is kept in files of the
 * run folder, so that it outlives the daemon and takes no memory; only what is newer than they are is held here.
 */
export class Trace {
  readonly #folder: string;
  readonly #newer = new Map<string, () => readonly TracedOperation[]>();
  readonly #daemon: TracedOperation[] = [];
  #timer: NodeJS.Timeout | undefined;

  readonly #log: Pick<Logger, "warn">;

  constructor(folder: string, log: Pick<Logger, "warn">) {
    this.#folder = folder;
    this.#log = log;
  }

  /** A plan that was carried out; it replaces the part's earlier one. It is put into words when somebody asks. */
  record(part: string, plan: readonly Operation[], results: readonly OperationResult[]): void {
    const before = part === "sandbox" ? this.#daemon : [];
    this.#newer.set(part, () => [...before, ...measured(plan, results)]);
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

  /** The part that began first comes first. */
  list(): readonly TracedOperation[] {
    const parts = new Map(savedParts(this.#folder));
    for (const [part, operations] of this.#newer) parts.set(part, operations());
    const begin = ([first]: readonly TracedOperation[]): bigint => first?.start ?? 0n;
    return [...parts.values()].sort((a, b) => (begin(a) < begin(b) ? -1 : 1)).flat();
  }

  /** The folder is going: nothing is written any more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#newer.clear();
  }

  #save(): void {
    this.#timer = undefined;
    for (const [part, operations] of this.#newer) {
      const file = join(this.#folder, `trace-${part}.json`);
      const text = JSON.stringify(operations(), (_, value) => (typeof value === "bigint" ? String(value) : value));
      try {
        writeFileAtomic(file, text, { mode: 0o600, durable: false });
        this.#newer.delete(part);
      } catch (error) {
        // A measurement that can't be written must not end the daemon; it stays in memory.
        this.#log.warn("a pod's timeline can't be written", { file, error: String(error) });
      }
    }
  }
}

const savedParts = (folder: string): readonly (readonly [part: string, operations: readonly TracedOperation[]])[] =>
  readNames(folder).flatMap((name) => {
    const part = FILE.exec(name)?.[1];
    if (part === undefined) return [];
    const saved = JSON.parse(readFileSync(join(folder, name), "utf8")) as readonly SavedOperation[];
    return [[part, saved.map((one) => ({ ...one, start: BigInt(one.start), end: BigInt(one.end) }))] as const];
  });

/** None: the sandbox is only beginning. */
function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
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
