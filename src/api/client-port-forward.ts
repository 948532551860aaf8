// port-forward, the client's end: one WebSocket for one TCP connection.
import type { Config } from "../base/config.ts";
import { PodrunError } from "../base/errors.ts";
import { CHANNEL, PROTOCOLS } from "./channels.ts";
import { type ConnectOptions, connectDaemon } from "./connect.ts";
import { ApiError, parseStatus } from "./status.ts";
import { type HttpAnswer, openWebSocket, type WebSocketClient } from "./websocket.ts";

export interface PortForwardRequest extends ConnectOptions {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** Asks for a connection. Throws ApiError when there is no such pod or it does not run; `onFailure` has what comes later. */
export async function openPortForward(config: Config, request: PortForwardRequest): Promise<RemoteConnection> {
  const opened = await open(config, request).catch((error: unknown) => {
    // A daemon that was killed this moment still took the connection. Nothing was sent yet: the next daemon gets it.
    if (!(error instanceof PodrunError) || error.code !== "DaemonUnreachable") throw error;
    return open(config, request);
  });
  if ("code" in opened) throw new ApiError(parseStatus(opened.code, opened.body));
  return new RemoteConnection(opened);
}

async function open(config: Config, request: PortForwardRequest): Promise<WebSocketClient | HttpAnswer> {
  const socket = await connectDaemon(config, request);
  const pod = `${encodeURIComponent(request.namespace)}/pods/${encodeURIComponent(request.pod)}`;
  const path = `/api/v1/namespaces/${pod}/portforward?ports=${request.port}`;
  return openWebSocket(socket, path, PROTOCOLS.slice(0, 1));
}

const DATA = 0;
const ERROR = 1;

/** A connection to a port in a pod. Set the callbacks before the next turn of the event loop. */
export class RemoteConnection {
  /** Answers false when it wants no more until `resume` is called. */
  onData: (data: Buffer) => boolean = () => true;
  /** The pod's side sends no more; it may still read. */
  onEnd: () => void = () => undefined;
  /** In the daemon's words: nothing listens there, or the pod went. */
  onFailure: (text: string) => void = () => undefined;
  /** More may be written after `write` answered false. */
  onDrain: () => void = () => undefined;
  /** Called once, last. */
  onClose: () => void = () => undefined;
  readonly #webSocket: WebSocketClient;
  readonly #begun = new Set<number>();

  constructor(webSocket: WebSocketClient) {
    this.#webSocket = webSocket;
    webSocket.onMessage = (message) => this.#take(message);
    webSocket.onDrain = () => this.onDrain();
    webSocket.onClose = () => this.onClose();
  }

  /** False: wait for `onDrain`. */
  write(data: Buffer): boolean {
    return this.#webSocket.send(Buffer.concat([Buffer.of(DATA), data]));
  }

  /** The pod reads the end of what was written; what it sends still comes. */
  end(): void {
    this.#webSocket.send(Buffer.of(CHANNEL.close, DATA));
  }

  resume(): void {
    this.#webSocket.resume();
  }

  /** Breaks the connection in both directions. */
  close(): void {
    this.#webSocket.close();
  }

  #take(message: Buffer): void {
    const channel = message[0] ?? CHANNEL.close;
    const data = message.subarray(1);
    if (channel === CHANNEL.close) {
      if (data[0] === DATA) this.onEnd();
      return;
    }
    // The first message of each channel is the port's number.
    if (!this.#begun.has(channel)) this.#begun.add(channel);
    else if (channel === ERROR) this.onFailure(data.toString("utf8"));
    else if (channel === DATA && !this.onData(data)) this.#webSocket.pause();
  }
}
