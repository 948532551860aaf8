// `…/pods/NAME/status`: what others know of a pod, as conditions of theirs (PodSpec.readinessGates).
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import type { PodCondition } from "../spec/pod.ts";
import type { ApiContext } from "./context.ts";
import { readJson, sendJson } from "./request.ts";
import { shown } from "./shown.ts";

type Fields = Readonly<Record<string, unknown>>;

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
  const body = await readJson(request);
  const status = isFields(body) ? body["status"] : undefined;
  const given: unknown = isFields(status) ? (status["conditions"] ?? []) : undefined;
  if (!Array.isArray(given)) throw new PodrunError("BadRequest", "status.conditions is no list");
  const conditions = given.map(readCondition);
  const isStrategic = request.headers["content-type"]?.startsWith("application/strategic-merge-patch+json") ?? false;
  const types = new Set(conditions.map(({ type }) => type));
  const before = context.pods.get(namespace, name).status.conditions ?? [];
  const kept = isStrategic ? before.filter(({ type }) => !types.has(type)) : [];
  sendJson(response, 200, shown(context.pods.setConditions(namespace, name, [...kept, ...conditions])));
}

const STATUSES: readonly unknown[] = ["True", "False", "Unknown"];

/** Throws BadRequest for what is no condition. Times are podrun's to write. */
function readCondition(given: unknown, index: number): PodCondition {
  const wrong = (text: string): PodrunError => new PodrunError("BadRequest", `status.conditions[${index}]${text}`);
  if (!isFields(given)) throw wrong(" is no object");
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

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
