import { accessSync, closeSync, constants, fdatasync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { promisify } from "node:util";
import { PodrunError } from "../base/errors.ts";
import { makeFolder } from "../base/make-folder.ts";
import { corrupt, translateError } from "./errors.ts";

/**
 * When a commit is on the disk. `full`: when it returns, also after a power cut. `normal`: the kernel has it, so it
 * survives the death of the daemon, but a power cut may lose the last commits (never damage the file). Measured here on
 * ext4: 0.16 ms and 0.01 ms a commit.
 */
export type Durability = "full" | "normal";

/**
 * Room that is taken beforehand, in bytes: more than the log grows to before it is written over from its beginning, which is 1000
 * pages (sqlite.org/pragma.html#pragma_wal_autocheckpoint) and the last transaction.
 */
const RESERVE_BYTES = 5 << 20;

export type Row = Readonly<Record<string, unknown>>;

/** One prepared statement. Values are bound in the order of the question marks. */
export interface Query {
  all(...values: SQLInputValue[]): readonly Row[];
  get(...values: SQLInputValue[]): Row | undefined;
  /** Returns the number of changed rows. */
  run(...values: SQLInputValue[]): number;
}

/** One connection to a database file. Everything it throws is a PodrunError where the state is to blame (StateUnavailable, StateCorrupt). */
export class Database {
  readonly path: string;
  readonly #connection: DatabaseSync;
  #log: number | undefined;

  /** Opens or makes the file (0700 folder), checks it, and brings its schema up to the last of `migrations`. */
  constructor(path: string, durability: Durability, migrations: readonly string[]) {
    this.path = path;
    this.#connection = this.#guard(() => {
      makeFolder(dirname(path));
      // SQLite only says that it cannot open the file; the folder says why (EROFS, EACCES).
      accessSync(dirname(path), constants.W_OK);
      // It holds Secrets. SQLite would make it with the umask's mode, and gives its log the mode that it has.
      closeSync(openSync(path, "a", 0o600));
      return new DatabaseSync(path, { timeout: 5000 });
    });
    try {
      this.#guard(() => {
        this.#connection.exec("PRAGMA journal_mode = WAL");
        this.#connection.exec(`PRAGMA synchronous = ${durability}`);
        this.#checkIntegrity();
        this.#migrate(migrations);
      });
    } catch (error) {
      this.#connection.close();
      throw error;
    }
  }

  prepare(sql: string): Query {
    const statement = this.#guard(() => this.#connection.prepare(sql));
    const call = <T>(use: (statement: StatementSync) => T): T => this.#guard(() => use(statement));
    return {
      all: (...values) => call((prepared) => prepared.all(...values)),
      get: (...values) => call((prepared) => prepared.get(...values)),
      run: (...values) => call((prepared) => Number(prepared.run(...values).changes)),
    };
  }

  /** All of it or nothing. The function must not wait: nothing else may come between. */
  transaction<T>(change: () => T): T {
    return this.#guard(() => {
      this.#connection.exec("BEGIN IMMEDIATE");
      try {
        const result = change();
        this.#connection.exec("COMMIT");
        return result;
      } catch (error) {
        // A full disk ends the transaction by itself (sqlite.org/lang_transaction.html).
        if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
        throw error;
      }
    });
  }

  /**
   * Brings committed transactions to the disk, on a thread of its own: an fsync of the write-ahead log is what `full` adds to
   * `normal` at each commit (sqlite.org/pragma.html#pragma_synchronous). SQLite holds no lock on that file, so a descriptor
   * of ours is no danger to its locks.
   */
  async flush(): Promise<void> {
    try {
      this.#log ??= openSync(`${this.path}-wal`, "r");
      await promisify(fdatasync)(this.#log);
    } catch (error) {
      throw translateError(this.path, error);
    }
  }

  /**
   * Takes room on the disk for later, in the log and in the file: when a pod has filled the disk up, it can still be deleted, for
   * SQLite writes where it has written before. Takes some 20 ms. A file system that never writes in place (btrfs) has no such room.
   */
  reserve(): void {
    this.#guard(() => {
      this.#connection.exec("DROP TABLE IF EXISTS reserve");
      if (statSync(`${this.path}-wal`).size >= RESERVE_BYTES) return;
      // In transactions of their own: what one transaction makes and drops is never written.
      this.#connection.exec("CREATE TABLE reserve (bytes BLOB)");
      this.#connection.exec(`INSERT INTO reserve VALUES (zeroblob(${RESERVE_BYTES}))`);
      this.#connection.exec("DROP TABLE reserve");
    });
  }

  close(): void {
    if (this.#log !== undefined) closeSync(this.#log);
    this.#log = undefined;
    this.#connection.close();
  }

  #guard<T>(use: () => T): T {
    try {
      return use();
    } catch (error) {
      throw translateError(this.path, error);
    }
  }

  #checkIntegrity(): void {
    const finding = this.#connection.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
    if (finding !== "ok") throw corrupt(this.path, undefined, String(finding));
  }

  #migrate(migrations: readonly string[]): void {
    const version = Number(this.#connection.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version > migrations.length) {
      throw new PodrunError(
        "StateUnavailable",
        `the database ${this.path} was written by a newer podrun (schema ${version}, this podrun knows ${migrations.length}); use that podrun`,
        { details: { file: this.path, version } },
      );
    }
    for (const [index, sql] of migrations.slice(version).entries()) {
      this.#connection.exec(`BEGIN; ${sql}; PRAGMA user_version = ${version + index + 1}; COMMIT`);
    }
  }
}
