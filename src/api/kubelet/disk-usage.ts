// How much of the disk a folder takes: the kubelet's `rootfs` and `logs`.
import { lstat, opendir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../../base/errors.ts";

export interface DiskUsage {
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

/** A container may make files without end: from so many on nobody counts them. */
const MOST_FILES = 20_000;

/** Bytes that are allocated, and files; undefined: there are too many to count, or the folder is gone. */
export async function diskUsage(folder: string): Promise<DiskUsage | undefined> {
  let usedBytes = 0;
  const seen = new Set<number>();
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop())
    try {
      for await (const entry of await opendir(next)) {
        const path = join(next, entry.name);
        const { ino, blocks } = await lstat(path);
        if (seen.size >= MOST_FILES) return undefined;
        // A file with several names is there once.
        if (!seen.has(ino)) usedBytes += blocks * 512;
        seen.add(ino);
        if (entry.isDirectory()) folders.push(path);
      }
    } catch (error) {
      if (next === folder || errnoOf(error) !== "ENOENT") return undefined;
    }
  return { usedBytes, inodesUsed: seen.size };
}

export interface FileSystem {
  readonly time: string;
  readonly availableBytes: number;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly inodesFree: number;
  readonly inodes: number;
  readonly inodesUsed: number;
}

/** The file system that a path lies on (statfs(2)), in the Summary API's words. */
export async function fileSystemOf(path: string, time: string): Promise<FileSystem> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
  return {
    time,
    availableBytes: bavail * bsize,
    capacityBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodesFree: ffree,
    inodes: files,
    inodesUsed: files - ffree,
  };
}
