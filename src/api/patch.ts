// PATCH of an object: a JSON merge patch (RFC 7396), as `kubectl patch --type=merge` sends it.
import type { IncomingMessage, ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { PodrunError } from "../base/errors.ts";
import type { KindName } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { isDryRun, readJson, sendJson, sendStatus, type Target } from "./request.ts";
import { shown } from "./shown.ts";
import { pathStatus } from "./status.ts";

const MERGE_PATCH = "application/merge-patch+json";

export interface PatchPath {
  readonly kind: KindName;
  readonly namespace: string;
  readonly name: string;
}

/** A patch that changes nothing is no change. Throws what a replacement would: NotFound, Conflict, InvalidObject … */
export async function patchObject(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  { kind, namespace, name }: PatchPath,
): Promise<void> {
  const type = request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== MERGE_PATCH) {
    const message = `the body of the request was in an unknown format (${type || "no content type"}): want ${MERGE_PATCH}`;
    return sendStatus(response, { ...pathStatus(405, message), code: 415, reason: "UnsupportedMediaType" });
  }
  const patch = await readJson(request);
  if (!isFields(patch)) throw new PodrunError("BadRequest", "the patch is no JSON object");
  // From here to the replacement nothing is waited for: nobody comes between.
  const { pods, objects } = context;
  const before: KubeObject = kind === "Pod" ? pods.get(namespace, name) : objects.get(kind, namespace, name);
  const merged = applyPatch(before, patch);
  const options = { dryRun: isDryRun(target.query) };
  if (isDeepStrictEqual(merged, before)) return sendJson(response, 200, shown(before));
  const wanted = decodeInto(kind, merged, namespace, name) as KubeObject;
  const after =
    wanted.kind === "Pod" ? await pods.replace(wanted, options) : objects.replace(wanted, { ...options, exact: true });
  sendJson(response, 200, shown(after));
}

function applyPatch(target: unknown, patch: unknown): unknown {
  try {
    return mergePatch(target, patch);
  } catch (cause) {
    if (cause instanceof RangeError) throw new PodrunError("BadRequest", "the patch is nested too deeply", { cause });
    throw cause;
  }
}

/** RFC 7396, section 2: null takes a member away, objects are merged, everything else replaces what was there. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  // A Map, because a member may be called __proto__.
  const merged = new Map(isFields(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
