// `…/pods/NAME/resize`: cpu and memory of containers of a pod that runs (KEP-1287).
import type { IncomingMessage, ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { isJsonObject } from "../base/json.ts";
import { applyPatch, patchType } from "./apply-patch.ts";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { isDryRun, readJson, sendJson, type Target } from "./request.ts";
import { shown } from "./shown.ts";

/** Undefined: there is no such method here. */
export function routeResize(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  namespace: string,
  name: string,
): void | Promise<void> {
  if (request.method === "GET") return sendJson(response, 200, shown(context.pods.get(namespace, name)));
  if (request.method === "PUT" || request.method === "PATCH")
    return resizePod(context, request, response, target, namespace, name);
}

/** Of the body the spec is taken, and what metadata says of which object is meant. Throws InvalidObject for what no resize may change. */
async function resizePod(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  namespace: string,
  name: string,
): Promise<void> {
  const type = request.method === "PATCH" ? patchType(request) : undefined;
  const body = await readJson(request);
  // From here to the replacement nothing is waited for: nobody comes between.
  const before = context.pods.get(namespace, name);
  const wanted = type === undefined ? body : applyPatch(type, before, body);
  if (isDeepStrictEqual(wanted, before)) return sendJson(response, 200, shown(before));
  const status = isJsonObject(wanted) ? { ...wanted, status: before.status } : wanted;
  const pod = decodeInto("Pod", status, namespace, name);
  const options = { resize: true, dryRun: isDryRun(target.query) };
  sendJson(response, 200, shown(await context.pods.replace(pod, options)));
}
