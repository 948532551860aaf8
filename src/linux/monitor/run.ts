import { PodrunError } from "../../base/errors.ts";
import { PlanError } from "../plan/failure.ts";
import { encodePlan, type Operation, type PlanFault } from "../plan/operations.gen.ts";
import type { MonitorConnection } from "./connection.ts";
import type { ResultMessage } from "./messages.gen.ts";

/** What the results page says of one operation. Times are CLOCK_MONOTONIC nanoseconds; 0: it was not run. */
export interface OperationResult {
  readonly start: bigint;
  readonly end: bigint;
  /** The pid for `clone`; the index of the failed message for `netlink`; the index of the path taken for `exec`. */
  readonly value: bigint;
  /** Also set for an optional operation that failed; 0: none. */
  readonly errno: number;
}

export interface PlanResult {
  /** The child's pid in the host's PID namespace; 0 when the plan makes no child. */
  readonly pid: number;
  /** One for each operation of the plan, in its order. Operations of the actor `daemon` are never run here. */
  readonly results: readonly OperationResult[];
}

export interface RunOptions {
  /** Obeyed by the test build of the monitor only. */
  readonly fault?: PlanFault | undefined;
  /** When it aborts, the monitor kills the plan's actors and undoes its slots; `runPlan` then throws Cancelled. */
  readonly signal?: AbortSignal | undefined;
}

const DONE = 0;
const FAILED = 1;
const CANCELLED = 2;

/** Bytes of one operation in the results page: u64 start, end, value, u32 errno, u32 zero. */
const RESULT_SIZE = 32;

/**
 * Has a monitor carry a plan out. Throws {@link PlanError} when an operation fails or its actor dies at it, Cancelled when
 * `signal` aborts first, MonitorGone when the monitor goes.
 */
export async function runPlan(
  connection: MonitorConnection,
  plan: readonly Operation[],
  options: RunOptions = {},
): Promise<PlanResult> {
  options.signal?.throwIfAborted();
  let cancel: (() => void) | undefined;
  const started = (request: number): void => {
    cancel = () => connection.send({ type: "cancel", request });
    options.signal?.addEventListener("abort", cancel, { once: true });
  };
  try {
    const answer = await connection.request({ type: "run", plan: encodePlan(plan, options.fault) }, { started });
    if (answer.type !== "result") throw new PodrunError("Internal", `the monitor answered a plan with ${answer.type}`);
    return judge(plan, answer);
  } finally {
    if (cancel) options.signal?.removeEventListener("abort", cancel);
  }
}

function judge(plan: readonly Operation[], answer: ResultMessage): PlanResult {
  const results = readResults(answer.results);
  if (answer.status === DONE) return { pid: answer.pid, results };
  if (answer.status === CANCELLED)
    throw new PodrunError("Cancelled", `the plan was cancelled at operation ${answer.operation + 1} of ${plan.length}`);
  const errno = answer.status === FAILED ? answer.errno : undefined;
  throw new PlanError({ plan, index: answer.operation, errno, results });
}

function readResults(page: Uint8Array): OperationResult[] {
  const bytes = Buffer.from(page.buffer, page.byteOffset, page.length);
  const results: OperationResult[] = [];
  for (let at = 0; at + RESULT_SIZE <= bytes.length; at += RESULT_SIZE)
    results.push({
      start: bytes.readBigUInt64LE(at),
      end: bytes.readBigUInt64LE(at + 8),
      value: bytes.readBigUInt64LE(at + 16),
      errno: bytes.readUInt32LE(at + 24),
    });
  return results;
}
