// A terminal emulator, as far as tests need one: node-pty, and what it has shown.
import { setTimeout as delay } from "node:timers/promises";
import { type IPty, spawn } from "node-pty";

/** Only for what never comes, so that the test says what came instead. */
const PATIENCE_MILLIS = 20_000 * Number(process.env["PODRUN_TEST_SLOWNESS"] ?? 1);

/** What stands in the terminal that the user looks at. */
export class Terminal {
  readonly pty: IPty;
  text = "";
  readonly #exited: Promise<number>;
  #ended = false;
  #late = false;
  #looking: (() => void) | undefined;

  constructor(file: string, argv: readonly string[], env: NodeJS.ProcessEnv, size = { cols: 80, rows: 24 }) {
    this.pty = spawn(file, [...argv], { ...size, env: { ...env, TERM: "xterm" } as Record<string, string> });
    this.pty.onData((data) => {
      this.text += data;
      this.#looking?.();
    });
    this.#exited = new Promise((resolve) => {
      this.pty.onExit(({ exitCode, signal }) => {
        this.#ended = true;
        this.#looking?.();
        resolve(signal ? 128 + signal : exitCode);
      });
    });
  }

  type(text: string): void {
    this.pty.write(text);
  }

  /** Waits until it shows; answers what was shown up to then, and forgets it. */
  async until(want: string | RegExp): Promise<string> {
    const late = setTimeout(() => {
      this.#late = true;
      this.#looking?.();
    }, PATIENCE_MILLIS);
    try {
      return await this.#find(want);
    } finally {
      clearTimeout(late);
    }
  }

  /** Exit code; 128 + the signal when one ended the program. */
  async end(): Promise<number> {
    const late = new AbortController();
    const patience = delay(PATIENCE_MILLIS, undefined, { signal: late.signal }).then(() => {
      throw new Error(`it does not end: ${JSON.stringify(this.text)}`);
    });
    return Promise.race([this.#exited, patience]).finally(() => {
      patience.catch(() => undefined);
      late.abort();
    });
  }

  async #find(want: string | RegExp): Promise<string> {
    for (;;) {
      const found = typeof want === "string" ? this.text.indexOf(want) : this.text.search(want);
      if (found !== -1) {
        const shown = this.text;
        this.text = "";
        return shown;
      }
      if (this.#late) throw new Error(`${want} does not come: ${JSON.stringify(this.text)}`);
      if (this.#ended) throw new Error(`ended before it showed ${want}: ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => {
        this.#looking = resolve;
      });
    }
  }
}
