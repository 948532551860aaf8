// How much of a file system a tree of files takes, counted by looking at each of its files: file systems that count for us
// (project quotas) are rarely set up so.
import { closeSync, constants, fstatSync, lstatSync, openSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";
import { Slice } from "../base/slice.ts";
import { namesIn } from "./folder-names.ts";

export interface DiskUsage {
  /** What is allocated, not what files say they are long. */
  readonly usedBytes: number;
  readonly inodesUsed: number;
  /** How long it took to count, milliseconds; where somebody has looked at the clock. */
  readonly millis?: number;
}

/** A folder that was seen; whoever is found at its name must still be the same. */
interface Folder {
  /** Each byte a character (latin1): names need not be UTF-8. The root's is its path. */
  readonly name: string;
  readonly ino: number;
}

/** On the way from the root to the folder that is being read. */
interface Level extends Folder {
  /** Those in it that are still to be read. */
  readonly folders: Folder[];
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;

/** Unit of `st_blocks`, whatever the file system's own is (stat(2)). */
const BLOCK = 512;

/**
 * Counts what is below a folder, without the folder itself; yields every few milliseconds (`now`: steady), so that others may have
 * their turn. Whoever writes there may do what he likes: no link is followed, no other file system is entered, names and depths are
 * free. A file with several names counts at each of them by its share. Undefined: there is no such folder. Throws system errors.
 */
export function* walkDiskUsage(root: string, now?: () => number): Generator<undefined, DiskUsage | undefined> {
  const top = lstatSync(root, { throwIfNoEntry: false });
  if (top === undefined) return undefined;
  const walk = new Walk(top.dev, new Slice(now));
  try {
    yield* walk.run({ name: Buffer.from(root).toString("latin1"), ino: top.ino });
  } finally {
    walk.close();
  }
  return { usedBytes: Math.round(walk.usedBytes), inodesUsed: Math.round(walk.inodesUsed) };
}

/**
 * Down and up by one descriptor: what a folder costs has nothing to do with how deep it lies, and no path becomes longer than the
 * kernel takes.
 */
class Walk {
  usedBytes = 0;
  inodesUsed = 0;
  readonly #dev: number;
  readonly #slice: Slice;
  /** The last one is that of the descriptor. */
  #levels: Level[] = [];
  #descriptor: number | undefined;

  constructor(dev: number, slice: Slice) {
    this.#dev = dev;
    this.#slice = slice;
  }

  *run(root: Folder): Generator<undefined> {
    if (this.#enter(root)) yield* this.#count();
    for (let level = this.#levels.at(-1); level !== undefined; level = this.#levels.at(-1)) {
      yield* this.#pause();
      const next = level.folders.pop();
      if (next === undefined) yield* this.#leave();
      else if (this.#enter(next)) yield* this.#count();
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  *#pause(): Generator<undefined> {
    if (!this.#slice.isOver()) return;
    yield;
    this.#slice.begin();
  }

  *#count(): Generator<undefined> {
    const folders = this.#levels.at(-1)?.folders;
    const path = `/proc/self/fd/${this.#descriptor}`;
    try {
      for (const names of namesIn(path))
        for (const name of names) {
          yield* this.#pause();
          const stats = lstatSync(Buffer.from(`${path}/${name}`, "latin1"), { throwIfNoEntry: false });
          // Gone meanwhile, or something is mounted on it.
          if (stats === undefined || stats.dev !== this.#dev) continue;
          const isFolder = stats.isDirectory();
          if (isFolder) folders?.push({ name, ino: stats.ino });
          const shares = isFolder ? 1 : Math.max(1, stats.nlink);
          this.usedBytes += (stats.blocks * BLOCK) / shares;
          this.inodesUsed += 1 / shares;
        }
    } catch (error) {
      // Removed since it was opened.
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  }

  /** False: it is gone, or another one is in its place by now. */
  #enter({ name, ino }: Folder): boolean {
    if (!this.#open(name, ino)) return false;
    this.#levels.push({ name, ino, folders: [] });
    return true;
  }

  *#leave(): Generator<undefined> {
    this.#levels.pop();
    const above = this.#levels.at(-1);
    // Moved elsewhere while we were in it.
    if (above !== undefined && !this.#open("..", above.ino)) yield* this.#findBack();
  }

  /** From the root down to the folder that was to be gone on with, or as far as the way is still the same. */
  *#findBack(): Generator<undefined> {
    const levels = this.#levels;
    this.#levels = [];
    this.close();
    for (const level of levels) {
      yield* this.#pause();
      if (!this.#open(level.name, level.ino)) return;
      this.#levels.push(level);
    }
  }

  /** Below the descriptor, in whose place it comes. A link or another folder that was put there since is not entered. */
  #open(name: string, ino: number): boolean {
    const from = this.#descriptor === undefined ? name : `/proc/self/fd/${this.#descriptor}/${name}`;
    let next: number;
    try {
      next = openSync(Buffer.from(from, "latin1"), OPEN_FOLDER);
    } catch (error) {
      if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error) ?? "")) return false;
      throw error;
    }
    const stats = fstatSync(next);
    const isSame = stats.ino === ino && stats.dev === this.#dev;
    if (isSame) this.close();
    else closeSync(next);
    if (isSame) this.#descriptor = next;
    return isSame;
  }
}
