// Programs that a benchmark runs and waits for.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, statSync } from "node:fs";

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end. Throws, with what it wrote, unless it exits 0. Answers its stdout. */
export async function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: options.env ?? process.env });
  let output = "";
  let words = "";
  child.stdout.on("data", (data) => {
    output += data;
  });
  child.stderr.on("data", (data) => {
    words += data;
  });
  const code = await ended(child);
  if (code === 0) return output;
  throw new Error(`${command} ${args.join(" ")}: exit ${code}: ${(words || output).trim()}`);
}

/** The exit code or the signal of a child, after its output. Throws when it could not be started. */
export function ended(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
}

export const isNewer = (path: string, than: readonly string[]): boolean =>
  existsSync(path) && than.every((other) => statSync(path).mtimeMs >= statSync(other).mtimeMs);
