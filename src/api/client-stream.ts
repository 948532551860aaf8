// exec and attach, the client's end: a process's streams over a WebSocket. Loads no HTTP client, for `podrun exec` counts
// its milliseconds.
import type { Config } from "../base/config.ts";
import { PodrunError } from "../base/errors.ts";
import { CHANNEL, DETACHED, PROTOCOLS } from "./channels.ts";
import { type ConnectOptions, connectDaemon } from "./connect.ts";
import { DEFAULTED_HEADER } from "./default-container.ts";
import { ApiError, fromExitStatus, parseStatus, type Status } from "./status.ts";
import { openWebSocket, type WebSocketClient } from "./websocket.ts";

export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export interface StreamRequest extends ConnectOptions {
  readonly verb: "exec" | "attach";
  readonly namespace: string;
  readonly pod: string;
  readonly container?: string | undefined;
  /** exec only. */
  readonly command?: readonly string[];
  readonly stdin: boolean;
  readonly tty: boolean;
  /** The terminal's size at the start. */
  readonly size?: TerminalSize | undefined;
}

/** Starts the process (or attaches to it) and connects its streams. Throws what the daemon refused it for. */
export async function openStream(config: Config, request: StreamRequest): Promise<RemoteProcess> {
  const socket = await connectDaemon(config, request);
  const opened = await openWebSocket(socket, pathOf(request), PROTOCOLS);
  if ("code" in opened) throw new ApiError(parseStatus(opened.code, opened.body));
  return new RemoteProcess(opened);
}

/** A running exec or attach. Set the callbacks before the next turn of the event loop. */
export class RemoteProcess {
  /** Answers false when it wants no more until `resume` is called. */
  onStdout: (data: Buffer) => boolean = () => true;
  onStderr: (data: Buffer) => boolean = () => true;
  /** stdin takes more again after `write` answered false. */
  onDrain: () => void = () => undefined;
  /** The exit code (128+signal), after all output. Rejects with ApiError, or DaemonUnreachable when the connection broke. */
  readonly exited: Promise<number>;
  readonly #webSocket: WebSocketClient;

  constructor(webSocket: WebSocketClient) {
    this.#webSocket = webSocket;
    this.exited = new Promise((resolve, reject) => {
      webSocket.onMessage = (message) => {
        const data = message.subarray(1);
        if (message[0] === CHANNEL.stdout) this.#deliver(this.onStdout(data));
        else if (message[0] === CHANNEL.stderr) this.#deliver(this.onStderr(data));
        else if (message[0] === CHANNEL.status) {
          const ended = fromExitStatus(JSON.parse(data.toString("utf8")) as Status);
          if (typeof ended === "number") resolve(ended);
          else reject(ended);
        }
      };
      webSocket.onClose = () => reject(new PodrunError("DaemonUnreachable", BROKEN));
      webSocket.onDrain = () => this.onDrain();
    });
  }

  /** False: wait for `onDrain`. */
  write(data: Buffer): boolean {
    return this.#webSocket.send(Buffer.concat([Buffer.of(CHANNEL.stdin), data]));
  }

  /** The process reads the end of its stdin; its output goes on. */
  endStdin(): void {
    this.#webSocket.send(Buffer.of(CHANNEL.close, CHANNEL.stdin));
  }

  resize(size: TerminalSize): void {
    const text = JSON.stringify({ Width: size.columns, Height: size.rows });
    this.#webSocket.send(Buffer.concat([Buffer.of(CHANNEL.resize), Buffer.from(text)]));
  }

  resume(): void {
    this.#webSocket.resume();
  }

  /** `web out of: web, helper`, when the daemon chose the container. */
  defaultedContainer(): string | undefined {
    return this.#webSocket.header(DEFAULTED_HEADER);
  }

  /** Leaves; the process goes on with its terminal and nobody listening. Resolves when the daemon knows. */
  detach(): Promise<void> {
    return new Promise((resolve) => {
      this.#webSocket.onClose = resolve;
      this.#webSocket.close(DETACHED);
    });
  }

  #deliver(wantsMore: boolean): void {
    if (!wantsMore) this.#webSocket.pause();
  }
}

const BROKEN = "the connection to the podrun daemon broke; how the command ended is not known";

function pathOf(request: StreamRequest): string {
  const query = new URLSearchParams();
  for (const word of request.command ?? []) query.append("command", word);
  if (request.container !== undefined) query.set("container", request.container);
  if (request.stdin) query.set("stdin", "1");
  query.set("stdout", "1");
  if (request.tty) query.set("tty", "1");
  else query.set("stderr", "1");
  if (request.tty && request.size !== undefined) {
    query.set("rows", String(request.size.rows));
    query.set("columns", String(request.size.columns));
  }
  const pod = `${encodeURIComponent(request.namespace)}/pods/${encodeURIComponent(request.pod)}`;
  return `/api/v1/namespaces/${pod}/${request.verb}?${query.toString()}`;
}
