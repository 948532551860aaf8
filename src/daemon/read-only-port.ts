import type { Server } from "node:http";
import { createKubeletServer } from "../api/kubelet/server.ts";
import { PodrunError } from "../base/errors.ts";
import { VERSION } from "../base/version.ts";
import type { Node, Pods } from "../pod/index.ts";
import { UsageSampler } from "../pod/sample-usage.ts";

/** The kubelet's own default, 10255, is for whoever asks for it: without PODRUN_READ_ONLY_PORT, or with 0, there is none. */
const VARIABLE = "PODRUN_READ_ONLY_PORT";

/** Serves the kubelet's read-only endpoints where they were asked for. Throws StateUnavailable when the port is taken, TypeError for what is no port. */
export async function serveReadOnlyPort(
  node: Node,
  pods: Pods,
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ close(): void }> {
  const port = readPort(env[VARIABLE]);
  if (port === 0) return { close: () => undefined };
  const { config, facts, runtime, timers, meter } = node;
  const sampler = new UsageSampler(() => runtime.stats(), timers);
  const server = createKubeletServer({ config, facts, pods, sampler, meter, version: VERSION });
  await listenOn(server, port);
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === "") return 0;
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new TypeError(`${VARIABLE} is "${text}": want a port number, such as 10255, or 0 for none`);
}

function listenOn(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", (cause: NodeJS.ErrnoException) =>
      reject(
        new PodrunError(
          "StateUnavailable",
          `the read-only port 127.0.0.1:${port} can't be listened on: ${cause.code}; free it, or set ${VARIABLE} to another one, or to 0 for none`,
          { details: { port, errno: cause.code }, cause },
        ),
      ),
    );
    server.listen(port, "127.0.0.1");
  });
}
