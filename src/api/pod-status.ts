// `…/pods/NAME/status`: what others know of a pod, as conditions of theirs (PodSpec.readinessGates).
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import type { PodCondition } from "../spec/pod.ts";
import { applyPatch, patchType } from "./apply-patch.ts";
import type { ApiContext } from "./context.ts";
import { isDryRun, parseTarget, readJson, sendJson } from "./request.ts";
import { shown } from "./shown.ts";

/** Undefined: there is no such method here. */
export function routePodStatus(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  name: string,
): void | Promise<void> {
  if (request.method === "GET") return sendJson(response, 200, shown(context.pods.get(namespace, name)));
  if (request.method === "PUT" || request.method === "PATCH")
    return writeConditions(context, request, response, namespace, name);
}

/** Of the body only `status.conditions` is taken, and of these only what podrun does not work out by itself. */
async function writeConditions(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  namespace: string,
  name: string,
): Promise<void> {
  if (isDryRun(parseTarget(request).query)) throw new PodrunError("BadRequest", "status has no dry run");
  const type = request.method === "PATCH" ? patchType(request) : undefined;
  const body = await readJson(request);
  const before = context.pods.get(namespace, name);
  const wanted = type === undefined ? body : applyPatch(type, before, body);
  const status = isJsonObject(wanted) ? wanted["status"] : undefined;
  const given: unknown = isJsonObject(status) ? (status["conditions"] ?? []) : undefined;
  if (!Array.isArray(given)) throw new PodrunError("BadRequest", "status.conditions is no list");
  sendJson(response, 200, shown(context.pods.setConditions(namespace, name, given.map(readCondition))));
}

const STATUSES: readonly unknown[] = ["True", "False", "Unknown"];

/** Throws BadRequest for what is no condition. Times are podrun's to write. */
function readCondition(given: unknown, index: number): PodCondition {
  const wrong = (text: string): PodrunError => new PodrunError("BadRequest", `status.conditions[${index}]${text}`);
  if (!isJsonObject(given)) throw wrong(" is no object");
  const { type, status, reason, message } = given;
  if (typeof type !== "string" || !/^[A-Za-z0-9][-A-Za-z0-9_./]{0,315}$/.test(type))
    throw wrong(".type: want a condition's name, such as example.com/ready");
  if (!STATUSES.includes(status)) throw wrong(".status: want True, False or Unknown");
  for (const [field, value] of Object.entries({ reason, message }))
    if (value !== undefined && value !== null && typeof value !== "string") throw wrong(`.${field}: want a text`);
  return {
    type,
    status: status as PodCondition["status"],
    ...(typeof reason === "string" && { reason }),
    ...(typeof message === "string" && { message }),
  };
}
