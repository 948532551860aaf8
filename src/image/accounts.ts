import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";

/** Design, section 2: users are looked up in a bounded record, made when the image comes. */
const LIMIT = 64 << 10;

/**
 * Text of a file in /etc of an image, from the highest of its layers that has it: `folders`, lowest first. Empty when no
 * layer has it as a plain file in a plain folder: symbolic links are the image's, and none is followed on the host.
 * What overlayfs hides is not seen: below a whiteout (a character device, so no plain file) and below an opaque folder, be it the root.
 * Of a longer file the whole lines of its first 64 KiB.
 */
export function readAccountFile(
  folders: readonly string[],
  name: "passwd" | "group",
  isOpaque: (folder: string) => boolean,
): string {
  for (const folder of folders.toReversed()) {
    const etc = lstatSync(join(folder, "etc"), { throwIfNoEntry: false });
    if (etc !== undefined && !etc.isDirectory()) return "";
    const text = etc && readBounded(join(folder, "etc", name));
    if (text !== undefined) return text;
    if (isOpaque(folder) || isOpaque(join(folder, "etc"))) return "";
  }
  return "";
}

/** undefined: no such file. Nothing else writes here: what lstat says stays so, and no device or FIFO is opened. */
function readBounded(path: string): string | undefined {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (!there?.isFile()) return there && "";
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (!fstatSync(file).isFile()) return "";
    const bytes = Buffer.alloc(LIMIT + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null);
    }
    const text = bytes.toString("utf8", 0, Math.min(length, LIMIT));
    return length > LIMIT ? text.slice(0, text.lastIndexOf("\n") + 1) : text;
  } finally {
    closeSync(file);
  }
}
