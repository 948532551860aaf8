// `…/pods/NAME/portforward?ports=N`: TCP connections to a pod's localhost over one WebSocket, one connection a port, in the
// kubelet's protocol v4.channel.k8s.io. Of the port at place i of the list, channel 2i has the bytes and channel 2i+1 the text
// of an error; the server's first message on each is the port, two bytes, little-endian. v5 adds what TCP has and v4 lacks:
// channel 255 closes one direction of the channel that its second byte names, from either side.
import type { IncomingMessage } from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { PodrunError } from "../base/errors.ts";
import type { PodService, StreamSession } from "../pod/types.ts";
import { CHANNEL, PROTOCOLS } from "./channels.ts";
import type { ApiContext } from "./context.ts";
import type { UpgradeRequest } from "./exec.ts";

/** Nothing is read from the pod while more than the high mark waits for the client, until less than the low mark does. */
const HIGH_MARK = 1024 * 1024;
const LOW_MARK = 256 * 1024;
/** A channel's number is one byte, and 255 is taken. */
const MOST_PORTS = 127;

/** What is refused before the WebSocket is there: a bad port, no such pod. Later troubles come on a port's error channel. */
export async function servePortForward(context: ApiContext, upgrade: UpgradeRequest): Promise<void> {
  const { request, socket, head, namespace, name } = upgrade;
  requireProtocol(request);
  const ports = readPorts(upgrade.query);
  requireRunning(context.pods, namespace, name);
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    const forward = new Forward(webSocket, ports);
    void forward.dial((port) => context.pods.portForward(namespace, name, port));
  });
}

function requireProtocol(request: IncomingMessage): void {
  const header = request.headers["sec-websocket-protocol"] ?? "";
  const offered = header.split(",").map((protocol) => protocol.trim());
  if (PROTOCOLS.some((protocol) => offered.includes(protocol))) return;
  throw new PodrunError(
    "BadRequest",
    `unable to upgrade: unknown protocol "${header}", want Sec-WebSocket-Protocol ${PROTOCOLS.join(" or ")}`,
  );
}

/** `ports=80&ports=443` or `ports=80,443`. */
function readPorts(query: URLSearchParams): readonly number[] {
  const words = query.getAll("ports").flatMap((text) => text.split(","));
  if (words.length === 0) throw new PodrunError("BadRequest", "portforward without a port: want ?ports=80");
  if (words.length > MOST_PORTS)
    throw new PodrunError("BadRequest", `${words.length} ports are too many for one WebSocket: want ${MOST_PORTS}`);
  return words.map((word) => {
    const port = /^\d{1,5}$/.test(word) ? Number(word) : 0;
    if (port >= 1 && port <= 65535) return port;
    throw new PodrunError("BadRequest", `query parameter ports has "${word}": want port numbers, 1 to 65535`);
  });
}

function requireRunning(pods: PodService, namespace: string, name: string): void {
  const { phase } = pods.get(namespace, name).status;
  if (phase === "Running") return;
  throw new PodrunError(
    "ContainerNotRunning",
    `unable to forward port because pod "${name}" is not running. Current status=${phase}`,
    { details: { pod: name, namespace, phase } },
  );
}

const webSockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: 32 * 1024 * 1024,
  handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
});

interface Port {
  readonly number: number;
  session: StreamSession | undefined;
  /** The client, or the pod, sends no more. */
  inputEnded: boolean;
  outputEnded: boolean;
}

/** One WebSocket and its ports' connections. */
class Forward {
  readonly #webSocket: WebSocket;
  readonly #ports: readonly Port[];
  readonly #halfCloses: boolean;
  #paused = false;
  #unwritten = 0;

  constructor(webSocket: WebSocket, numbers: readonly number[]) {
    this.#webSocket = webSocket;
    this.#halfCloses = webSocket.protocol === PROTOCOLS[0];
    this.#ports = numbers.map((number) => ({
      number,
      session: undefined,
      inputEnded: false,
      outputEnded: false,
    }));
    webSocket.on("message", (message: Buffer) => this.#take(message));
    webSocket.on("error", () => webSocket.terminate());
    webSocket.on("close", () => {
      for (const { session } of this.#ports) session?.close();
    });
    // What the client sends meanwhile waits until there is somebody to send it to.
    webSocket.pause();
  }

  async dial(connect: (port: number) => Promise<StreamSession>): Promise<void> {
    for (const [index, { number }] of this.#ports.entries())
      for (const channel of [2 * index, 2 * index + 1]) this.#send(channel, Buffer.of(number & 0xff, number >> 8));
    await Promise.all(
      this.#ports.map(async (port, index) => {
        try {
          this.#carry(port, index, await connect(port.number));
        } catch (error) {
          this.#fail(port, index, error);
        }
      }),
    );
    this.#webSocket.resume();
  }

  #carry(port: Port, index: number, session: StreamSession): void {
    session.exited.then(
      () => this.#endOutput(port, index),
      (error: unknown) => this.#fail(port, index, error),
    );
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) {
      session.close();
      return;
    }
    port.session = session;
    session.onStdout = (data) => this.#send(2 * index, data);
  }

  /** The text of an error on the port's second channel; the other ports go on. */
  #fail(port: Port, index: number, error: unknown): void {
    this.#send(2 * index + 1, Buffer.from(error instanceof Error ? error.message : String(error)));
    port.inputEnded = true;
    this.#endOutput(port, index);
  }

  #endOutput(port: Port, index: number): void {
    port.outputEnded = true;
    if (this.#halfCloses) this.#send(CHANNEL.close, Buffer.of(2 * index));
    // In v4 nobody can say that the client has ended, too.
    else port.inputEnded = true;
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (this.#ports.every(({ inputEnded, outputEnded }) => inputEnded && outputEnded)) this.#webSocket.close(1000);
  }

  #send(channel: number, data: Buffer): void {
    const webSocket = this.#webSocket;
    if (webSocket.readyState !== webSocket.OPEN) return;
    const frame = Buffer.allocUnsafe(data.length + 1);
    frame[0] = channel;
    frame.set(data, 1);
    webSocket.send(frame, () => this.#onSent());
    if (this.#paused || webSocket.bufferedAmount <= HIGH_MARK) return;
    this.#paused = true;
    for (const { session } of this.#ports) session?.pause();
  }

  #onSent(): void {
    if (!this.#paused || this.#webSocket.bufferedAmount > LOW_MARK) return;
    this.#paused = false;
    for (const { session } of this.#ports) session?.resume();
  }

  #take(message: Buffer): void {
    const [channel = CHANNEL.close, second = 0] = message;
    const ends = channel === CHANNEL.close && this.#halfCloses;
    const number = ends ? second : channel;
    const port = this.#ports[number / 2];
    if (port === undefined || port.inputEnded) return;
    if (!ends) {
      this.#write(port, message.subarray(1));
      return;
    }
    port.inputEnded = true;
    port.session?.endStdin();
    this.#closeWhenDone();
  }

  #write({ session }: Port, data: Buffer): void {
    if (session === undefined || data.length === 0) return;
    this.#unwritten += data.length;
    if (this.#unwritten > LOW_MARK) this.#webSocket.pause();
    const onWritten = (): void => {
      this.#unwritten -= data.length;
      if (this.#unwritten <= LOW_MARK && this.#webSocket.isPaused) this.#webSocket.resume();
    };
    // A pod that takes no more has broken the connection: `exited` says so.
    session.write(data).then(onWritten, onWritten);
  }
}
