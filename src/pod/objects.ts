import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../base/clock.ts";
import { PodrunError } from "../base/errors.ts";
import { newNameSuffix, newUid } from "../base/ids.ts";
import {
  kindNames,
  type Problem,
  throwProblems,
  validateConfigMapUpdate,
  validateSecretUpdate,
} from "../spec/index.ts";
import type { Objects } from "../store/index.ts";
import type {
  KeptKind,
  KeptObject,
  KeptOf,
  ObjectFilter,
  ObjectService,
  ObjectSource,
  ObjectWatchEvent,
} from "./types.ts";

/** Where kept objects lie; `store/` implements it. */
export type ObjectStore = Pick<Objects, "put" | "get" | "list" | "delete" | "resourceVersion">;

/** Keeps objects of kinds without behaviour, as the API server does; every change is on the disk when it is answered. */
export class KeptObjects implements ObjectService, ObjectSource {
  readonly #store: ObjectStore;
  readonly #now: () => number;
  readonly #watchers = new Set<(event: ObjectWatchEvent) => void>();

  constructor(store: ObjectStore, now: () => number = Date.now) {
    this.#store = store;
    this.#now = now;
  }

  create(raw: KeptObject, { dryRun = false }: { readonly dryRun?: boolean } = {}): KeptObject {
    const name = raw.metadata.name || `${raw.metadata.generateName}${newNameSuffix()}`;
    const { kind } = raw;
    const { namespace } = raw.metadata;
    if (this.#store.get(kind, namespace, name) !== undefined) throw alreadyExists(kind, namespace, name);
    const { resourceVersion: _, ...given } = raw.metadata;
    const metadata = { ...given, name, uid: newUid(), creationTimestamp: timestamp(this.#now()) };
    if (dryRun) return { ...raw, metadata: { ...metadata, resourceVersion: "" } };
    return this.#put({ ...raw, metadata }, "ADDED");
  }

  replace(wanted: KeptObject, { dryRun = false }: { readonly dryRun?: boolean } = {}): KeptObject {
    const before = this.get(wanted.kind, wanted.metadata.namespace, wanted.metadata.name);
    checkSame(before, wanted);
    throwProblems(validateUpdate(before, wanted));
    const { uid, creationTimestamp, resourceVersion } = before.metadata;
    const after = { ...wanted, metadata: { ...wanted.metadata, uid, creationTimestamp, resourceVersion } };
    if (dryRun || isDeepStrictEqual(plain(before), plain(after))) return after;
    return this.#put(after, "MODIFIED");
  }

  get<K extends KeptKind>(kind: K, namespace: string, name: string): KeptOf<K> {
    const object = this.find(kind, namespace, name);
    if (object === undefined) throw notFound(kind, namespace, name);
    return object;
  }

  find<K extends KeptKind>(kind: K, namespace: string, name: string): KeptOf<K> | undefined {
    return this.#store.get<KeptOf<K>>(kind, namespace, name);
  }

  list(kind: KeptKind, { namespace }: ObjectFilter = {}): readonly KeptObject[] {
    return this.#store.list<KeptObject>(kind, namespace);
  }

  delete(kind: KeptKind, namespace: string, name: string): KeptObject {
    const object = this.#store.delete<KeptObject>(kind, namespace, name);
    if (object === undefined) throw notFound(kind, namespace, name);
    this.#notify({ type: "DELETED", object });
    return object;
  }

  watch(listener: (event: ObjectWatchEvent) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  get resourceVersion(): string {
    return this.#store.resourceVersion;
  }

  #put(object: Omit<KeptObject, "metadata"> & { metadata: Versionless }, type: "ADDED" | "MODIFIED"): KeptObject {
    const stored = this.#store.put(object, { mode: type === "ADDED" ? "create" : "update" }) as KeptObject;
    this.#notify({ type, object: stored });
    return stored;
  }

  #notify(event: ObjectWatchEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }
}

/** The rules of a change. */
function validateUpdate(before: KeptObject, after: KeptObject): Problem[] {
  if (before.kind === "Secret" && after.kind === "Secret") return validateSecretUpdate(before, after);
  if (before.kind === "ConfigMap" && after.kind === "ConfigMap") return validateConfigMapUpdate(before, after);
  throw new TypeError(`a ${before.kind} does not become a ${after.kind}`);
}

type Versionless = Omit<KeptObject["metadata"], "resourceVersion"> & { resourceVersion?: string };

/** As it is written down: without what is undefined. */
const plain = (object: KeptObject): unknown => JSON.parse(JSON.stringify(object));

/** An update may say which object and which state of it is meant; "" says nothing. */
function checkSame(before: KeptObject, wanted: KeptObject): void {
  const { kind } = before;
  const { name, namespace } = before.metadata;
  const { singular, plural } = kindNames(kind);
  for (const field of ["uid", "resourceVersion"] as const) {
    const value = wanted.metadata[field];
    if (value === "" || value === before.metadata[field]) continue;
    throw new PodrunError(
      "Conflict",
      `${singular} "${name}" has been changed since it was read (${field} ${value}, now ${before.metadata[field]}); read it again`,
      { details: { kind: plural, name, namespace } },
    );
  }
}

function notFound(kind: KeptKind, namespace: string, name: string): PodrunError {
  const { plural } = kindNames(kind);
  return new PodrunError("NotFound", `${plural} "${name}" not found`, { details: { kind: plural, name, namespace } });
}

function alreadyExists(kind: KeptKind, namespace: string, name: string): PodrunError {
  const { plural } = kindNames(kind);
  return new PodrunError("AlreadyExists", `${plural} "${name}" already exists`, {
    details: { kind: plural, name, namespace },
  });
}
