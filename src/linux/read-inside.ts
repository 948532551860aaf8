import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { O_DIRECTORY, O_NONBLOCK, O_PATH, O_RDONLY } from "./constants.ts";
import { call, failedWith } from "./libc.ts";

/** include/uapi/linux/openat2.h; the number is the same on every architecture. */
const SYS_OPENAT2 = 437;
const O_CLOEXEC = 0o2000000n;
const RESOLVE_NO_MAGICLINKS = 0x02n;
const RESOLVE_IN_ROOT = 0x10n;

/** Far more often than anybody was seen to need, so that it ends in any case. */
const OPEN_TRIES = 10_000;

/**
 * A file of a folder that containers write to, `path` relative to it. The folder is its root: no link and no ".." leads out of it.
 * What is no plain file is not opened at all (a FIFO would not end, a device might do something). Undefined: there is no such
 * file. Throws InvalidObject (no plain file, larger than `most` bytes), OperationFailed, the system error.
 */
export function readInside(folder: string, path: string, most: number): Buffer | undefined {
  const root = openFolder(folder);
  if (root === undefined) return undefined;
  let place: number | undefined;
  let file: number | undefined;
  try {
    place = openInside(root, path);
    if (place === undefined) return undefined;
    if (!fstatSync(place).isFile()) throw wrong(path, "is no plain file");
    // Who holds a lease on it (fcntl, F_SETLEASE) must not make the daemon wait.
    file = openSync(`/proc/self/fd/${place}`, O_RDONLY | O_NONBLOCK);
    // It may grow meanwhile: what is read is what counts.
    const buffer = Buffer.alloc(most + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length <= most; length += count)
      count = readSync(file, buffer, length, buffer.length - length, length);
    if (length > most) throw wrong(path, `is larger than ${most} bytes`);
    return buffer.subarray(0, length);
  } finally {
    for (const fd of [file, place, root]) if (fd !== undefined) closeSync(fd);
  }
}

function openFolder(path: string): number | undefined {
  try {
    return openSync(path, O_PATH | O_DIRECTORY);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function openInside(root: number, path: string): number | undefined {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(O_PATH) | O_CLOEXEC, 0);
  how.writeBigUInt64LE(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, 16);
  for (let tries = 1; ; tries++) {
    try {
      return Number(call("openat2", SYS_OPENAT2, root, path, how, how.length));
    } catch (error) {
      if (failedWith(error, "ENOENT") || failedWith(error, "ENOTDIR")) return undefined;
      // Something was renamed or mounted, anywhere on the machine, while a ".." was looked at (openat2(2)).
      if (!failedWith(error, "EAGAIN") || tries === OPEN_TRIES) throw error;
    }
  }
}

const wrong = (path: string, text: string): PodrunError =>
  new PodrunError("InvalidObject", `file "${path}" ${text}`, { details: { path } });
