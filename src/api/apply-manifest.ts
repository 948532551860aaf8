// PATCH with a whole manifest: makes the object, or makes it what the manifest says (Kubernetes, "Server-Side Apply", always with force).
import type { IncomingMessage, ServerResponse } from "node:http";
import { isDeepStrictEqual } from "node:util";
import { PodrunError } from "../base/errors.ts";
import { isJsonObject, jsonCopy } from "../base/json.ts";
import { type FieldSet, recordApplied } from "../spec/metadata.ts";
import type { KubeObject } from "../spec/pod.ts";
import { createObject, findObject, type ObjectPlace, replaceObject } from "./any-object.ts";
import { fieldsOf, mergeApplied } from "./apply-merge.ts";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { isDryRun, readJson, sendJson, type Target } from "./request.ts";
import { shown } from "./shown.ts";

/** JSON is YAML. */
export const isApply = (request: IncomingMessage): boolean =>
  /^application\/apply-patch\+yaml *(;|$)/i.test(request.headers["content-type"] ?? "");

/** Answers 201 for a new object. Throws what a creation or a replacement would. */
export async function applyManifest(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  place: ObjectPlace,
): Promise<void> {
  const given = await readJson(request);
  if (!isJsonObject(given)) throw new PodrunError("BadRequest", "the manifest is no JSON object");
  const manifest = withoutStringData(given);
  const applied = unlessTooDeep(() => fieldsOf(ownedPart(manifest)));
  const dryRun = isDryRun(target.query);
  const { kind, namespace, name } = place;
  // From here to the change nothing is waited for: nobody comes between.
  const before = findObject(context, place);
  if (before === undefined) {
    const object = decodeInto(kind, manifest, namespace, name) as KubeObject;
    const metadata = { ...object.metadata, managedFields: recordApplied(applied) };
    return sendJson(
      response,
      201,
      shown(await createObject(context, { ...object, metadata } as KubeObject, { dryRun })),
    );
  }
  const merged = unlessTooDeep(() => mergeApplied(before, manifest, before.metadata.managedFields?.[0]?.fieldsV1));
  const wanted = decodeInto(kind, merged, namespace, name) as KubeObject;
  const after = isSame(before, wanted, applied) ? before : await replaceObject(context, wanted, { dryRun, applied });
  sendJson(response, 200, shown(after));
}

/** Throws BadRequest where there is no stack left for what goes down into a manifest. */
function unlessTooDeep<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new PodrunError("BadRequest", "the manifest is nested too deeply", { cause });
    throw cause;
  }
}

/** Of metadata a manifest has labels and annotations to itself; the rest names the object, or is the daemon's. */
function ownedPart({ apiVersion: _, kind: __, status: ___, metadata, ...rest }: Manifest): Manifest {
  if (!isJsonObject(metadata)) return rest;
  const { labels, annotations } = metadata;
  return {
    ...rest,
    metadata: { ...(isJsonObject(labels) && { labels }), ...(isJsonObject(annotations) && { annotations }) },
  };
}

type Manifest = Readonly<Record<string, unknown>>;

/** Of a Secret: what it says is kept as data, so a key that a later manifest has no longer can be found there. */
function withoutStringData(manifest: Manifest): Manifest {
  const { stringData, data, ...rest } = manifest;
  if (manifest["kind"] !== "Secret" || !isJsonObject(stringData)) return manifest;
  const encode = (text: unknown): unknown =>
    typeof text === "string" ? Buffer.from(text, "utf8").toString("base64") : text;
  const words = Object.entries(stringData).map(([key, text]) => [key, encode(text)] as const);
  return { ...rest, data: { ...(isJsonObject(data) ? data : {}), ...Object.fromEntries(words) } };
}

/** Whether nothing would be another: neither the object nor what is on record of its manifest. */
function isSame(before: KubeObject, wanted: KubeObject, applied: FieldSet): boolean {
  if (!isDeepStrictEqual(before.metadata.managedFields?.[0]?.fieldsV1, applied)) return false;
  const { labels, annotations } = wanted.metadata;
  const merged = { ...wanted, metadata: { ...before.metadata, labels, annotations } };
  return isDeepStrictEqual(jsonCopy({ ...merged, status: undefined }), jsonCopy({ ...before, status: undefined }));
}
