// How much of a file system a tree of files takes, counted by looking at each of its files: file systems that count for us
// (project quotas) are rarely set up so.
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync } from "node:fs";
import { errnoOf } from "../base/errors.ts";

export interface DiskUsage {
  /** What is allocated, not what files say they are long. */
  readonly usedBytes: number;
  readonly inodesUsed: number;
  /** How long it took to count, milliseconds; where somebody has looked at the clock. */
  readonly millis?: number;
}

/** A folder that is still to be read, by its way from the root: a path may become longer than the kernel takes. */
interface Folder {
  readonly parent: Folder | undefined;
  /** Each byte a character (latin1): names need not be UTF-8. */
  readonly name: string;
  readonly ino: number;
}

/** PATH_MAX is 4096, with room for /proc/self/fd/N. */
const LONGEST_PATH = 3900;

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const OPEN_FOLDER = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK;

/** How many files are looked at before others have their turn: some milliseconds. */
const FILES_A_TURN = 2000;

/** Unit of `st_blocks`, whatever the file system's own is (stat(2)). */
const BLOCK = 512;

/**
 * Counts what is below a folder, without the folder itself; yields now and then, so that others may have their turn. Whoever
 * writes there may do what he likes: no link is followed, no other file system is entered, names and depths are free. A file
 * with several names counts at each of them by its share. Undefined: there is no such folder. Throws system errors.
 */
export function* walkDiskUsage(root: string): Generator<undefined, DiskUsage | undefined> {
  let usedBytes = 0;
  let inodesUsed = 0;
  let seen = 0;
  const top = lstatSync(root, { throwIfNoEntry: false });
  if (top === undefined) return undefined;
  const folders: Folder[] = [{ parent: undefined, name: Buffer.from(root).toString("latin1"), ino: top.ino }];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const descriptor = openFolder(folder, top.dev);
    if (descriptor === undefined) continue;
    try {
      const path = `/proc/self/fd/${descriptor}`;
      for (const name of readNames(path)) {
        if (++seen % FILES_A_TURN === 0) yield;
        const stats = lstatSync(Buffer.from(`${path}/${name}`, "latin1"), { throwIfNoEntry: false });
        // Gone meanwhile, or something is mounted on it.
        if (stats === undefined || stats.dev !== top.dev) continue;
        const isFolder = stats.isDirectory();
        if (isFolder) folders.push({ parent: folder, name, ino: stats.ino });
        const names = isFolder ? 1 : Math.max(1, stats.nlink);
        usedBytes += (stats.blocks * BLOCK) / names;
        inodesUsed += 1 / names;
      }
    } finally {
      closeSync(descriptor);
    }
  }
  return { usedBytes: Math.round(usedBytes), inodesUsed: Math.round(inodesUsed) };
}

/** Undefined: it is gone, or another one is in its place by now. */
function openFolder(folder: Folder, dev: number): number | undefined {
  let descriptor: number | undefined;
  try {
    for (const part of pathsTo(folder)) {
      const from = descriptor === undefined ? part : `/proc/self/fd/${descriptor}/${part}`;
      const next = openSync(Buffer.from(from, "latin1"), OPEN_FOLDER);
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = next;
    }
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
  if (descriptor === undefined) return undefined;
  const stats = fstatSync(descriptor);
  // A link that was put in the middle of the way leads to another folder than the one that was seen.
  if (stats.ino === folder.ino && stats.dev === dev) return descriptor;
  closeSync(descriptor);
  return undefined;
}

/** The way to a folder in pieces that the kernel takes. */
function pathsTo(folder: Folder): string[] {
  const names: string[] = [];
  for (let one: Folder | undefined = folder; one !== undefined; one = one.parent) names.push(one.name);
  const paths: string[] = [];
  let path = names.pop() ?? "";
  for (let name = names.pop(); name !== undefined; name = names.pop())
    if (path.length + name.length < LONGEST_PATH) path += `/${name}`;
    else {
      paths.push(path);
      path = name;
    }
  return [...paths, path];
}

function readNames(path: string): string[] {
  try {
    return readdirSync(path, { encoding: "latin1" });
  } catch (error) {
    // Removed since it was opened.
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
