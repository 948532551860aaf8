import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../base/clock.ts";
import { PodrunError } from "../base/errors.ts";
import { newName, newUid } from "../base/ids.ts";
import { jsonCopy } from "../base/json.ts";
import {
  type FieldSet,
  isClusterScoped,
  type KubeObject,
  kindNames,
  makeNamespace,
  recordApplied,
  throwProblems,
} from "../spec/index.ts";
import type { Objects } from "../store/index.ts";
import {
  admitObject,
  isProtected,
  keepServerOwned,
  requireDeletableClass,
  requireDeletablePriority,
  validateChange,
} from "./admission.ts";
import { requireDeletable, requireNamespace } from "./namespaces.ts";
import type {
  KeptKind,
  KeptObject,
  KeptOf,
  ObjectFilter,
  ObjectService,
  ObjectSource,
  ObjectWatchEvent,
  ReplaceKeptOptions,
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
    const name = raw.metadata.name || newName(raw.metadata.generateName ?? "");
    const { kind } = raw;
    const { namespace } = raw.metadata;
    if (this.#store.get(kind, namespace, name) !== undefined) throw alreadyExists(kind, namespace, name);
    if (!isClusterScoped(kind)) requireNamespace(this, namespace);
    const metadata = { ...raw.metadata, name, uid: newUid(), creationTimestamp: timestamp(this.#now()) };
    const object = admitObject({ ...raw, metadata: { ...metadata, resourceVersion: "" } } as KeptObject, this);
    return dryRun ? object : this.#put(object, "ADDED");
  }

  replace(wanted: KeptObject, { dryRun = false, exact = false, applied }: ReplaceKeptOptions = {}): KeptObject {
    const before = this.get(wanted.kind, wanted.metadata.namespace, wanted.metadata.name);
    checkSame(before, wanted);
    const after = withApplied(keepServerOwned(before, wanted, exact), before, applied);
    throwProblems(validateChange(before, after, this));
    if (dryRun || isDeepStrictEqual(jsonCopy(before), jsonCopy(after))) return after;
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

  list<K extends KeptKind>(kind: K, { namespace }: ObjectFilter = {}): readonly KeptOf<K>[] {
    return this.#store.list<KeptOf<K>>(kind, namespace);
  }

  delete(
    kind: KeptKind,
    namespace: string,
    name: string,
    { dryRun = false }: { readonly dryRun?: boolean } = {},
  ): KeptObject {
    if (kind === "PriorityClass") requireDeletablePriority(name);
    if (kind === "StorageClass") requireDeletableClass(name);
    const before = this.get(kind, namespace, name);
    if (kind === "Namespace") requireDeletable(name);
    if (dryRun) return before;
    if (before.kind === "Namespace") return this.#terminate(before);
    if (isProtected(before)) return this.#mark(before);
    return this.remove(kind, namespace, name) ?? before;
  }

  /** For podrun's own controllers: an object with its status, whatever may not change. Throws NotFound, Conflict. */
  write<T extends KeptObject>(object: T): T {
    return this.#put(object, "MODIFIED") as T;
  }

  /** For podrun's own controllers: an object goes, whatever keeps it. */
  remove(kind: KeptKind, namespace: string, name: string): KeptObject | undefined {
    const object = this.#store.delete<KeptObject>(kind, namespace, name);
    if (object !== undefined) this.#notify({ type: "DELETED", object });
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
    this.remove("Namespace", "", name);
  }

  watch(listener: (event: ObjectWatchEvent) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  get resourceVersion(): string {
    return this.#store.resourceVersion;
  }

  /** Its content goes before it: that is for whoever watches (controllers/namespaces.ts). */
  #terminate(namespace: KeptOf<"Namespace">): KeptObject {
    if (namespace.status.phase === "Terminating") return namespace;
    const metadata = { ...namespace.metadata, deletionTimestamp: timestamp(this.#now()) };
    return this.#put({ ...namespace, metadata, status: { phase: "Terminating" } } as KeptObject, "MODIFIED");
  }

  /** What protects it takes it away when nobody uses it any more (pod/claims). */
  #mark(before: KeptObject): KeptObject {
    if (before.metadata.deletionTimestamp !== undefined) return before;
    const marks = { deletionTimestamp: timestamp(this.#now()), deletionGracePeriodSeconds: 0 };
    return this.#put({ ...before, metadata: { ...before.metadata, ...marks } }, "MODIFIED");
  }

  #put(object: Omit<KeptObject, "metadata"> & { metadata: Versionless }, type: "ADDED" | "MODIFIED"): KeptObject {
    const { resourceVersion, ...metadata } = object.metadata;
    const put = type === "ADDED" ? { ...object, metadata } : object;
    const stored = this.#store.put(put, { mode: type === "ADDED" ? "create" : "update" }) as KeptObject;
    this.#notify({ type, object: stored });
    return stored;
  }

  #notify(event: ObjectWatchEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }
}

/** What was applied last stays on record until somebody applies anew. */
function withApplied(after: KeptObject, before: KeptObject, applied: FieldSet | undefined): KeptObject {
  const managedFields = applied ? recordApplied(applied) : before.metadata.managedFields;
  if (managedFields === undefined) return after;
  return { ...after, metadata: { ...after.metadata, managedFields } } as KeptObject;
}

type Versionless = Omit<KeptObject["metadata"], "resourceVersion"> & { resourceVersion?: string };

/** An update may say which object and which state of it is meant; "" says nothing. */
export function checkSame(before: KubeObject, wanted: KubeObject): void {
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
