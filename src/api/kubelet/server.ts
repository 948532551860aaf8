// The kubelet's read-only endpoints: plain HTTP without accounts, on the host's loopback only, and only where it was asked for.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { hostname } from "node:os";
import { metrics, resourceMetrics } from "./metrics.ts";
import { machineInfo } from "./spec.ts";
import { summary } from "./summary.ts";
import type { KubeletOptions } from "./types.ts";

const JSON_TYPE = "application/json";
const TEXT = "text/plain; charset=utf-8";
const METRICS = "text/plain; version=0.0.4; charset=utf-8";

type Endpoint = readonly [type: string, read: (options: KubeletOptions) => unknown];

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/healthz": [TEXT, () => "ok"],
  "/pods": [JSON_TYPE, ({ pods }) => ({ kind: "PodList", apiVersion: "v1", metadata: {}, items: pods.list() })],
  "/spec": [JSON_TYPE, machineInfo],
  "/metrics": [METRICS, metrics],
  "/metrics/resource": [METRICS, resourceMetrics],
  "/stats/summary": [JSON_TYPE, summary],
};

/** Not listening yet. */
export function createKubeletServer(options: KubeletOptions): Server {
  // Anybody of the machine may connect: who is slow is cut off.
  const limits = { requestTimeout: 10_000, headersTimeout: 10_000, keepAliveTimeout: 5000, maxHeaderSize: 8192 };
  const server = createServer(limits, (request, response) => void answer(options, request, response));
  server.maxConnections = 100;
  return server;
}

async function answer(options: KubeletOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? "/").split("?")[0]?.replace(/(.)\/$/, "$1") ?? "/";
  const endpoint = Object.hasOwn(ENDPOINTS, path) ? ENDPOINTS[path] : undefined;
  if (!isOwnName(request.headers.host)) return send(response, 403, TEXT, "want 127.0.0.1 or localhost as the host\n");
  if (endpoint === undefined)
    return send(response, 404, TEXT, `404 page not found; there are ${Object.keys(ENDPOINTS).join(", ")}\n`);
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    return send(response, 405, TEXT, "405 method not allowed: these endpoints are read-only\n");
  }
  const [type, read] = endpoint;
  try {
    const value = await read(options);
    send(response, 200, type, typeof value === "string" ? value : JSON.stringify(value));
  } catch (error) {
    send(response, 500, TEXT, `${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** A page in a browser of this machine must not read the pods through a name of its own that leads here (DNS rebinding). */
function isOwnName(host: string | undefined): boolean {
  const name = (host ?? "").replace(/:\d+$/, "").toLowerCase();
  return ["127.0.0.1", "localhost", hostname().toLowerCase()].includes(name);
}

function send(response: ServerResponse, code: number, type: string, text: string): void {
  response.writeHead(code, { "content-type": type, "content-length": Buffer.byteLength(text) });
  // Node leaves the body out for HEAD.
  response.end(text);
}
