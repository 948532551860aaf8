// The API's client for objects of any kind that podrun keeps.
import type { Config } from "../base/config.ts";
import type { KeptKind, KeptObject, NodeWatchEvent, ObjectWatchEvent } from "../pod/types.ts";
import { isClusterScoped, type KindName, kindNames } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";
import type { ListQuery } from "./client.ts";
import { HttpClient } from "./client-http.ts";
import type { ConnectOptions } from "./connect.ts";
import { ApiError, type Status } from "./status.ts";

export type { KeptKind, KeptObject };

/** Whatever is no pod. */
export type OtherKind = Exclude<KindName, "Pod">;
export type OtherObject = Extract<KubeObject, { kind: OtherKind }>;

/** Content types of the kinds of patches. */
const PATCH_TYPES = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
} as const;

export type PatchType = keyof typeof PATCH_TYPES;

export interface PatchOptions {
  readonly dryRun?: boolean;
  readonly type?: PatchType;
  readonly subresource?: string | undefined;
}

/** Throws ApiError for what the server refused, and what `connectDaemon` throws. */
export class ObjectClient {
  readonly #http: HttpClient;

  constructor(config: Config, options: ConnectOptions = {}) {
    this.#http = new HttpClient(config, options);
  }

  create<T extends KubeObject>(object: T, options: { readonly dryRun?: boolean } = {}): Promise<T> {
    const query = { dryRun: options.dryRun === true ? "All" : undefined };
    return this.#http.json("POST", objectPath(object.kind, object.metadata.namespace), query, object);
  }

  replace<T extends KubeObject>(object: T, options: { readonly dryRun?: boolean } = {}): Promise<T> {
    const query = { dryRun: options.dryRun === true ? "All" : undefined };
    const { namespace, name } = object.metadata;
    return this.#http.json("PUT", objectPath(object.kind, namespace, name), query, object);
  }

  /** A JSON merge patch (RFC 7396), unless `type` says otherwise. `subresource`: `resize`, `status` of a pod. */
  patch(
    kind: KindName,
    namespace: string,
    name: string,
    patch: object,
    options: PatchOptions = {},
  ): Promise<KubeObject> {
    const query = { dryRun: options.dryRun === true ? "All" : undefined };
    const path = objectPath(kind, namespace, name);
    const at = options.subresource === undefined ? path : `${path}/${options.subresource}`;
    return this.#http.json("PATCH", at, query, patch, PATCH_TYPES[options.type ?? "merge"]);
  }

  /**
   * Makes the object of a manifest, or makes it what the manifest says: what the manifest applied before said and this one does not goes,
   * what others have put there stays.
   */
  apply(
    { kind, metadata: { namespace, name } }: KubeObject,
    manifest: unknown,
    options: { readonly dryRun?: boolean } = {},
  ): Promise<KubeObject> {
    const query = { fieldManager: "podrun", force: true, dryRun: options.dryRun === true ? "All" : undefined };
    return this.#http.json("PATCH", objectPath(kind, namespace, name), query, manifest, "application/apply-patch+yaml");
  }

  get<K extends KindName>(kind: K, namespace: string, name: string): Promise<Extract<KubeObject, { kind: K }>> {
    return this.#http.json("GET", objectPath(kind, namespace, name));
  }

  /** As {@link get}; undefined: there is none. */
  async find<K extends KindName>(
    kind: K,
    namespace: string,
    name: string,
  ): Promise<Extract<KubeObject, { kind: K }> | undefined> {
    try {
      return await this.get(kind, namespace, name);
    } catch (error) {
      if (error instanceof ApiError && error.status.reason === "NotFound") return undefined;
      throw error;
    }
  }

  async list<K extends KindName>(kind: K, query: ListQuery): Promise<readonly Extract<KubeObject, { kind: K }>[]> {
    const { namespace, ...selectors } = query;
    const list = await this.#http.json<{ items: readonly Extract<KubeObject, { kind: K }>[] }>(
      "GET",
      objectPath(kind, namespace),
      selectors,
    );
    return list.items;
  }

  /** The version that a watch for later changes only starts at. */
  async resourceVersion(kind: KindName): Promise<string> {
    const list = await this.#http.json<{ metadata: { resourceVersion: string } }>("GET", objectPath(kind, undefined));
    return list.metadata.resourceVersion;
  }

  /** Changes after `resourceVersion`; without one the present objects come first, as ADDED. */
  async *watch(
    kind: OtherKind,
    { namespace, ...rest }: ListQuery & { readonly resourceVersion?: string | undefined },
    signal?: AbortSignal,
  ): AsyncGenerator<ObjectWatchEvent | NodeWatchEvent> {
    const options = { query: { ...rest, watch: 1 }, signal };
    type Line = ObjectWatchEvent | NodeWatchEvent | { readonly type: "ERROR"; readonly object: Status };
    for await (const event of this.#http.lines<Line>(objectPath(kind, namespace), options)) {
      if (event.type === "ERROR") throw new ApiError(event.object);
      yield event;
    }
  }

  /** Pods have a deletion of their own (ApiClient.deletePod): this one is at once, but for namespaces, which go when they are empty. Answers the uid. */
  async delete(
    kind: OtherKind,
    namespace: string,
    name: string,
    options: { readonly dryRun?: boolean } = {},
  ): Promise<string> {
    const query = { dryRun: options.dryRun ? "All" : undefined };
    type Answer = KeptObject | (Status & { readonly details?: { readonly uid?: string } });
    const answer = await this.#http.json<Answer>("DELETE", objectPath(kind, namespace, name), query);
    return "details" in answer ? (answer.details?.uid ?? "") : ((answer as KeptObject).metadata.uid ?? "");
  }
}

function objectPath(kind: KindName, namespace: string | undefined, name?: string): string {
  const { plural, apiVersion } = kindNames(kind);
  const root = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const place = isClusterScoped(kind) || namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${place}/${plural}${name === undefined ? "" : `/${encodeURIComponent(name)}`}`;
}
