// exec and attach: a process's streams over one WebSocket, in the remote command protocol v5.channel.k8s.io (v4 lacks only
// the half-close). Every message begins with its channel: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 the terminal's
// size; 255 closes the channel that its second byte names.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { setImmediate as immediate } from "node:timers/promises";
import { type WebSocket, WebSocketServer } from "ws";
import { PodrunError } from "../base/errors.ts";
import type { StreamSession } from "../pod/types.ts";
import { CHANNEL, DETACHED, PROTOCOLS } from "./channels.ts";
import type { ApiContext } from "./context.ts";
import { chooseContainer, DEFAULTED_HEADER } from "./default-container.ts";
import { count, flag } from "./request.ts";
import { exitStatus, type Status, toStatus } from "./status.ts";

/** Output is not read from the process while more than the high mark waits for the client, until less than the low mark does. */
const HIGH_MARK = 1024 * 1024;
const LOW_MARK = 256 * 1024;

export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly namespace: string;
  readonly name: string;
  readonly query: URLSearchParams;
}

/** `…/exec`: `rows` and `columns` give the terminal its first size; without them it comes on channel 4, after the start. */
export async function serveExec(context: ApiContext, upgrade: UpgradeRequest): Promise<void> {
  requireProtocol(upgrade.request);
  const { query } = upgrade;
  const command = query.getAll("command");
  if (command.length === 0) throw new PodrunError("BadRequest", "exec without a command: want ?command=…, once a word");
  const streams = readStreams(query);
  const rows = count(query, "rows");
  const columns = count(query, "columns");
  const { namespace, name } = upgrade;
  const { container, defaulted } = chooseContainer(context.pods, namespace, name, query.get("container"));
  const starting = context.pods.exec(namespace, name, container, {
    command,
    ...streams,
    ...(rows === undefined || columns === undefined ? {} : { rows, columns }),
  });
  // What is wrong with the request is found at once, and is the answer to it. The upgrade need not wait for the start.
  await Promise.race([starting, immediate()]);
  connect(upgrade, starting, streams, defaulted);
}

/** `…/attach`: the same streams, of the container's own process. */
export async function serveAttach(context: ApiContext, upgrade: UpgradeRequest): Promise<void> {
  requireProtocol(upgrade.request);
  const streams = readStreams(upgrade.query);
  const { namespace, name, query } = upgrade;
  const { container, defaulted } = chooseContainer(context.pods, namespace, name, query.get("container"));
  const { stdin, tty } = streams;
  const session = await context.pods.attach(namespace, name, container, { stdin, tty });
  connect(upgrade, Promise.resolve(session), streams, defaulted);
}

interface Streams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** PodExecOptions: at least one stream; a terminal has no stderr of its own. */
function readStreams(query: URLSearchParams): Streams {
  const tty = flag(query, "tty");
  const streams = {
    stdin: flag(query, "stdin"),
    stdout: flag(query, "stdout"),
    stderr: flag(query, "stderr") && !tty,
    tty,
  };
  if (!streams.stdin && !streams.stdout && !streams.stderr)
    throw new PodrunError("BadRequest", "none of stdin, stdout and stderr was asked for: want at least one of them");
  return streams;
}

/** Refuses before anything is started in the container. */
function requireProtocol(request: IncomingMessage): void {
  const header = request.headers["sec-websocket-protocol"] ?? "";
  const offered = header.split(",").map((protocol) => protocol.trim());
  if (!PROTOCOLS.some((protocol) => offered.includes(protocol)))
    throw new PodrunError(
      "BadRequest",
      `unable to upgrade: unknown protocol "${header}", want Sec-WebSocket-Protocol ${PROTOCOLS.join(" or ")}`,
    );
}

const webSockets = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: 32 * 1024 * 1024,
  handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
});

/** A start that fails is told on the stream, as Kubernetes does it. When the client has gone meanwhile the session is closed at once. */
function connect(
  upgrade: UpgradeRequest,
  starting: Promise<StreamSession>,
  streams: Streams,
  defaulted?: string,
): void {
  if (upgrade.socket.destroyed) {
    abandon(starting);
    return;
  }
  const onHeaders = (headers: string[]): void => {
    if (defaulted !== undefined) headers.push(`${DEFAULTED_HEADER}: ${defaulted}`);
  };
  // All within handleUpgrade, which is synchronous: no other upgrade comes between.
  webSockets.on("headers", onHeaders);
  let isOpen = false;
  webSockets.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (webSocket) => {
    isOpen = true;
    webSocket.on("error", () => webSocket.terminate());
    // What the client sends waits for the process.
    webSocket.pause();
    starting.then(
      (session) => carry(webSocket, session, streams),
      (error: unknown) => {
        webSocket.resume();
        finish(webSocket, toStatus(error));
      },
    );
  });
  webSockets.off("headers", onHeaders);
  // `ws` has refused it (a wrong key or version) or the client has left.
  if (!isOpen) abandon(starting);
}

function abandon(starting: Promise<StreamSession>): void {
  starting
    .then((session) => {
      session.close();
      return session.exited;
    })
    .catch(() => {
      // The client has left: nobody is there to hear how it ended.
    });
}

function carry(webSocket: WebSocket, session: StreamSession, streams: Streams): void {
  if (webSocket.readyState !== webSocket.OPEN) {
    abandon(Promise.resolve(session));
    return;
  }
  carryOutput(webSocket, session, streams);
  carryInput(webSocket, session, streams);
  webSocket.resume();
}

function finish(webSocket: WebSocket, status: Status): void {
  send(webSocket, CHANNEL.status, Buffer.from(JSON.stringify(status)));
  webSocket.close(1000);
}

function send(webSocket: WebSocket, channel: number, data: Buffer, onSent?: () => void): void {
  if (webSocket.readyState !== webSocket.OPEN) return;
  const frame = Buffer.allocUnsafe(data.length + 1);
  frame[0] = channel;
  frame.set(data, 1);
  webSocket.send(frame, onSent);
}

function carryOutput(webSocket: WebSocket, session: StreamSession, streams: Streams): void {
  let paused = false;
  const onSent = (): void => {
    if (!paused || webSocket.bufferedAmount > LOW_MARK) return;
    paused = false;
    session.resume();
  };
  const output = (channel: number, data: Buffer): void => {
    send(webSocket, channel, data, onSent);
    if (paused || webSocket.bufferedAmount <= HIGH_MARK) return;
    paused = true;
    session.pause();
  };
  session.onStdout = (data) => streams.stdout && output(CHANNEL.stdout, data);
  session.onStderr = (data) => streams.stderr && output(CHANNEL.stderr, data);
  session.exited.then(
    (code) => finish(webSocket, exitStatus(code)),
    (error: unknown) => finish(webSocket, toStatus(error)),
  );
}

function carryInput(webSocket: WebSocket, session: StreamSession, streams: Streams): void {
  let unwritten = 0;
  const onData = (data: Buffer): void => {
    unwritten += data.length;
    if (unwritten > LOW_MARK) webSocket.pause();
    const onWritten = (): void => {
      unwritten -= data.length;
      if (unwritten <= LOW_MARK && webSocket.isPaused) webSocket.resume();
    };
    // A process that has closed its stdin or gone refuses the data: how it ended comes by `exited`.
    session.write(data).then(onWritten, onWritten);
  };
  webSocket.on("message", (message: Buffer) => {
    const channel = message[0];
    if (channel === CHANNEL.stdin && streams.stdin && message.length > 1) onData(message.subarray(1));
    else if (channel === CHANNEL.resize && streams.tty) resize(session, message.subarray(1));
    else if (channel === CHANNEL.close && message[1] === CHANNEL.stdin && streams.stdin) session.endStdin();
  });
  webSocket.on("close", (code) => {
    if (code === DETACHED) letRun(session);
    else session.close();
  });
}

/** The client has left on purpose: the process goes on with nobody listening. */
function letRun(session: StreamSession): void {
  session.onStdout = () => undefined;
  session.onStderr = () => undefined;
  session.resume();
}

/** remotecommand.TerminalSize: `{"Width": columns, "Height": rows}`. A size that is none is ignored, as the kubelet does. */
function resize(session: StreamSession, data: Buffer): void {
  let size: unknown;
  try {
    size = JSON.parse(data.toString("utf8"));
  } catch {
    return;
  }
  if (typeof size !== "object" || size === null) return;
  const rows: unknown = Reflect.get(size, "Height");
  const columns: unknown = Reflect.get(size, "Width");
  if (isSize(rows) && isSize(columns)) session.resize(rows, columns);
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65536;
}
