import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../base/clock.ts";
import { PodrunError } from "../base/errors.ts";
import { newNameSuffix, newUid } from "../base/ids.ts";
import {
  kindNames,
  makeNamespace,
  type Problem,
  throwProblems,
  validateConfigMapUpdate,
  validateSecretUpdate,
} from "../spec/index.ts";
import type { Objects } from "../store/index.ts";
import { requireDeletable, requireNamespace } from "./namespaces.ts";
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
    if (kind !== "Namespace") requireNamespace(this, namespace);
    const { resourceVersion: _, ...given } = raw.metadata;
    const metadata = { ...given, name, uid: newUid(), creationTimestamp: timestamp(this.#now()) };
    const object = kind === "Namespace" ? makeNamespace({ ...metadata, resourceVersion: "" }) : { ...raw, metadata };
    if (dryRun) return { ...object, metadata: { ...object.metadata, resourceVersion: "" } };
    return this.#put(object, "ADDED");
  }

  replace(wanted: KeptObject, { dryRun = false }: { readonly dryRun?: boolean } = {}): KeptObject {
    const before = this.get(wanted.kind, wanted.metadata.namespace, wanted.metadata.name);
    checkSame(before, wanted);
    throwProblems(validateUpdate(before, wanted));
    const after = { ...wanted, metadata: { ...wanted.metadata, ...serverOwned(before) } };
    if (after.kind === "Namespace" && before.kind === "Namespace") after.status = before.status;
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
    if (kind === "Namespace") return this.#terminate(name);
    const object = this.#store.delete<KeptObject>(kind, namespace, name);
    if (object === undefined) throw notFound(kind, namespace, name);
    this.#notify({ type: "DELETED", object });
    return object;
  }

  /** Those of them that there are not yet are made. */
  ensureNamespaces(names: Iterable<string>): void {
    for (const name of new Set(names)) {
      if (this.find("Namespace", "", name) !== undefined) continue;
      const metadata = {
        name,
        namespace: "",
        labels: {},
        annotations: {},
        uid: "",
        creationTimestamp: "",
        resourceVersion: "",
      };
      this.create(makeNamespace(metadata));
    }
  }

  /** A namespace is going, and nothing is left in it. */
  removeNamespace(name: string): void {
    const object = this.#store.delete<KeptObject>("Namespace", "", name);
    if (object !== undefined) this.#notify({ type: "DELETED", object });
  }

  watch(listener: (event: ObjectWatchEvent) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  get resourceVersion(): string {
    return this.#store.resourceVersion;
  }

  /** Its content goes before it: that is for whoever watches (controllers/namespaces.ts). */
  #terminate(name: string): KeptObject {
    const namespace = this.get("Namespace", "", name);
    requireDeletable(name);
    if (namespace.status.phase === "Terminating") return namespace;
    const metadata = { ...namespace.metadata, deletionTimestamp: timestamp(this.#now()) };
    return this.#put({ ...namespace, metadata, status: { phase: "Terminating" } } as KeptObject, "MODIFIED");
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

/** What no update changes. */
function serverOwned({ metadata }: KeptObject): Partial<KeptObject["metadata"]> {
  const { uid, creationTimestamp, resourceVersion, deletionTimestamp } = metadata;
  return { uid, creationTimestamp, resourceVersion, ...(deletionTimestamp !== undefined && { deletionTimestamp }) };
}

/** The rules of a change. */
function validateUpdate(before: KeptObject, after: KeptObject): Problem[] {
  if (before.kind === "Namespace") return [];
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
