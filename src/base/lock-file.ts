// One daemon an instance. The lock is the kernel's, not a file with a pid: it ends with its holder, also by SIGKILL, and
// no other process that has got the same pid can be taken for the holder. Node has no flock(2), but its SQLite locks
// files with fcntl(2): the lock file is an empty database with an exclusive transaction that is never committed.
//
// Forbidden: opening and closing the lock file in this process by any other means. Closing any descriptor of a file
// drops all fcntl locks that the process has on it (fcntl(2)). So the holder's pid stands in a second file.
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { writeFileAtomic } from "./atomic-file.ts";
import { errnoOf, PodrunError } from "./errors.ts";

const SQLITE_BUSY = 5;

export class LockFile {
  readonly #database: DatabaseSync;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * Takes the lock `PATH.lock` and writes our pid to PATH. Throws Conflict when a living process holds it,
   * StateUnavailable when the files cannot be made.
   */
  static acquire(path: string): LockFile {
    const database = openLocked(path);
    try {
      writeFileAtomic(path, `${process.pid}\n`, { mode: 0o644, durable: false });
    } catch (error) {
      database.close();
      throw unavailable(path, error);
    }
    return new LockFile(database);
  }

  /** Lets go. The files stay: removing them would race with the next holder. */
  release(): void {
    this.#database.close();
  }
}

function openLocked(path: string): DatabaseSync {
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(`${path}.lock`, { timeout: 0 });
  } catch (error) {
    throw unavailable(path, error);
  }
  try {
    database.exec("BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw unavailable(path, error);
    const pid = holderOf(path);
    throw new PodrunError(
      "Conflict",
      `another podrun daemon${pid === undefined ? "" : ` (pid ${pid})`} holds ${path}.lock`,
      {
        details: { path, pid },
        cause: error,
      },
    );
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}

/** The pid that the holder of a lock wrote; undefined when it has not come to that yet. It may have ended since. */
export function holderOf(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function unavailable(path: string, error: unknown): PodrunError {
  const reason = error instanceof Error ? error.message : String(error);
  return new PodrunError(
    "StateUnavailable",
    `the lock ${path}.lock cannot be taken: ${reason}; its folder must exist and be writable`,
    {
      details: { path },
      cause: error,
    },
  );
}
