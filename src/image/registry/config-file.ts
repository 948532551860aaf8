// Reading the files that an administrator edits while the daemon runs: anew at each use, parsed anew when they have changed.
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type ErrorCode, errnoOf, PodrunError } from "../../base/errors.ts";

/** Far more than any such file has; a device or a log put in its place does not fill our memory. */
const LIMIT = 4 << 20;

/** `problem`: what is wrong and what would be right. */
export function fileError(code: ErrorCode, file: string, problem: string, cause?: unknown): PodrunError {
  return new PodrunError(code, `${file}: ${problem}`, { details: { file }, cause });
}

/** Undefined: there is no such file. */
export type FileReader<T> = (file: string) => Promise<T | undefined>;

/**
 * A reader that keeps what it parsed until the file's times, size or inode differ. Throws `code` for what is there and can't
 * be read; `parse` throws its own, and is asked again at the next read.
 */
export function cachedReader<T>(code: ErrorCode, parse: (text: string, file: string) => T): FileReader<T> {
  const known = new Map<string, { readonly stamp: string; readonly value: T }>();
  return async (file) => {
    const handle = await openFile(code, file);
    if (handle === undefined) {
      known.delete(file);
      return undefined;
    }
    try {
      const stat = await handle.stat({ bigint: true });
      if (!stat.isFile())
        throw fileError(
          code,
          file,
          `it is ${stat.isDirectory() ? "a folder" : "no plain file"}; a file must be there, or nothing`,
        );
      if (stat.size > LIMIT) throw fileError(code, file, `it has ${stat.size} bytes; more than ${LIMIT} are not read`);
      const stamp = [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join();
      const before = known.get(file);
      if (before?.stamp === stamp) return before.value;
      const value = parse(await handle.readFile("utf8"), file);
      known.set(file, { stamp, value });
      return value;
    } finally {
      await handle.close();
    }
  };
}

/** O_NONBLOCK: a FIFO in the file's place does not hold us. */
async function openFile(code: ErrorCode, file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
    throw fileError(code, file, `it cannot be read (${errno}); podrun's daemon must be able to`, error);
  }
}
