// A connection to the daemon, which is started when none answers.
import { createConnection, type Socket } from "node:net";
import { apiSocket, type Config } from "../base/config.ts";
import { errnoOf, PodrunError } from "../base/errors.ts";

/** sun_path of a unix socket's address, unix(7), without its NUL. */
const PATH_LIMIT = 107;

export interface ConnectOptions {
  /** Start the daemon when its socket is missing or dead. Default: true. */
  readonly start?: boolean;
}

/** Connects to the API socket. Throws NotRoot, DaemonUnreachable, or the error with which the daemon failed to start. */
export async function connectDaemon(config: Config, options: ConnectOptions = {}): Promise<Socket> {
  requireRoot();
  const path = apiSocket(config);
  const found = await tryConnect(path);
  if (found !== undefined) return found;
  if (options.start === false)
    throw new PodrunError("DaemonUnreachable", `no podrun daemon answers at ${path}`, { details: { socket: path } });
  const { startDaemon } = await import("./start-daemon.ts");
  return startDaemon(config, () => tryConnect(path));
}

/** The socket is root's (mode 0600), and so is all that podrun makes. Throws NotRoot. */
export function requireRoot(): void {
  const uid = process.geteuid?.();
  if (uid === 0) return;
  throw new PodrunError("NotRoot", `podrun must run as root, and this is user ${uid}: try sudo podrun …`, {
    details: { uid },
  });
}

/** Undefined when nobody listens: no socket, or one that a dead daemon left. Throws DaemonUnreachable for anything else. */
function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (cause) => {
      const errno = errnoOf(cause);
      const why = Buffer.byteLength(path) > PATH_LIMIT ? `the path is longer than ${PATH_LIMIT} bytes` : cause.message;
      const text = `cannot connect to the podrun daemon at ${path}: ${why}`;
      if (errno === "ENOENT" || errno === "ECONNREFUSED") resolve(undefined);
      else reject(new PodrunError("DaemonUnreachable", text, { cause, details: { socket: path, errno } }));
    });
  });
}
