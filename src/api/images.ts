// Images that are here: list, inspect, name, remove.
import type { IncomingMessage, ServerResponse } from "node:http";
import { readFields, required } from "./body.ts";
import type { ApiContext } from "./context.ts";
import { flag, readJson, sendJson, type Target } from "./request.ts";

export function listImages(context: ApiContext, response: ServerResponse): void {
  sendJson(response, 200, { items: context.images.list() });
}

export async function inspectImage(context: ApiContext, response: ServerResponse, target: Target): Promise<void> {
  const reference = required(target.query.get("reference"), "query parameter reference");
  sendJson(response, 200, await context.images.inspect(reference));
}

export async function tagImage(context: ApiContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { source, target } = readFields(await readJson(request), { source: "string", target: "string" });
  await context.images.tag(required(source, "source"), required(target, "target"));
  sendJson(response, 200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" });
}

export async function removeImage(context: ApiContext, response: ServerResponse, target: Target): Promise<void> {
  const reference = required(target.query.get("reference"), "query parameter reference");
  sendJson(response, 200, await context.images.remove(reference, { force: flag(target.query, "force") }));
}

/** `untilSeconds`: images that were used in this time stay. */
export async function pruneImages(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const fields = readFields(await readJson(request), { all: "boolean", untilSeconds: "count", dryRun: "boolean" });
  const { all = false, untilSeconds, dryRun = false } = fields;
  const before = untilSeconds === undefined ? undefined : Date.now() - untilSeconds * 1000;
  sendJson(response, 200, await context.images.prune({ all, before, dryRun }));
}
