// `…/pods/NAME/eviction`: a pod has to go for what is no fault of its own, as `kubectl drain` asks it (policy/v1 Eviction).
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import type { ApiContext } from "./context.ts";
import { deleteOptionsIn } from "./delete-options.ts";
import { isDryRun, readJson, sendJson, type Target } from "./request.ts";

/** Undefined: there is no such method here. There are no disruption budgets, so nobody is held back. */
export function routeEviction(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
): Promise<void> | undefined {
  return request.method === "POST" ? evictPod(context, request, response, target) : undefined;
}

/** Throws BadRequest for a body that names another pod, NotFound. */
async function evictPod(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  { path, query }: Target,
): Promise<void> {
  const [, , , namespace = "", , name = ""] = path;
  const body = await readJson(request);
  if (!isJsonObject(body) || body["kind"] !== "Eviction")
    throw new PodrunError(
      "BadRequest",
      "the request's body is no Eviction: want kind: Eviction, apiVersion: policy/v1",
    );
  const { metadata, deleteOptions } = body;
  const named = isJsonObject(metadata) ? (metadata["name"] ?? name) : name;
  if (named !== name)
    throw new PodrunError(
      "BadRequest",
      `the name of the object (${String(named)}) does not match the name on the URL (${name})`,
    );
  const options = deleteOptionsIn(deleteOptions);
  const dryRun = options.dryRun || isDryRun(query);
  await context.pods.requestEviction(namespace, name, { ...options, dryRun });
  sendJson(response, 201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success" });
}
