// The user's terminal: its size, and raw mode that is undone whatever happens.
import type { TerminalSize } from "../api/client-stream.ts";
import { atExit } from "./interrupt.ts";

/** Undefined when neither output is a terminal. */
export function terminalSize(): TerminalSize | undefined {
  const stream = process.stdout.isTTY ? process.stdout : process.stderr.isTTY ? process.stderr : undefined;
  if (stream === undefined || !stream.rows || !stream.columns) return undefined;
  return { rows: stream.rows, columns: stream.columns };
}

/** Calls the listener at SIGWINCH, with the new size. */
export function onResize(listener: (size: TerminalSize) => void): void {
  const stream = process.stdout.isTTY ? process.stdout : process.stderr;
  stream.on("resize", () => {
    const size = terminalSize();
    if (size !== undefined) listener(size);
  });
}

/** Every key goes to the process. Undone by the returned function, and at the process's end. */
export async function enterRawMode(): Promise<() => void> {
  const { spawnSync } = await import("node:child_process");
  const restore = (): void => {
    remove();
    process.stdin.setRawMode(false);
  };
  const remove = atExit(restore);
  process.stdin.setRawMode(true);
  // libuv's raw mode leaves output processing on: a bare line feed, with which vi and top move the cursor down, would
  // become carriage return and line feed. Without stty (it belongs to coreutils) the picture may be wrong, no more.
  spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
  return restore;
}

/** Whether to colour what goes to stdout (no-color.org). */
export const hasColour = (): boolean =>
  process.stdout.isTTY === true && (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb";
