// SQLite's errors, translated in this one place (sqlite.org/rescode.html).
import { dirname } from "node:path";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { stateAdvice, stateUnavailable, translateStateError } from "../base/state-errors.ts";

/** Primary result codes: the low byte of what SQLite reports. */
const SQLITE = { PERM: 3, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 };

/** What the state's files do to us, as an error for the user; any other error comes back as it is. */
export function translateError(path: string, error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return translateStateError(dirname(path), error);
  if (code === SQLITE.CORRUPT || code === SQLITE.NOTADB) return corrupt(path, error);
  const advice = sqliteAdvice(code);
  return advice === undefined ? error : stateUnavailable(dirname(path), advice, error);
}

/** The file is no database of ours any more. `finding` is what the integrity check said. */
export function corrupt(path: string, cause: unknown, finding?: string): PodrunError {
  const what = finding ?? (cause instanceof Error ? cause.message : "not a database");
  return new PodrunError(
    "StateCorrupt",
    `the database ${path} is damaged (${what}); stop podrun and move it away: mv ${path}* /root/ — podrun then begins with an empty one, and what was recorded in it (pods, images, leases) must be made again`,
    { details: { file: path, finding: what }, cause },
  );
}

function sqliteCode(error: unknown): number | undefined {
  if (errnoOf(error) !== "ERR_SQLITE_ERROR") return undefined;
  const { errcode } = error as Error & { readonly errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

function sqliteAdvice(code: number): string | undefined {
  switch (code) {
    case SQLITE.FULL:
      return stateAdvice("ENOSPC");
    case SQLITE.PERM:
      return stateAdvice("EACCES");
    case SQLITE.READONLY:
      return "the file system or the database file is read-only; make it writable";
    case SQLITE.CANTOPEN:
      return "the database cannot be opened or made; see that the folder is writable and its file system not full";
    case SQLITE.IOERR:
      // SQLite does not say which: a full disk below the shared memory file of the WAL, a quota, a failing disk.
      return "reading or writing failed; see that the file system is not full (df), and what the kernel says (dmesg)";
    default:
      return undefined;
  }
}
