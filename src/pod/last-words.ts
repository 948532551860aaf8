import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";
import type { ContainerStatus as RuntimeContainer } from "../sandbox/types.ts";
import type { Container } from "../spec/index.ts";

/** What of a log may become a message (kubelet, MaxContainerTerminationMessageLogLength and -LogLines). */
const MOST_BYTES = 2048;
const MOST_LINES = 80;

/** So much of the file's end is read: each line has its time and stream before its text. */
const READ_BYTES = 16 * 1024;

/**
 * A run with its message: where the container has written none and has failed, the end of its log stands in when it asks for
 * that (Container.terminationMessagePolicy FallbackToLogsOnError).
 */
export function withLastWords(run: RuntimeContainer, container: Container | undefined): RuntimeContainer {
  if (run.state !== "exited" || run.exitCode === 0 || run.message) return run;
  if (container?.terminationMessagePolicy !== "FallbackToLogsOnError") return run;
  const message = lastLines(readEnd(run.logPath));
  return message === "" ? run : { ...run, message };
}

function readEnd(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    // It has never written a line.
    if (errnoOf(error) === "ENOENT") return "";
    throw error;
  }
  try {
    const buffer = Buffer.alloc(READ_BYTES);
    const from = Math.max(0, fstatSync(file).size - READ_BYTES);
    const text = buffer.toString("utf8", 0, readSync(file, buffer, 0, READ_BYTES, from));
    // The first line is cut where the file is longer.
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    closeSync(file);
  }
}

/** The texts of CRI's lines: TIME STREAM FLAG TEXT; P: the line goes on in the next one. */
function lastLines(log: string): string {
  const text = log
    .split("\n")
    .map((line) => /^\S+ (?:stdout|stderr) ([PF])(?:\S*) (.*)$/.exec(line))
    .filter((found) => found !== null)
    .map(([, flag, part]) => `${part}${flag === "F" ? "\n" : ""}`)
    .join("");
  const lines = text.split(/(?<=\n)/);
  const end = Buffer.from(lines.slice(-MOST_LINES).join(""));
  return end.subarray(Math.max(0, end.length - MOST_BYTES)).toString("utf8");
}
