import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { PodrunError } from "../../base/errors.ts";
import { errnoName } from "../errno.ts";
import { PROTOCOL_VERSION } from "../plan/table.ts";
import { FrameReader } from "./frames.ts";
import { type ExitedMessage, encodeMessage, type Message } from "./messages.gen.ts";

export interface ConnectionEvents {
  /** A process ended; `status` is as wait(2) gives it. */
  exited: [ExitedMessage];
  /** The connection is over. The error says why; undefined when this side closed it. */
  closed: [PodrunError | undefined];
  stdout: [Buffer];
  stderr: [Buffer];
  /** The process took so many bytes of stdin. */
  stdin_ack: [number];
}

interface Pending {
  readonly resolve: (answer: Message) => void;
  readonly reject: (error: PodrunError) => void;
  /** Messages that come before the answer: one `listed` a process. */
  readonly each: ((message: Message) => void) | undefined;
}

/**
 * One connection to a monitor. Requests may be made at once: they are sent behind our `hello`, and when the monitor turns
 * out to speak a protocol that we do not know, all of them fail with MonitorGone.
 */
export class MonitorConnection extends EventEmitter<ConnectionEvents> {
  /** Settles with the monitor's `hello`; its own pid and protocol version. Rejects with MonitorGone. */
  readonly ready: Promise<{ readonly pid: number; readonly version: number }>;
  readonly #socket: Socket;
  readonly #frames = new FrameReader();
  readonly #pending = new Map<number, Pending>();
  #greet: Omit<Pending, "each"> | undefined;
  #nextRequest = 1;
  #closed: PodrunError | undefined;
  #closing = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    this.ready = new Promise<Message>((resolve, reject) => {
      this.#greet = { resolve, reject };
    }).then((hello) => this.#checkHello(hello));
    // Whoever awaits a request gets the same error; `ready` alone must not bring the process down.
    this.ready.catch(() => undefined);
    let cause: Error | undefined;
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("error", (error) => {
      cause = error;
    });
    socket.on("close", () => this.#end(cause));
    this.send({ type: "hello", version: PROTOCOL_VERSION, pid: process.pid });
  }

  /** Whether requests can still be made. */
  get open(): boolean {
    return this.#closed === undefined && !this.#closing;
  }

  /** Sends a message that has no answer. False when the socket's buffer is full (`drain` says when it isn't). */
  send(message: Message, request = 0): boolean {
    if (this.#closed) return true;
    return this.#socket.write(encodeMessage(request, message));
  }

  /** Like {@link send} of `stdin`, but the bytes are not copied: they must stay as they are until they are gone. */
  protected sendInput(data: Uint8Array): boolean {
    if (this.#closed) return true;
    this.#socket.cork();
    this.#socket.write(encodeInputHead(data.length));
    const room = this.#socket.write(data);
    this.#socket.uncork();
    return room;
  }

  /** Sends a request; its answer. Throws OperationFailed when the monitor refuses it, MonitorGone when it goes first. */
  request(message: Message, options: { each?: (message: Message) => void; started?: (request: number) => void } = {}) {
    return new Promise<Message>((resolve, reject) => {
      if (this.#closed) {
        reject(this.#closed);
        return;
      }
      const request = this.#nextRequest++;
      this.#pending.set(request, { resolve, reject, each: options.each });
      this.send(message, request);
      options.started?.(request);
    });
  }

  /** Stops taking output from the monitor, which then stops reading the process's pipes: back-pressure. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** An idle connection keeps no process alive. */
  unref(): void {
    this.#socket.unref();
  }

  /** It keeps the process alive again. */
  ref(): void {
    this.#socket.ref();
  }

  /** Ends the connection; requests without an answer fail with MonitorGone. The monitor and its processes stay. */
  close(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      this.#frames.feed(chunk, (request, message) => this.#take(request, message));
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #take(request: number, message: Message): void {
    switch (message.type) {
      case "stdout":
      case "stderr":
        this.emit(message.type, message.data as Buffer);
        return;
      case "stdin_ack":
        this.emit("stdin_ack", message.bytes);
        return;
      case "exited":
        this.emit("exited", message);
        return;
      case "hello":
        this.#greet?.resolve(message);
        this.#greet = undefined;
        return;
      case "listed":
        this.#pending.get(request)?.each?.(message);
        return;
      default:
        this.#answer(request, message);
    }
  }

  #answer(request: number, message: Message): void {
    const pending = this.#pending.get(request);
    if (!pending) return;
    this.#pending.delete(request);
    if (message.type === "error") pending.reject(refusal(message.text, message.errno));
    else pending.resolve(message);
  }

  /** Codes are append-only, so an older monitor is understood; a newer one may say what we don't know. */
  #checkHello(hello: Message): { pid: number; version: number } {
    if (hello.type !== "hello") throw new TypeError("only a hello resolves the greeting");
    const { pid, version } = hello;
    if (version >= 1 && version <= PROTOCOL_VERSION) return { pid, version };
    const error = new PodrunError(
      "MonitorGone",
      `the monitor (process ${pid}) speaks protocol version ${version}, this podrun speaks versions 1 to ${PROTOCOL_VERSION}: ` +
        "use the podrun that started the pod, or delete the pod",
      { details: { pid, version, supported: String(PROTOCOL_VERSION) } },
    );
    this.#socket.destroy(error);
    throw error;
  }

  #end(cause: Error | undefined): void {
    if (this.#closed) return;
    const error = cause instanceof PodrunError ? cause : gone(cause, this.#closing);
    this.#closed = error;
    this.#greet?.reject(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
    this.emit("closed", this.#closing ? undefined : error);
  }
}

/** A `stdin` frame without its bytes: an empty one whose lengths are put right. */
function encodeInputHead(length: number): Buffer {
  const head = encodeMessage(0, { type: "stdin", data: Buffer.alloc(0) });
  head.writeUInt32LE(head.readUInt32LE(0) + length, 0);
  head.writeUInt32LE(length, head.length - 4);
  return head;
}

function gone(cause: Error | undefined, ours: boolean): PodrunError {
  const text = ours ? "the connection to the monitor was closed" : "the monitor is gone: its connection ended";
  return new PodrunError("MonitorGone", cause ? `${text}: ${cause.message}` : text, cause ? { cause } : {});
}

function refusal(text: string, errno: number): PodrunError {
  const name = errno === 0 ? undefined : errnoName(errno);
  return new PodrunError("OperationFailed", `monitor: ${text}${name ? `: ${name}` : ""}`, { details: { errno: name } });
}
