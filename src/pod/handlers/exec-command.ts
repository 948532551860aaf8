import { PodrunError } from "../../base/errors.ts";
import type { RuntimeService } from "../../sandbox/types.ts";
import { MOST_OUTPUT, type Outcome } from "./outcome.ts";

/**
 * Runs a command in a container: exit code 0 is a success. When the signal comes first, the command is killed, and the
 * outcome is a failure that says `late`. Output and errors count together; at most 10 KiB are kept, the rest is read and dropped.
 */
export async function execCommand(
  runtime: RuntimeService,
  containerId: string,
  command: readonly string[],
  signal: AbortSignal,
  late: string,
): Promise<Outcome> {
  const chunks: Buffer[] = [];
  let size = 0;
  const take = (data: Buffer): void => {
    if (size < MOST_OUTPUT) chunks.push(data.subarray(0, MOST_OUTPUT - size));
    size += data.length;
  };
  const output = (): string => Buffer.concat(chunks).toString("utf8").trimEnd();
  try {
    const request = { command, tty: false, stdin: false, stdout: true, stderr: true, signal };
    const session = await runtime.exec(containerId, request);
    session.onStdout = take;
    session.onStderr = take;
    const code = await session.exited;
    if (signal.aborted) return { result: "failure", message: late };
    return { result: code === 0 ? "success" : "failure", message: output() || (code === 0 ? "" : `exit code ${code}`) };
  } catch (error) {
    if (signal.aborted) return { result: "failure", message: late };
    const message = error instanceof Error ? error.message : String(error);
    // A command that there is not fails; what could not be tried at all says nothing.
    const isMissing =
      error instanceof PodrunError && (error.code === "CommandNotFound" || error.code === "CommandNotExecutable");
    return { result: isMissing ? "failure" : "unknown", message };
  }
}
