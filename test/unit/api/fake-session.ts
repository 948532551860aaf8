import { EventEmitter } from "node:events";
import type { StreamSession } from "../../../src/pod/types.ts";

/** What a test's process does with its streams. */
export class FakeSession implements StreamSession {
  onStdout: (data: Buffer) => void = () => undefined;
  onStderr: (data: Buffer) => void = () => undefined;
  readonly exited: Promise<number>;
  readonly input: Buffer[] = [];
  readonly log: string[] = [];
  /** Emits "stdin", "endStdin", "resize", "pause", "resume", "close". */
  readonly events = new EventEmitter();
  paused = false;
  /** Set to hold writes back: they resolve when it does. */
  gate: Promise<void> = Promise.resolve();
  end!: (code: number) => void;
  fail!: (error: Error) => void;

  constructor() {
    this.exited = new Promise((resolve, reject) => {
      this.end = resolve;
      this.fail = reject;
    });
    this.exited.catch(() => undefined);
  }

  #order: Promise<void> = Promise.resolve();

  write(data: Uint8Array): Promise<void> {
    return this.#inOrder(() => {
      this.input.push(Buffer.from(data));
      this.events.emit("stdin", Buffer.from(data));
    });
  }

  endStdin(): void {
    void this.#inOrder(() => this.#note("endStdin"));
  }

  #inOrder(step: () => void): Promise<void> {
    this.#order = this.#order.then(() => this.gate).then(step);
    return this.#order;
  }
  resize(rows: number, columns: number): void {
    this.#note(`resize ${rows}x${columns}`);
  }
  pause(): void {
    this.paused = true;
    this.#note("pause");
  }
  resume(): void {
    this.paused = false;
    this.#note("resume");
  }
  close(): void {
    this.#note("close");
  }

  #note(what: string): void {
    this.log.push(what);
    this.events.emit(what.split(" ")[0] ?? what);
  }
}
