// Resources of the kinds that are only kept (ConfigMaps, Secrets): create, read, replace, delete, list, watch.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { KeptKind, KeptObject, ObjectService } from "../pod/types.ts";
import { isClusterScoped, kindNames, kindOfPlural } from "../spec/kinds.ts";
import type { ApiContext } from "./context.ts";
import { decodeInto } from "./decode-body.ts";
import { readDeleteOptions } from "./delete-options.ts";
import { patchObject } from "./patch.ts";
import { isDryRun, readJson, sendJson, type Target } from "./request.ts";
import { objectFilter } from "./selectors.ts";
import { shown } from "./shown.ts";
import { serveWatch, WatchHub } from "./watch.ts";

export type ObjectHubs = Readonly<Record<KeptKind, WatchHub<KeptObject>>>;

/** The watches of each kind. */
export const makeObjectHubs = (objects: ObjectService): ObjectHubs => ({
  ConfigMap: hubOf(objects, "ConfigMap"),
  Namespace: hubOf(objects, "Namespace"),
  PersistentVolume: hubOf(objects, "PersistentVolume"),
  PersistentVolumeClaim: hubOf(objects, "PersistentVolumeClaim"),
  PriorityClass: hubOf(objects, "PriorityClass"),
  Secret: hubOf(objects, "Secret"),
  StorageClass: hubOf(objects, "StorageClass"),
});

function hubOf(objects: ObjectService, kind: KeptKind): WatchHub<KeptObject> {
  return new WatchHub({
    list: () => objects.list(kind).map(shown),
    watch: (listener) =>
      objects.watch((event) => event.object.kind === kind && listener({ ...event, object: shown(event.object) })),
    // Not what they hold: it may be megabytes, and nobody selects by it.
    remember: (object) => ({ ...object, data: undefined, binaryData: undefined }) as unknown as KeptObject,
  });
}

export interface ObjectPath {
  readonly kind: KeptKind;
  /** "": the kind lies in none. Undefined: of all namespaces, which can be listed only. */
  readonly namespace: string | undefined;
  /** Undefined: the kind's list. */
  readonly name?: string | undefined;
}

/**
 * What a path means: `/api/v1/secrets`, `/api/v1/namespaces/NS/secrets[/NAME]`, `/apis/GROUP/VERSION/…` of kinds that have a
 * group; undefined: it is not one of a kept kind.
 */
export function objectPathOf([api, ...rest]: readonly string[]): ObjectPath | undefined {
  if (api !== "api" && api !== "apis") return undefined;
  const apiVersion = api === "api" ? rest[0] : `${rest[0]}/${rest[1]}`;
  const parts = rest.slice(api === "api" ? 1 : 2);
  const namespace = parts[0] === "namespaces" && parts.length > 2 ? parts[1] : undefined;
  const [resource, name, ...more] = namespace === undefined ? parts : parts.slice(2);
  const kind = kindOfPlural(resource);
  if (kind === undefined || kind === "Pod" || kind === "Node" || more.length > 0) return undefined;
  if (kindNames(kind).apiVersion !== apiVersion) return undefined;
  if (isClusterScoped(kind)) return namespace === undefined ? { kind, namespace: "", name } : undefined;
  return namespace === undefined && name !== undefined ? undefined : { kind, namespace, name };
}

/** Answers a request, but for a method that its path does not have: then false. */
export async function serveObjects(
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
  { kind, namespace, name }: ObjectPath,
): Promise<boolean> {
  const { objects } = context;
  const { method, query } = target;
  if (name === undefined && method === "GET") {
    listObjects(context, response, target, { kind, namespace });
  } else if (name === undefined && method === "POST" && namespace !== undefined) {
    const object = decodeInto(kind, await readJson(request), namespace);
    sendJson(response, 201, shown(objects.create(object, { dryRun: isDryRun(query) })));
  } else if (name === undefined || namespace === undefined) {
    return false;
  } else if (method === "GET") {
    sendJson(response, 200, shown(objects.get(kind, namespace, name)));
  } else if (method === "PUT") {
    const object = decodeInto(kind, await readJson(request), namespace, name);
    sendJson(response, 200, shown(objects.replace(object, { dryRun: isDryRun(query) })));
  } else if (method === "PATCH") {
    await patchObject(context, request, response, target, { kind, namespace, name });
  } else if (method === "DELETE") {
    const { dryRun } = await readDeleteOptions(request, target);
    const deleted = objects.delete(kind, namespace, name, { dryRun });
    const details = { name, kind: kindNames(kind).plural, uid: deleted.metadata.uid };
    // It is not gone yet: what is in it, or who uses it, goes first.
    if (deleted.metadata.deletionTimestamp !== undefined) sendJson(response, 200, shown(deleted));
    else sendJson(response, 200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
  } else {
    return false;
  }
  return true;
}

function listObjects(context: ApiContext, response: ServerResponse, target: Target, { kind, namespace }: ObjectPath) {
  const filter = objectFilter(kind, isClusterScoped(kind) ? undefined : namespace, target.query);
  if (serveWatch(context.objectHubs[kind], response, filter, target.query)) return;
  const items = context.objects.list(kind, { namespace }).filter(filter).map(shown);
  const metadata = { resourceVersion: context.objects.resourceVersion };
  sendJson(response, 200, { kind: `${kind}List`, apiVersion: kindNames(kind).apiVersion, metadata, items });
}
