// How a deletion is meant: from the query, or from a DeleteOptions body as clients of the API server send it.
import type { IncomingMessage } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { count, isDryRun, readJson, type Target } from "./request.ts";

export interface DeleteOptions {
  /** Undefined: the object's own. */
  readonly gracePeriodSeconds?: number;
  readonly dryRun: boolean;
}

/** Throws BadRequest. */
export async function readDeleteOptions(request: IncomingMessage, { query }: Target): Promise<DeleteOptions> {
  const hasBody =
    (request.headers["content-length"] ?? "0") !== "0" || request.headers["transfer-encoding"] !== undefined;
  const body = deleteOptionsIn(hasBody ? await readJson(request) : undefined);
  const asked = count(query, "gracePeriodSeconds");
  return { ...body, ...(asked !== undefined && { gracePeriodSeconds: asked }), dryRun: body.dryRun || isDryRun(query) };
}

/** Throws BadRequest. */
export function deleteOptionsIn(body: unknown): DeleteOptions {
  const { gracePeriodSeconds: grace = null, dryRun } = isJsonObject(body) ? body : {};
  const isDry = Array.isArray(dryRun) && dryRun.includes("All");
  if (grace === null) return { dryRun: isDry };
  if (!Number.isInteger(grace) || (grace as number) < 0)
    throw new PodrunError(
      "BadRequest",
      `gracePeriodSeconds is ${JSON.stringify(grace)}: want a whole number, 0 or more`,
    );
  return { gracePeriodSeconds: grace as number, dryRun: isDry };
}
