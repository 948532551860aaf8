// PATCH of an object: a JSON merge patch (RFC 7396), a JSON patch (RFC 6902), or a strategic merge patch, as kubectl sends them.
import type { IncomingMessage, ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import type { KindName } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";
import { applyPatch, patchType } from "./apply-patch.ts";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { isDryRun, readJson, sendJson, type Target } from "./request.ts";
import { shown } from "./shown.ts";

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
  const type = patchType(request);
  const patch = await readJson(request);
  // From here to the replacement nothing is waited for: nobody comes between.
  const { pods, objects, node } = context;
  const before: KubeObject =
    kind === "Pod" ? pods.get(namespace, name) : kind === "Node" ? node.get(name) : objects.get(kind, namespace, name);
  const merged = applyPatch(type, before, patch);
  const options = { dryRun: isDryRun(target.query) };
  if (isDeepStrictEqual(merged, before)) return sendJson(response, 200, shown(before));
  const wanted = decodeInto(kind, merged, namespace, name) as KubeObject;
  const after =
    wanted.kind === "Pod"
      ? await pods.replace(wanted, options)
      : wanted.kind === "Node"
        ? node.replace(wanted, options)
        : objects.replace(wanted, { ...options, exact: true });
  sendJson(response, 200, shown(after));
}
