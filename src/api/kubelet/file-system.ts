import { statfs } from "node:fs/promises";

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
