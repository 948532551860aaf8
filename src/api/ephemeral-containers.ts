// `…/pods/NAME/ephemeralcontainers`: containers to look into a pod that runs (core/v1, PodSpec.ephemeralContainers).
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import type { Pod } from "../spec/pod.ts";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { readJson, sendJson } from "./request.ts";
import { shown } from "./shown.ts";

/** Undefined: there is no such method here. */
export function routeEphemeral(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  name: string,
): void | Promise<void> {
  if (request.method === "GET") return sendJson(response, 200, shown(context.pods.get(namespace, name)));
  if (request.method === "PUT" || request.method === "PATCH")
    return addContainers(context, request, response, namespace, name);
}

/** Of the body only `spec.ephemeralContainers` is taken. Throws InvalidObject for one that is missing or another than it was. */
async function addContainers(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  name: string,
): Promise<void> {
  const body = await readJson(request);
  const spec = isJsonObject(body) ? body["spec"] : undefined;
  const given: unknown = isJsonObject(spec) ? (spec["ephemeralContainers"] ?? []) : undefined;
  if (!Array.isArray(given)) throw new PodrunError("BadRequest", "spec.ephemeralContainers is no list");
  // From here to the replacement nothing is waited for: nobody comes between.
  const before = context.pods.get(namespace, name);
  const isStrategic = request.headers["content-type"]?.startsWith("application/strategic-merge-patch+json") ?? false;
  const ephemeralContainers = isStrategic ? mergeByName(before, given) : given;
  const { uid, resourceVersion } = metadataOf(body);
  const wanted = {
    ...before,
    metadata: { ...before.metadata, ...(uid && { uid }), resourceVersion: resourceVersion || "" },
    spec: { ...before.spec, ephemeralContainers },
  };
  const pod = decodeInto("Pod", wanted, namespace, name);
  sendJson(response, 200, shown(await context.pods.replace(pod, { ephemeralContainers: true })));
}

/** A strategic merge patch names containers by their names, and leaves the others alone (patchMergeKey). */
function mergeByName({ spec }: Pod, given: readonly unknown[]): readonly unknown[] {
  const names = new Set(given.map((one) => (isJsonObject(one) ? one["name"] : undefined)));
  return [...(spec.ephemeralContainers ?? []).filter((one) => !names.has(one.name)), ...given];
}

function metadataOf(body: unknown): { readonly uid?: string; readonly resourceVersion?: string } {
  const metadata = isJsonObject(body) ? body["metadata"] : undefined;
  const text = (key: string): string =>
    isJsonObject(metadata) && typeof metadata[key] === "string" ? metadata[key] : "";
  return { uid: text("uid"), resourceVersion: text("resourceVersion") };
}
