// Readers of a file that is replaced see the old text or the new one, never a part of it, also after a crash:
// 1. the text is written to a new file in the same folder (rename works within one file system only);
// 2. fsync of that file: without it, ext4 and xfs may keep the rename and lose the text at a power cut;
// 3. rename, which replaces the name in one step;
// 4. fsync of the folder, which makes the new name durable.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { newNameSuffix } from "./ids.ts";

export interface AtomicWriteOptions {
  /** Permissions of the new file, whatever the old one's. Default 0600. */
  readonly mode?: number;
  /** false: no fsync, for files on tmpfs and for those that a reboot makes worthless. Default true. */
  readonly durable?: boolean;
}

/** Replaces or makes a file. Throws the system error; the old file is then as it was, and nothing else is left. */
export function writeFileAtomic(path: string, data: string | Uint8Array, options: AtomicWriteOptions = {}): void {
  const temporary = `${path}.${process.pid}.${newNameSuffix()}.tmp`;
  const durable = options.durable ?? true;
  try {
    // wx is O_EXCL: a symbolic link that somebody put there is not followed.
    const file = openSync(temporary, "wx", options.mode ?? 0o600);
    try {
      writeFileSync(file, data);
      if (durable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (durable) syncFolder(dirname(path));
}

/** Makes names that were given or taken in a folder durable. */
export function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
