import { PodrunError } from "../base/errors.ts";
import type { Database, Query } from "./database.ts";

/** A Kubernetes object, as far as storing it goes. Objects without a namespace have "". */
export interface StoredObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion?: string;
  };
}

export interface PutOptions {
  /**
   * `create`: AlreadyExists when there is one of the name. `update`: NotFound when there is none. Default: either.
   * An update with `metadata.resourceVersion` set is refused (Conflict) when somebody else has changed the object since.
   */
  readonly mode?: "create" | "update";
  /** `normal` for what a power cut makes untrue anyway, such as the status of a pod. Default `full`. */
  readonly durability?: "full" | "normal";
}

/** An object as it comes back: with its resourceVersion. */
export type Versioned<T> = T & { readonly metadata: { readonly resourceVersion: string } };

/** The API's objects. Each change is one transaction and takes the next resourceVersion, which is one count for all kinds. */
export class Objects {
  readonly #full: Statements;
  readonly #normal: Statements;

  constructor(full: Database, normal: Database) {
    this.#full = new Statements(full);
    this.#normal = new Statements(normal);
  }

  /** Records an object and returns it with its new resourceVersion. Throws AlreadyExists, NotFound, Conflict, as asked. */
  put<T extends StoredObject>(object: T, options: PutOptions = {}): Versioned<T> {
    const { kind } = object;
    const { name, namespace = "", uid } = object.metadata;
    const to = options.durability === "normal" ? this.#normal : this.#full;
    return to.database.transaction(() => {
      const before = to.get.get(kind, namespace, name);
      checkPut(object, before, options.mode);
      const version = Number(to.nextVersion.get()?.["value"]);
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
      to.put.run(kind, namespace, name, uid, version, JSON.stringify(stored));
      return stored;
    });
  }

  get<T extends StoredObject>(kind: string, namespace: string, name: string): Versioned<T> | undefined {
    const row = this.#full.get.get(kind, namespace, name);
    return row === undefined ? undefined : (JSON.parse(String(row["body"])) as Versioned<T>);
  }

  /** All of a kind, of one namespace or (undefined) of all, by namespace and name. */
  list<T extends StoredObject>(kind: string, namespace?: string): readonly Versioned<T>[] {
    const rows = namespace === undefined ? this.#full.list.all(kind) : this.#full.listIn.all(kind, namespace);
    return rows.map((row) => JSON.parse(String(row["body"])) as Versioned<T>);
  }

  /** Removes an object and returns it with the resourceVersion of its removal; undefined: there was none. */
  delete<T extends StoredObject>(
    kind: string,
    namespace: string,
    name: string,
    options: Pick<PutOptions, "durability"> = {},
  ): Versioned<T> | undefined {
    const to = options.durability === "normal" ? this.#normal : this.#full;
    return to.database.transaction(() => {
      const row = to.remove.get(kind, namespace, name);
      if (row === undefined) return undefined;
      const object = JSON.parse(String(row["body"])) as T;
      const resourceVersion = String(to.nextVersion.get()?.["value"]);
      return { ...object, metadata: { ...object.metadata, resourceVersion } };
    });
  }

  /**
   * Resolves when everything that was recorded with durability `normal` is on the disk too. Work can be under way while the
   * disk is waited for, and nothing else waits. Throws StateUnavailable.
   */
  flush(): Promise<void> {
    return this.#normal.database.flush();
  }

  /** The last resourceVersion given out: a list's `metadata.resourceVersion`. */
  get resourceVersion(): string {
    return String(this.#full.version.get()?.["value"]);
  }
}

class Statements {
  readonly database: Database;
  readonly get: Query;
  readonly put: Query;
  readonly list: Query;
  readonly listIn: Query;
  readonly remove: Query;
  readonly version: Query;
  readonly nextVersion: Query;

  constructor(database: Database) {
    this.database = database;
    this.get = database.prepare(
      "SELECT uid, resource_version, body FROM objects WHERE kind = ? AND namespace = ? AND name = ?",
    );
    this.put = database.prepare("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)");
    this.list = database.prepare("SELECT body FROM objects WHERE kind = ? ORDER BY namespace, name");
    this.listIn = database.prepare("SELECT body FROM objects WHERE kind = ? AND namespace = ? ORDER BY name");
    this.remove = database.prepare("DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ? RETURNING body");
    this.version = database.prepare("SELECT value FROM counters WHERE name = 'resourceVersion'");
    this.nextVersion = database.prepare(
      "UPDATE counters SET value = value + 1 WHERE name = 'resourceVersion' RETURNING value",
    );
  }
}

function checkPut(
  { kind, metadata }: StoredObject,
  before: Readonly<Record<string, unknown>> | undefined,
  mode: PutOptions["mode"],
): void {
  const what = `${kind.toLowerCase()} "${metadata.name}"${metadata.namespace ? ` in namespace "${metadata.namespace}"` : ""}`;
  const details = { kind, name: metadata.name, namespace: metadata.namespace };
  if (mode === "create" && before !== undefined) {
    throw new PodrunError("AlreadyExists", `${what} exists already`, { details });
  }
  if (mode !== "update") return;
  if (before === undefined) throw new PodrunError("NotFound", `${what} does not exist`, { details });
  if (before["uid"] !== metadata.uid) {
    throw new PodrunError("Conflict", `${what} has been deleted and made again since it was read; read it again`, {
      details,
    });
  }
  const version = metadata.resourceVersion;
  if (version !== undefined && version !== String(before["resource_version"])) {
    throw new PodrunError("Conflict", `${what} has been changed since it was read; read it again`, {
      details: { ...details, resourceVersion: version, found: String(before["resource_version"]) },
    });
  }
}
