// How a command ends before its time: Ctrl-C, a signal, a reader that has gone. Whatever it was, the terminal is put back.

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
/** 128 + SIGPIPE: what a shell shows for a program that `| head` has cut off. */
const CUT_OFF = 141;

const cleanups = new Set<() => void>();
const controller = new AbortController();

/** Runs at the process's end, whichever way it comes. Synchronous only. Returns its removal. */
export function atExit(cleanup: () => void): () => void {
  cleanups.add(cleanup);
  return () => cleanups.delete(cleanup);
}

/** Aborted just before a signal ends the process. */
export const onInterrupt = (): AbortSignal => controller.signal;

/** Call once, first. */
export function installExits(): void {
  for (const [name, number] of Object.entries(SIGNALS))
    process.on(name as keyof typeof SIGNALS, () => {
      controller.abort();
      process.exit(128 + number);
    });
  process.on("exit", () => {
    for (const cleanup of cleanups) cleanup();
  });
  for (const stream of [process.stdout, process.stderr])
    stream.on("error", (error: NodeJS.ErrnoException) => {
      process.exit(error.code === "EPIPE" ? CUT_OFF : 1);
    });
}
