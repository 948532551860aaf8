import { rmSync } from "node:fs";
import type { Server } from "node:http";
import { apiSocket, type Config } from "../base/config.ts";
import { PodrunError } from "../base/errors.ts";

/** The first descriptor that systemd hands over (sd_listen_fds(3)). */
const LISTEN_FDS_START = 3;

/** Whether systemd has opened the API's socket for us. */
export const isSocketActivated = (env: NodeJS.ProcessEnv): boolean =>
  env["LISTEN_PID"] === String(process.pid) && Number(env["LISTEN_FDS"] ?? 0) >= 1;

/**
 * Lets the API's server listen: on systemd's socket, else on one of its own, which nobody but root can ever open. The
 * instance's lock must be held: a socket that is there then is a dead daemon's. Throws StateUnavailable.
 */
export async function listen(server: Server, config: Config, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const path = apiSocket(config);
  const listening = Promise.withResolvers<void>();
  server.once("listening", listening.resolve);
  server.once("error", (cause) => {
    const message = `the API's socket ${path} can't be made: ${cause.message}`;
    listening.reject(new PodrunError("StateUnavailable", message, { details: { path }, cause }));
  });
  if (isSocketActivated(env)) {
    server.listen({ fd: LISTEN_FDS_START });
  } else {
    rmSync(path, { force: true });
    // bind(2) gives the socket its mode: a chmod afterwards would leave a moment in which others can connect.
    const umask = process.umask(0o177);
    try {
      server.listen(path);
    } finally {
      process.umask(umask);
    }
  }
  await listening.promise;
}
