import { errnoName } from "../linux/errno.ts";
import type { OperationResult } from "../linux/monitor/index.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import type { LiveSandbox } from "./context.ts";
import { describe } from "./describe.ts";
import type { TracedOperation } from "./types.ts";

/** Enters a plan's measured operations into its sandbox's timeline; those that did not run are left out. */
export function recordTrace(
  sandbox: LiveSandbox,
  plan: readonly Operation[],
  results: readonly OperationResult[],
): void {
  plan.forEach((operation, index) => {
    const result = results[index];
    if (!result || result.start === 0n) return;
    sandbox.trace.push({ ...traced(operation, index), start: result.start, end: result.end, ...errno(result) });
  });
}

/** Something that the daemon did itself; the clock is the monitor's (CLOCK_MONOTONIC). */
export function traceDaemon<T>(sandbox: LiveSandbox, op: string, text: string, act: () => T): T {
  const start = process.hrtime.bigint();
  try {
    return act();
  } finally {
    const end = process.hrtime.bigint();
    sandbox.trace.push({ index: -1, part: "sandbox", actor: "daemon", op, text, why: "", start, end });
  }
}

function traced(operation: Operation, index: number): Omit<TracedOperation, "start" | "end"> {
  const { actor, op, why, part = "sandbox" } = operation;
  return {
    index,
    part,
    actor,
    op,
    why,
    get text() {
      return describe(operation);
    },
  };
}

/** An operation that succeeded has no end while it replaces its own process (exec, pause): it ends where it began. */
const errno = (result: OperationResult): { errno?: string } =>
  result.errno === 0 ? {} : { errno: errnoName(result.errno) };
