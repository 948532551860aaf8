// The local end of port-forward: sockets that listen, and connections that are carried into the pod.
import { createServer, isIP, type Server, type Socket } from "node:net";
import type { RemoteConnection } from "../api/client-port-forward.ts";
import { errnoOf } from "../base/errors.ts";
import { UsageError } from "./arguments.ts";
import type { PortPair } from "./port-specs.ts";
import { wordError } from "./report.ts";

/** `localhost` is both loopback addresses, and one of them will do. */
const LOOPBACKS = ["127.0.0.1", "::1"] as const;

export interface Addresses {
  readonly all: readonly string[];
  /** These may fail as long as one address of the port can be listened on. */
  readonly optional: ReadonlySet<string>;
}

/** `localhost`, `0.0.0.0`, `10.0.0.1,localhost`. Throws UsageError. */
export function parseAddresses(text: string): Addresses {
  const all = new Set<string>();
  const optional = new Set<string>();
  for (const word of text.split(",").map((one) => one.trim())) {
    if (word === "localhost") for (const address of LOOPBACKS) all.add(address) && optional.add(address);
    else if (isIP(word) !== 0) all.add(word);
    else throw new UsageError(`--address: "${word}" is not a valid IP: want addresses or localhost, by commas`);
  }
  return { all: [...all], optional };
}

/** A port that is listened on, at every address that could be had. */
export interface Listening {
  readonly servers: readonly Server[];
  readonly lines: readonly string[];
}

/** Listens; a random port is the same at all addresses. Throws an Error with kubectl's words when there is none. */
export async function listen(
  pair: PortPair,
  { all, optional }: Addresses,
  onConnection: (socket: Socket, local: number) => void,
): Promise<Listening> {
  const servers: Server[] = [];
  const lines: string[] = [];
  const problems: string[] = [];
  let { local } = pair;
  let isLacking = false;
  for (const address of all)
    try {
      const server = await listenAt(address, local);
      const bound = server.address();
      if (bound !== null && typeof bound === "object") local = bound.port;
      const port = local;
      server.on("connection", (socket) => onConnection(socket, port));
      servers.push(server);
      lines.push(`Forwarding from ${isIP(address) === 6 ? `[${address}]` : address}:${port} -> ${pair.remote}\n`);
    } catch (error) {
      problems.push(`${address}: ${errnoOf(error) === "EADDRINUSE" ? "address already in use" : String(error)}`);
      isLacking ||= !optional.has(address);
    }
  if (servers.length > 0 && !isLacking) return { servers, lines };
  for (const server of servers) server.close();
  throw new Error(`Unable to listen on port ${pair.local}: ${problems.join("; ")}`);
}

function listenAt(host: string, port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ipv6Only: true, backlog: 511 }, () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}

/** Carries one connection; whatever goes wrong is said and ends this connection only. */
export async function carry(
  socket: Socket,
  open: () => Promise<RemoteConnection>,
  onProblem: (text: string) => void,
): Promise<void> {
  // A client that resets its connection has said all there is to say.
  socket.on("error", () => undefined);
  try {
    connect(socket, await open(), onProblem);
  } catch (error) {
    onProblem(wordError(error));
    socket.resetAndDestroy();
  }
}

function connect(socket: Socket, remote: RemoteConnection, onProblem: (text: string) => void): void {
  let ended = false;
  remote.onData = (data) => socket.write(data);
  socket.on("drain", () => remote.resume());
  remote.onEnd = () => {
    ended = true;
    socket.end();
  };
  remote.onFailure = (text) => {
    onProblem(text);
    socket.resetAndDestroy();
  };
  remote.onClose = () => {
    if (!ended) socket.resetAndDestroy();
  };
  remote.onDrain = () => void socket.resume();
  socket.on("data", (data: Buffer) => {
    if (!remote.write(data)) socket.pause();
  });
  socket.on("end", () => remote.end());
  socket.on("close", () => remote.close());
  if (socket.destroyed) remote.close();
  else socket.resume();
}
