import { dirname } from "node:path";
import { type ErrorCode, PodrunError } from "../../base/errors.ts";
import { errnoName } from "../errno.ts";
import { describeMessages } from "../netlink/index.ts";
import type { ExecOperation, Operation } from "./operations.gen.ts";
import { nameOperation, operationPath } from "./print.ts";

export interface PlanFailure {
  readonly plan: readonly Operation[];
  /** Index of the operation in the plan. */
  readonly index: number;
  /** Undefined: the actor died at the operation without saying why. */
  readonly errno: number | undefined;
  /** The results page, for `trace`; the failed operation's `value` says more about netlink and exec. */
  readonly results?: readonly { readonly value: bigint }[] | undefined;
}

/**
 * A plan that was not carried out; whatever it had filled is closed again. The code is OperationFailed, except where the
 * container's own command is to blame: CommandNotFound, CommandNotExecutable.
 */
export class PlanError extends PodrunError {
  /** Index in the plan. */
  readonly operation: number;
  readonly op: string;
  readonly path: string | undefined;
  /** `ENOENT` …; undefined when the actor died. */
  readonly errno: string | undefined;
  /** Hidden from printing: hundreds of rows that say nothing to a reader of the error. */
  declare readonly results: PlanFailure["results"];

  constructor(failure: PlanFailure) {
    const operation = failure.plan[failure.index];
    const errno = failure.errno === undefined ? undefined : errnoName(failure.errno);
    const path = operation && operationPath(operation);
    const part = operation?.part;
    super(codeOf(operation, errno), word(failure, operation, errno), {
      details: { operation: failure.index, op: operation?.op, path, errno, part, of: failure.plan.length },
    });
    this.operation = failure.index;
    this.op = operation?.op ?? "unknown";
    this.path = path;
    this.errno = errno;
    Object.defineProperty(this, "results", { value: failure.results, enumerable: false });
  }
}

function codeOf(operation: Operation | undefined, errno: string | undefined): ErrorCode {
  if (operation?.op !== "exec") return "OperationFailed";
  if (errno === "ENOENT" || errno === "ENOTDIR") return "CommandNotFound";
  return errno === "EACCES" || errno === "ENOEXEC" ? "CommandNotExecutable" : "OperationFailed";
}

function word(failure: PlanFailure, operation: Operation | undefined, errno: string | undefined): string {
  const place = `(operation ${failure.index + 1} of ${failure.plan.length})`;
  if (!operation) return `the monitor named an operation that the plan has not ${place}`;
  const part = operation.part === undefined ? "" : `${partName(operation.part)}: `;
  if (operation.op === "exec" && errno !== undefined) return `${part}${wordExec(operation, errno)} ${place}`;
  const reason = errno ?? `the ${operation.actor} process died here, probably killed`;
  return `${part}${nameOperation(operation)}${which(failure, operation)}: ${reason} ${place}`;
}

/** Why a command could not be run (execve(2)); its paths are where the container's PATH let it be looked for. */
function wordExec({ argv, paths }: ExecOperation, errno: string): string {
  const command = `command ${JSON.stringify(argv[0] ?? "")}`;
  const [only] = paths;
  if (errno === "ENOENT" && paths.length > 1) return `${command} not found in ${paths.map(dirname).join(", ")}: ENOENT`;
  if (errno === "ENOENT")
    return `${command} not found: ${only} is not there, or the interpreter that it names is not: ENOENT`;
  if (errno === "ENOTDIR") return `${command} not found: a part of ${only} is not a folder: ENOTDIR`;
  if (errno === "EACCES") return `${command} is not executable: EACCES`;
  if (errno === "ENOEXEC") return `${command} is not a program for this machine, nor a script with a #! line: ENOEXEC`;
  return `${command}: ${errno}`;
}

const partName = (part: string): string => (part === "sandbox" ? "sandbox" : `container ${JSON.stringify(part)}`);

/** Which message of a netlink batch the kernel refused, in the words of ip(8). */
function which(failure: PlanFailure, operation: Operation): string {
  const value = failure.results?.[failure.index]?.value;
  if (operation.op !== "netlink" || value === undefined) return "";
  const line = describeMessages(operation.messages)[Number(value)];
  return line === undefined ? "" : ` (${line})`;
}
