import { connect } from "node:net";
import { Writable } from "node:stream";
import type { Operation } from "../plan/operations.gen.ts";
import { MonitorConnection } from "./connection.ts";
import type { ExitedMessage } from "./messages.gen.ts";
import { type PlanResult, type RunOptions, runPlan } from "./run.ts";

/** Bytes of stdin that may be under way to the process; the monitor queues no more (`stdin_ack` in the table). */
const WINDOW = 256 * 1024;
const LARGEST_FRAME = 64 * 1024;

/**
 * The streams of one process, an exec's or an attached container's, on a connection of their own. Output comes as the events
 * `stdout` and `stderr` (terminals have `stdout` only); `pause()` and `resume()` hold it back at its source. `exited` comes
 * after all output. Closing it closes the monitor's ends: a terminal's processes get SIGHUP.
 */
export class MonitorStream extends MonitorConnection {
  /** Input of the process. `end()` is end of input, once all before it has been sent. Errors with MonitorGone. */
  readonly stdin: Writable;
  #unacknowledged = 0;
  #resume: (() => void) | undefined;

  constructor(...arguments_: ConstructorParameters<typeof MonitorConnection>) {
    super(...arguments_);
    this.stdin = new Writable({
      write: (chunk: Buffer, _, done) => this.#write(chunk, 0, done),
      final: (done) => {
        this.send({ type: "stdin", data: Buffer.alloc(0) });
        done();
      },
    });
    // Who writes learns from `closed`; a broken stdin must not end the daemon.
    this.stdin.on("error", () => undefined);
    this.on("stdin_ack", (bytes) => {
      this.#unacknowledged = Math.max(0, this.#unacknowledged - bytes);
      const resume = this.#resume;
      this.#resume = undefined;
      resume?.();
    });
    this.once("closed", (error) => this.stdin.destroy(error));
  }

  /** Carries out the plan whose `stream` operation gives this connection the process's stdio. */
  run(plan: readonly Operation[], options: RunOptions = {}): Promise<PlanResult> {
    return runPlan(this, plan, options);
  }

  /** A copy of a running container's output from now on, and with `stdin` its input. */
  async attach(key: number, options: { stdin: boolean }): Promise<void> {
    await this.request({ type: "attach", key, stdin: options.stdin ? 1 : 0 });
  }

  /** The terminal's size; the kernel sends SIGWINCH. */
  resize(rows: number, columns: number): void {
    this.send({ type: "resize", rows, columns });
  }

  #write(chunk: Buffer, at: number, done: (error?: Error | null) => void): void {
    let next = at;
    while (next < chunk.length) {
      if (this.#unacknowledged >= WINDOW) {
        this.#resume = () => this.#write(chunk, next, done);
        return;
      }
      const data = chunk.subarray(next, next + Math.min(LARGEST_FRAME, WINDOW - this.#unacknowledged));
      this.#unacknowledged += data.length;
      next += data.length;
      this.sendInput(data);
    }
    done();
  }
}

/** Opens a connection for one process's streams; its first request fails with MonitorGone when no monitor listens there. */
export function openStream(socketPath: string): MonitorStream {
  return new MonitorStream(connect(socketPath));
}

/** How a process ended: the exit code a shell would show (128 + signal for a signal), and the signal's number if any. */
export function exitOf(message: Pick<ExitedMessage, "status">): { readonly code: number; readonly signal: number } {
  const signal = message.status & 0x7f;
  return signal === 0 ? { code: (message.status >> 8) & 0xff, signal: 0 } : { code: 128 + signal, signal };
}
