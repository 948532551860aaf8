// The pods resource: create, read, replace, delete.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { readDeleteOptions } from "./delete-options.ts";
import { listJson } from "./json-of.ts";
import { isDryRun, readJson, sendJson, sendJsonText, type Target } from "./request.ts";
import { objectFilter } from "./selectors.ts";
import { sendPodTable, wantsTable } from "./table.ts";
import { serveWatch } from "./watch.ts";

/** `GET …/pods`, in one namespace or (undefined) in all: whole, or as a Table. */
export function listPods(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string | undefined,
  target: Target,
): void {
  const filter = objectFilter("Pod", namespace, target.query);
  if (serveWatch(context.hub, response, filter, target.query)) return;
  const items = context.pods.list(namespace === undefined ? {} : { namespace }).filter(filter);
  const resourceVersion = context.hub.resourceVersion();
  if (wantsTable(request)) sendPodTable(response, target, resourceVersion, items);
  else
    sendJsonText(response, 200, listJson({ kind: "PodList", apiVersion: "v1", metadata: { resourceVersion } }, items));
}

export async function createPod(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  target: Target,
): Promise<void> {
  const pod = decodeInto("Pod", await readJson(request), namespace);
  const dryRun = isDryRun(target.query);
  sendJson(response, 201, await context.pods.create(pod, { dryRun }));
}

export async function replacePod(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  name: string,
  target: Target,
): Promise<void> {
  const pod = decodeInto("Pod", await readJson(request), namespace, name);
  sendJson(response, 200, await context.pods.replace(pod, { dryRun: isDryRun(target.query) }));
}

/** Answers the pod as it goes, or would go. */
export async function deletePod(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  name: string,
  target: Target,
): Promise<void> {
  const { dryRun, ...options } = await readDeleteOptions(request, target);
  const { pods } = context;
  sendJson(response, 200, dryRun ? pods.get(namespace, name) : await pods.delete(namespace, name, options));
}
