// What a patch makes of an object, by the kind of patch that the request's content type names.
import type { IncomingMessage } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { jsonPatch } from "./json-patch.ts";
import { strategicMerge } from "./strategic-merge.ts";

const PATCHES: Readonly<Record<string, (target: unknown, patch: unknown) => unknown>> = {
  "application/merge-patch+json": (target, patch) => mergePatch(target, object(patch)),
  "application/strategic-merge-patch+json": (target, patch) => strategicMerge(target, object(patch)),
  "application/json-patch+json": jsonPatch,
};

/** The kind of patch that a request brings. Throws UnsupportedMediaType for another one. */
export function patchType(request: IncomingMessage): string {
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (Object.hasOwn(PATCHES, type)) return type;
  throw new PodrunError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format (${type || "no content type"}): want ${Object.keys(PATCHES).join(", ")}`,
    { details: { type } },
  );
}

/** The object with the patch applied; neither is changed. Throws BadRequest, InvalidObject (a JSON patch that does not fit). */
export function applyPatch(type: string, target: unknown, patch: unknown): unknown {
  try {
    return PATCHES[type]?.(target, patch);
  } catch (cause) {
    if (cause instanceof RangeError) throw new PodrunError("BadRequest", "the patch is nested too deeply", { cause });
    throw cause;
  }
}

function object(patch: unknown): unknown {
  if (!isJsonObject(patch)) throw new PodrunError("BadRequest", "the patch is no JSON object");
  return patch;
}

/** RFC 7396, section 2: null takes a member away, objects are merged, everything else replaces what was there. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isJsonObject(patch)) return patch;
  // A Map, because a member may be called __proto__.
  const merged = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}
