// The pods resource: create, read, replace, delete.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { listJson } from "./json-of.ts";
import { count, isDryRun, readJson, sendJson, sendJsonText, type Target } from "./request.ts";
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

/** gracePeriodSeconds comes from the query or from a DeleteOptions body, as clients of the API server do. */
export async function deletePod(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  name: string,
  target: Target,
): Promise<void> {
  const asked = count(target.query, "gracePeriodSeconds") ?? (await gracePeriodOfBody(request));
  const options = asked === undefined ? {} : { gracePeriodSeconds: asked };
  sendJson(response, 200, await context.pods.delete(namespace, name, options));
}

async function gracePeriodOfBody(request: IncomingMessage): Promise<number | undefined> {
  if ((request.headers["content-length"] ?? "0") === "0" && request.headers["transfer-encoding"] === undefined) return;
  return gracePeriodIn(await readJson(request));
}

/** Of DeleteOptions. Throws BadRequest. */
export function gracePeriodIn(body: unknown): number | undefined {
  const value = typeof body === "object" && body !== null ? Reflect.get(body, "gracePeriodSeconds") : undefined;
  if (value === undefined || value === null) return;
  if (!Number.isInteger(value) || (value as number) < 0)
    throw new PodrunError(
      "BadRequest",
      `gracePeriodSeconds is ${JSON.stringify(value)}: want a whole number, 0 or more`,
    );
  return value as number;
}
