import type { Database, Query } from "./database.ts";

/** Tables of records that are an id and JSON. */
export type RecordTable = "sandboxes" | "containers";

/** The runtime's own records of one kind. A record holds its intent (`state`), so that recovery knows what was under way. */
export class Records<T extends { readonly id: string }> {
  readonly #put: Query;
  readonly #get: Query;
  readonly #list: Query;
  readonly #delete: Query;

  constructor(database: Database, table: RecordTable) {
    this.#put = database.prepare(
      `INSERT INTO ${table} (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body`,
    );
    this.#get = database.prepare(`SELECT body FROM ${table} WHERE id = ?`);
    this.#list = database.prepare(`SELECT body FROM ${table} ORDER BY id`);
    this.#delete = database.prepare(`DELETE FROM ${table} WHERE id = ?`);
  }

  /** Makes or replaces the record; recorded when it returns. */
  put(record: T): void {
    this.#put.run(record.id, JSON.stringify(record));
  }

  get(id: string): T | undefined {
    const row = this.#get.get(id);
    return row === undefined ? undefined : (JSON.parse(String(row["body"])) as T);
  }

  list(): readonly T[] {
    return this.#list.all().map((row) => JSON.parse(String(row["body"])) as T);
  }

  /** false: there was none. */
  delete(id: string): boolean {
    return this.#delete.run(id) > 0;
  }
}
