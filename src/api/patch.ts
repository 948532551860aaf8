// PATCH of an object: a JSON merge patch (RFC 7396), a JSON patch (RFC 6902), or a strategic merge patch, as kubectl sends them.
import type { IncomingMessage, ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import type { KubeObject } from "../spec/pod.ts";
import { getObject, type ObjectPlace, replaceObject } from "./any-object.ts";
import { applyManifest, isApply } from "./apply-manifest.ts";
import { applyPatch, patchType } from "./apply-patch.ts";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { isDryRun, readJson, sendJson, type Target } from "./request.ts";
import { shown } from "./shown.ts";

/** A patch that changes nothing is no change. Throws what a replacement would: NotFound, Conflict, InvalidObject … */
export async function patchObject(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  place: ObjectPlace,
): Promise<void> {
  if (isApply(request)) return applyManifest(context, request, response, target, place);
  const type = patchType(request);
  const patch = await readJson(request);
  // From here to the replacement nothing is waited for: nobody comes between.
  const before = getObject(context, place);
  const merged = applyPatch(type, before, patch);
  if (isDeepStrictEqual(merged, before)) return sendJson(response, 200, shown(before));
  const wanted = decodeInto(place.kind, merged, place.namespace, place.name) as KubeObject;
  sendJson(response, 200, shown(await replaceObject(context, wanted, { dryRun: isDryRun(target.query) })));
}
