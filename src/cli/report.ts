// Errors as the user reads them. kubectl's words where the server refused; one sentence; the causes only with --debug.
import { ApiError } from "../api/status.ts";
import { PodrunError } from "../base/errors.ts";
import { UsageError } from "./arguments.ts";

/** Prints the error; answers the exit code. */
export function reportError(error: unknown, options: { readonly debug: boolean }): number {
  process.stderr.write(`${wordError(error)}\n`);
  if (error instanceof UsageError)
    process.stderr.write(`See 'podrun ${error.command === undefined ? "" : `${error.command} `}--help' for usage.\n`);
  if (options.debug) process.stderr.write(wordChain(error));
  return 1;
}

/** `Error from server (NotFound): …` for the server's, `error: …` for the rest. */
export function wordError(error: unknown): string {
  if (error instanceof ApiError && error.status.reason !== undefined && error.status.reason !== "InternalError")
    return `Error from server (${error.status.reason}): ${error.message}`;
  if (error instanceof ApiError) return `Error from server: ${error.message}`;
  if (error instanceof PodrunError || error instanceof UsageError) return `error: ${error.message}`;
  return `error: internal: ${error instanceof Error ? error.message : String(error)}`;
}

function wordChain(error: unknown): string {
  let text = "";
  if (error instanceof PodrunError) {
    text += `  code: ${error.code}\n`;
    for (const [name, value] of Object.entries(error.details)) text += `  ${name}: ${String(value)}\n`;
  } else if (error instanceof Error) text += `${error.stack}\n`;
  for (let cause = causeOf(error); cause !== undefined; cause = causeOf(cause))
    text += `  caused by: ${cause instanceof PodrunError ? `${cause.code}: ` : ""}${cause instanceof Error ? cause.message : String(cause)}\n`;
  return text;
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined);

/** What the system said. Node's words name the system call and the path, which may be a temporary file's that nobody asked for. */
export const wordErrno = (cause: unknown): string => (cause as Error).message.replace(/, \w+( '[^']*'.*)?$/, "");
