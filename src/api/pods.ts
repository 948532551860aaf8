// The pods resource: create, read, replace, delete.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { decodePod } from "../spec/decode.ts";
import type { Pod } from "../spec/pod.ts";
import type { ApiContext } from "./context.ts";
import { count, flag, readJson, sendJson, type Target } from "./request.ts";
import { podFilter } from "./selectors.ts";

/** `GET …/pods`, in one namespace or (undefined) in all. */
export function listPods(
  context: ApiContext,
  response: ServerResponse,
  namespace: string | undefined,
  target: Target,
): void {
  const filter = podFilter(namespace, target.query);
  const resourceVersion = target.query.get("resourceVersion") ?? undefined;
  if (flag(target.query, "watch")) {
    if (resourceVersion !== undefined && !/^\d*$/.test(resourceVersion))
      throw new PodrunError("BadRequest", `resourceVersion is "${resourceVersion}": want the one that a list gave`);
    context.hub.serve(response, { filter, resourceVersion, timeoutSeconds: count(target.query, "timeoutSeconds") });
    return;
  }
  const items = context.pods.list(namespace === undefined ? {} : { namespace }).filter(filter);
  const metadata = { resourceVersion: context.hub.resourceVersion() };
  sendJson(response, 200, { kind: "PodList", apiVersion: "v1", metadata, items });
}

export async function createPod(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  target: Target,
): Promise<void> {
  const pod = decodeInto(await readJson(request), namespace);
  const dryRun = isDryRun(target.query);
  sendJson(response, 201, await context.pods.create(pod, { dryRun }));
}

export async function replacePod(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  name: string,
): Promise<void> {
  const pod = decodeInto(await readJson(request), namespace, name);
  sendJson(response, 200, await context.pods.replace(pod));
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
  const body = await readJson(request);
  const value = typeof body === "object" && body !== null ? Reflect.get(body, "gracePeriodSeconds") : undefined;
  if (value === undefined || value === null) return;
  if (!Number.isInteger(value) || (value as number) < 0)
    throw new PodrunError(
      "BadRequest",
      `gracePeriodSeconds is ${JSON.stringify(value)}: want a whole number, 0 or more`,
    );
  return value as number;
}

/** Decodes a body for the path it was sent to: a namespace or name that is absent is the path's, another one is refused. */
function decodeInto(raw: unknown, namespace: string, name?: string): Pod {
  const pod = decodePod(withNamespace(raw, namespace));
  if (pod.metadata.namespace !== namespace)
    throw new PodrunError(
      "BadRequest",
      `the namespace of the provided object does not match the namespace sent on the request: "${pod.metadata.namespace}" and "${namespace}"`,
    );
  if (name !== undefined && pod.metadata.name !== name)
    throw new PodrunError(
      "BadRequest",
      `the name of the object (${pod.metadata.name}) does not match the name on the URL (${name})`,
    );
  return pod;
}

function withNamespace(raw: unknown, namespace: string): unknown {
  if (typeof raw !== "object" || raw === null) return raw;
  const metadata: unknown = Reflect.get(raw, "metadata");
  if (typeof metadata !== "object" || metadata === null || Reflect.get(metadata, "namespace") !== undefined) return raw;
  return { ...raw, metadata: { ...metadata, namespace } };
}

function isDryRun(query: URLSearchParams): boolean {
  const value = query.get("dryRun");
  if (value === null || value === "") return false;
  if (value === "All") return true;
  throw new PodrunError("BadRequest", `query parameter dryRun is "${value}": want All`);
}
