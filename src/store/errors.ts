// SQLite's and the file system's errors, translated in this one place (sqlite.org/rescode.html).
import { dirname } from "node:path";
import { errnoOf, PodrunError } from "../base/errors.ts";

/** Primary result codes: the low byte of what SQLite reports. */
const SQLITE = { PERM: 3, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 };

const ERRNO_ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "the file system is full; make room",
  EDQUOT: "the quota is used up; make room",
  EROFS: "the file system is read-only; mount it read-write",
  EACCES: "access is denied; podrun must be root and own it",
  EPERM: "access is denied; podrun must be root and own it",
  ENOTDIR: "a part of the path is not a folder; move it away",
  EEXIST: "something that is not a folder has its name; move it away",
};

/** What the state's files do to us, as an error for the user; any other error comes back as it is. */
export function translateError(path: string, error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === SQLITE.CORRUPT || code === SQLITE.NOTADB) return corrupt(path, error);
  const what = code === undefined ? ERRNO_ADVICE[errnoOf(error) ?? ""] : sqliteAdvice(code);
  if (what === undefined) return error;
  const folder = dirname(path);
  return new PodrunError("StateUnavailable", `the state in ${folder} cannot be written: ${what}, and try again`, {
    details: { folder, file: path },
    cause: error,
  });
}

/** The file is no database of ours any more. `finding` is what the integrity check said. */
export function corrupt(path: string, cause: unknown, finding?: string): PodrunError {
  const what = finding ?? (cause instanceof Error ? cause.message : "not a database");
  return new PodrunError(
    "StateCorrupt",
    `the database ${path} is damaged (${what}); stop podrun, move it away with: mv ${path}* /root/ — podrun then starts with an empty one, and what was recorded in it (pods, images, leases) must be made again`,
    { details: { file: path, finding: what }, cause },
  );
}

function sqliteCode(error: unknown): number | undefined {
  if (errnoOf(error) !== "ERR_SQLITE_ERROR") return undefined;
  const { errcode } = error as Error & { readonly errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

function sqliteAdvice(code: number): string | undefined {
  if (code === SQLITE.FULL) return ERRNO_ADVICE["ENOSPC"];
  if (code === SQLITE.READONLY) return "the file system or the database file is read-only; make it writable";
  if (code === SQLITE.PERM) return ERRNO_ADVICE["EACCES"];
  if (code === SQLITE.CANTOPEN)
    return "the database file cannot be opened or made; see that the folder is there, writable and not full";
  // SQLite does not say which: a full disk at the WAL's shared memory file, a quota, or a failing disk.
  if (code === SQLITE.IOERR)
    return "reading or writing failed; see that the file system is not full (df), and whether the kernel reports errors (dmesg)";
  return undefined;
}
