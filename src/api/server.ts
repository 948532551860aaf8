// The daemon's API over HTTP: which path and method calls which file. It translates and decides nothing; docs/api.md lists it.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { ApiContext, ApiOptions, Routes } from "./context.ts";
import { routeEphemeral } from "./ephemeral-containers.ts";
import { listEvents, makeEventHub } from "./events.ts";
import { routeEviction } from "./eviction.ts";
import { serveAttach, serveExec } from "./exec.ts";
import { serveFiles } from "./files.ts";
import { IMAGE_ROUTES } from "./images-routes.ts";
import { serveLog } from "./log.ts";
import { serveMetrics } from "./metrics.ts";
import { makeNodeHub, serveNodes } from "./nodes.ts";
import { makeObjectHubs, type ObjectPath, objectPathOf, serveObjects } from "./objects.ts";
import { patchObject } from "./patch.ts";
import { planPods, tracePod } from "./plan.ts";
import { routePodStatus } from "./pod-status.ts";
import { createPod, deletePod, listPods, replacePod } from "./pods.ts";
import { servePortForward } from "./port-forward.ts";
import { parseTarget, sendError, sendJson, sendStatus, sendText, type Target } from "./request.ts";
import { routeResize } from "./resize.ts";
import { pathStatus, type Status, toStatus } from "./status.ts";
import { systemCheck, systemInfo, systemRepair, systemShutdown, version } from "./system.ts";
import { WatchHub } from "./watch.ts";

export interface ApiServer {
  /** Not listening yet: the daemon gives it its socket (bound or from systemd). */
  readonly server: Server;
  /** Ends watches, takes no new connection, and resolves when the last answer is out; open execs are cut off. */
  close(): Promise<void>;
}

/** Makes the API's server onto the pod layer. */
export function createApiServer(options: ApiOptions): ApiServer {
  const hubs = {
    hub: new WatchHub(options.pods),
    objectHubs: makeObjectHubs(options.objects),
    eventHub: makeEventHub(options.pods),
    nodeHub: makeNodeHub(options.node),
  };
  const closing = new AbortController();
  const context: ApiContext = { ...options, ...hubs, closing: closing.signal };
  const upgraded = new Set<Duplex>();
  // The socket is root's own: no slow-client timeouts, which cost a timer a connection.
  const server = createServer({ requestTimeout: 0, headersTimeout: 0, connectionsCheckingInterval: 2 ** 31 - 1 });
  server.on("request", (request, response) => void answer(context, request, response));
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.on("close", () => upgraded.delete(socket));
    // An upgraded socket has lost Node's own listener: without one, a client that dies would take the daemon with it.
    socket.on("error", () => socket.destroy());
    void upgrade(context, request, socket, head);
  });
  return {
    server,
    close: async () => {
      for (const hub of [context.hub, context.eventHub, context.nodeHub, ...Object.values(context.objectHubs)])
        hub.close();
      closing.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      for (const socket of upgraded) socket.destroy();
      await closed;
    },
  };
}

async function answer(context: ApiContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  let target: Target | undefined;
  try {
    target = parseTarget(request);
    await route(context, request, response, target);
  } catch (error) {
    sendError(response, error, target);
  }
}

async function route(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
): Promise<void> {
  const objects = objectPathOf(target.path);
  if (objects !== undefined) return routeObjects(context, request, response, target, objects);
  const [first, second, third, fourth] = target.path;
  if (first === "api" && second === "v1" && third === "namespaces" && fourth !== undefined && target.path.length > 4)
    return routeNamespace(context, request, response, target, fourth);
  if (first === "apis" && second === "metrics.k8s.io") return routeMetrics(context, response, target);
  const method = target.method;
  const handlers = SINGLE_PATHS[`/${target.path.join("/")}`];
  if (handlers === undefined && first === "podrun" && third === "namespaces")
    return routePodrun(context, request, response, target);
  if (first === "api" && second === "v1" && third === "nodes" && target.path.length <= 4) {
    if (!(await serveNodes(context, request, response, target, fourth))) methodNotAllowed(response, target);
    return;
  }
  if (handlers === undefined) return notFound(response, target);
  const handler = handlers[method];
  if (handler === undefined) return methodNotAllowed(response, target);
  return handler(context, request, response, target);
}

const SINGLE_PATHS: Routes = {
  ...IMAGE_ROUTES,
  "/version": { GET: (context, _request, response) => version(context, response) },
  "/healthz": { GET: (_context, _request, response) => sendText(response, "ok") },
  "/api/v1/pods": {
    GET: (context, request, response, target) => listPods(context, request, response, undefined, target),
  },
  "/api/v1/events": { GET: (context, _request, response, target) => listEvents(context, response, undefined, target) },
  "/podrun/v1/plan": { POST: planPods },
  "/podrun/v1/system/info": { GET: (context, _request, response) => systemInfo(context, response) },
  "/podrun/v1/system/check": { GET: (context, _request, response) => systemCheck(context, response) },
  "/podrun/v1/system/repair": { POST: (context, _request, response) => systemRepair(context, response) },
  "/podrun/v1/system/shutdown": { POST: (context, _request, response) => systemShutdown(context, response) },
};

/** `/api/v1/namespaces/NS/…` */
function routeNamespace(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  namespace: string,
): void | Promise<void> {
  const [, , , , resource, name, verb] = target.path;
  const method = target.method;
  if (resource === "events" && name === undefined)
    return method === "GET" ? listEvents(context, response, namespace, target) : methodNotAllowed(response, target);
  if (resource !== "pods" || target.path.length > 7) return notFound(response, target);
  if (name === undefined) {
    if (method === "GET") return listPods(context, request, response, namespace, target);
    if (method === "POST") return createPod(context, request, response, namespace, target);
    return methodNotAllowed(response, target);
  }
  if (verb === undefined) {
    if (method === "GET") return sendJson(response, 200, context.pods.get(namespace, name));
    if (method === "PUT") return replacePod(context, request, response, namespace, name, target);
    if (method === "PATCH") return patchObject(context, request, response, target, { kind: "Pod", namespace, name });
    if (method === "DELETE") return deletePod(context, request, response, namespace, name, target);
    return methodNotAllowed(response, target);
  }
  if (verb === "ephemeralcontainers")
    return routeEphemeral(context, request, response, namespace, name) ?? methodNotAllowed(response, target);
  if (verb === "eviction")
    return routeEviction(context, request, response, target) ?? methodNotAllowed(response, target);
  if (verb === "resize")
    return routeResize(context, request, response, target, namespace, name) ?? methodNotAllowed(response, target);
  if (verb === "status")
    return routePodStatus(context, request, response, namespace, name) ?? methodNotAllowed(response, target);
  if (verb === "log") {
    if (method === "GET") return serveLog(context, response, namespace, name, target);
    return methodNotAllowed(response, target);
  }
  if (Object.hasOwn(UPGRADES, verb))
    return sendStatus(response, {
      ...pathStatus(404, `${verb} needs a WebSocket: Upgrade request required`),
      code: 400,
    });
  return notFound(response, target);
}

async function routeObjects(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  path: ObjectPath,
): Promise<void> {
  if (!(await serveObjects(context, request, response, target, path))) methodNotAllowed(response, target);
}

/** `/apis/metrics.k8s.io/v1beta1/…` */
async function routeMetrics(context: ApiContext, response: ServerResponse, target: Target): Promise<void> {
  if (target.method !== "GET") methodNotAllowed(response, target);
  else if (!(await serveMetrics(context, response, target))) notFound(response, target);
}

/** `/podrun/v1/namespaces/NS/pods/NAME/(trace|files)` */
async function routePodrun(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
): Promise<void> {
  const [, version, , namespace = "", resource, name = "", verb] = target.path;
  const known = version === "v1" && resource === "pods" && target.path.length === 7;
  if (known && verb === "files") {
    if (!(await serveFiles(context, request, response, target, { namespace, name })))
      methodNotAllowed(response, target);
  } else if (!known || verb !== "trace") notFound(response, target);
  else if (target.method !== "GET") methodNotAllowed(response, target);
  else tracePod(context, response, namespace, name);
}

const UPGRADES: Readonly<Record<string, typeof serveExec>> = {
  exec: serveExec,
  attach: serveAttach,
  portforward: servePortForward,
};

/** What goes wrong before the stream is there is answered as plain HTTP, with its Status. */
async function upgrade(context: ApiContext, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
  try {
    const target = parseTarget(request);
    const [api, v1, namespaces, namespace, pods, name, verb] = target.path;
    const isPod = api === "api" && v1 === "v1" && namespaces === "namespaces" && pods === "pods";
    const serve = verb !== undefined && Object.hasOwn(UPGRADES, verb) ? UPGRADES[verb] : undefined;
    if (!isPod || namespace === undefined || name === undefined || serve === undefined || target.path.length !== 7)
      return refuse(socket, pathStatus(404, `the server could not find the requested resource: ${request.url ?? ""}`));
    await serve(context, { request, socket, head, namespace, name, query: target.query });
  } catch (error) {
    refuse(socket, toStatus(error, { kind: "pods" }));
  }
}

function refuse(socket: Duplex, status: Status & { readonly code: number }): void {
  if (!socket.writable) return;
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code} ${status.reason ?? "Error"}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function notFound(response: ServerResponse, target: Target): void {
  const path = `/${target.path.join("/")}`;
  sendStatus(response, pathStatus(404, `the server could not find the requested resource: ${path}`));
}

function methodNotAllowed(response: ServerResponse, target: Target): void {
  const path = `/${target.path.join("/")}`;
  sendStatus(
    response,
    pathStatus(405, `the server does not allow this method on the requested resource: ${target.method} ${path}`),
  );
}
