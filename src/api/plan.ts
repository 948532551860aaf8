// podrun's own: what a pod's start would do, and what its last start did.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import type { PlanSources } from "../pod/types.ts";
import { decodePod } from "../spec/decode.ts";
import type { ApiContext } from "./context.ts";
import { readJson, sendJson } from "./request.ts";

/** `POST /podrun/v1/plan`: nothing is executed. */
export async function planPods(context: ApiContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await readJson(request);
  const rawPods: unknown = typeof body === "object" && body !== null ? Reflect.get(body, "pods") : undefined;
  if (!Array.isArray(rawPods) || rawPods.length === 0)
    throw new PodrunError("BadRequest", 'the body has no pods: want {"pods": [POD, …], "sources": …}');
  const sources = Reflect.get(body as object, "sources") as PlanSources | undefined;
  const operations = await context.pods.plan(
    rawPods.map((raw) => decodePod(raw)),
    sources,
  );
  sendJson(response, 200, { operations });
}

/** `GET …/trace`: times are decimal strings, for CLOCK_MONOTONIC nanoseconds outgrow a JSON number. */
export function tracePod(context: ApiContext, response: ServerResponse, namespace: string, name: string): void {
  const operations = context.pods.trace(namespace, name).map((operation) => ({
    ...operation,
    start: operation.start.toString(),
    end: operation.end.toString(),
  }));
  sendJson(response, 200, { operations });
}
