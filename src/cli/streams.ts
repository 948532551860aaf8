// This process's stdin, stdout and stderr, connected to those of a process in a container.
import type { RemoteProcess } from "../api/client-stream.ts";
import { DetachFilter } from "./detach-keys.ts";
import { enterRawMode, onResize } from "./terminal.ts";

export interface StreamOptions {
  readonly stdin: boolean;
  readonly tty: boolean;
  /** Bytes that detach, on a terminal. */
  readonly detachKeys: Buffer;
  /** Called when the process has ended and nothing of it came: what it wrote before the attach is in its log alone. */
  readonly onSilence?: () => Promise<void>;
}

/** What `-i` and `-t` come to here: kubectl's warning when -t was asked for where there is no terminal. */
export function chooseStreams(asked: { readonly stdin: boolean; readonly tty: boolean }): {
  readonly stdin: boolean;
  readonly tty: boolean;
} {
  const hasTerminal = asked.stdin ? process.stdin.isTTY === true : process.stdout.isTTY === true;
  if (asked.tty && !hasTerminal)
    process.stderr.write("Unable to use a TTY - input is not a terminal or the right kind of file\n");
  return { stdin: asked.stdin, tty: asked.tty && hasTerminal };
}

/** Carries the streams until the process has ended (its exit code) or the user has detached (0). */
export async function connectStreams(remote: RemoteProcess, options: StreamOptions): Promise<number> {
  const hasSpoken = carryOutput(remote);
  // Awaited below; until then a failure must not count as unhandled.
  remote.exited.catch(() => undefined);
  const restore = options.tty && options.stdin ? await enterRawMode() : undefined;
  try {
    if (options.tty) onResize((size) => remote.resize(size));
    const detached = options.stdin ? carryInput(remote, options) : new Promise<never>(() => undefined);
    const ended = await Promise.race([remote.exited, detached]);
    if (ended !== "detached") {
      if (!hasSpoken()) await options.onSilence?.();
      return ended;
    }
    await remote.detach();
    // What was typed is still on the terminal's last line, in front of the shell's prompt.
    if (options.tty) process.stderr.write("\r\n");
    return 0;
  } finally {
    restore?.();
    // Not destroyed: a terminal's descriptor may be shared with stdout.
    if (options.stdin) process.stdin.pause();
  }
}

/** The answer tells whether there was any. */
function carryOutput(remote: RemoteProcess): () => boolean {
  let hasSpoken = false;
  const carryTo = (stream: NodeJS.WriteStream) => (data: Buffer) => {
    hasSpoken = true;
    return stream.write(data);
  };
  remote.onStdout = carryTo(process.stdout);
  remote.onStderr = carryTo(process.stderr);
  process.stdout.on("drain", () => remote.resume());
  process.stderr.on("drain", () => remote.resume());
  return () => hasSpoken;
}

/** Resolves when the detach keys were typed, else never. */
function carryInput(remote: RemoteProcess, options: StreamOptions): Promise<"detached"> {
  const filter = new DetachFilter(options.tty ? options.detachKeys : Buffer.alloc(0));
  remote.onDrain = () => process.stdin.resume();
  return new Promise((resolve) => {
    process.stdin.on("data", (typed: Buffer) => {
      const { data, detached } = filter.push(typed);
      if (data.length > 0 && !remote.write(data)) process.stdin.pause();
      if (detached) resolve("detached");
    });
    process.stdin.on("end", () => remote.endStdin());
    // A terminal that is gone reads as EIO: the end, too.
    process.stdin.on("error", () => remote.endStdin());
  });
}
