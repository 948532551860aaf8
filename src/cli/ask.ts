// Questions to whoever sits at the terminal; they are written to stderr, for stdout is the command's result.
import { PodrunError } from "../base/errors.ts";
import { UsageError } from "./arguments.ts";
import { atExit } from "./interrupt.ts";

/** One line. Throws Cancelled at the end of the input. */
export async function ask(question: string): Promise<string> {
  const { createInterface } = await import("node:readline");
  const asking = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-C is what it is everywhere else.
  asking.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  try {
    return await new Promise<string>((resolve, reject) => {
      asking.question(question, resolve);
      asking.on("close", () => reject(cancelled()));
    });
  } finally {
    asking.close();
  }
}

/** One line that is not shown. The terminal is put back whatever happens. */
export async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  const restore = (): void => void stdin.setRawMode(false);
  const forget = atExit(restore);
  // Before the question: whoever answers at once, a script say, must not see the terminal's echo.
  stdin.setRawMode(true);
  stderr.write(question);
  try {
    return await readSecret();
  } finally {
    restore();
    forget();
    stdin.pause();
    stderr.write("\n");
  }
}

function readSecret(): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const onKey = (key: string): (() => void) | undefined => {
      if (key === "\r" || key === "\n") return () => resolve(text);
      if (key === "\u0003") return () => process.kill(process.pid, "SIGINT");
      if (key === "\u0004") return () => reject(cancelled());
      if (key === "\u007f" || key === "\b") text = [...text].slice(0, -1).join("");
      else if (key === "\u0015") text = "";
      else if (key >= " ") text += key;
      return undefined;
    };
    const onData = (typed: string): void => {
      for (const key of typed) {
        const act = onKey(key);
        if (act === undefined) continue;
        process.stdin.off("data", onData);
        act();
        break;
      }
    };
    process.stdin.setEncoding("utf8").on("data", onData);
    process.stdin.on("end", () => reject(cancelled())).resume();
  });
}

const cancelled = (): PodrunError => new PodrunError("Cancelled", "nothing was answered");

/** podman's question before something is removed. Throws UsageError where there is no terminal. */
export async function confirm(warning: string, flag: string): Promise<boolean> {
  if (process.stdin.isTTY !== true) throw new UsageError(`${warning} Add ${flag}, for there is no terminal to ask on`);
  const answer = await ask(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}
