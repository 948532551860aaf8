import { type Dir, opendirSync, readdirSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";

/** About a millisecond's worth. */
const SLICE = 1000;

/**
 * Names in a folder, each byte a character (latin1), for they need not be UTF-8; in slices, since who has a million files in one
 * folder must not hold up the others. A name may come twice. Throws system errors: ENOENT when the folder has been removed.
 */
export function* namesIn(path: string): Generator<string[]> {
  const folder = opendirSync(path, { encoding: "latin1" });
  try {
    for (let names = readSlice(folder); names.length > 0; names = readSlice(folder)) yield names;
  } catch (error) {
    // Where a file system tells no types Node asks for each file's, and throws for one that has gone or is no UTF-8.
    if (errnoOf(error) !== "ENOENT") throw error;
    yield readdirSync(path, { encoding: "latin1" });
  } finally {
    folder.closeSync();
  }
}

function readSlice(folder: Dir): string[] {
  const names: string[] = [];
  while (names.length < SLICE) {
    const entry = folder.readSync();
    if (entry === null) break;
    names.push(entry.name);
  }
  return names;
}
