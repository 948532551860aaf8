import { errnoOf, PodrunError } from "../base/errors.ts";
import { call } from "./libc.ts";

/** No attribute, no file, a file system that has none. */
const ABSENT: ReadonlySet<unknown> = new Set(["ENODATA", "ENOENT", "ENOTDIR", "EOPNOTSUPP"]);

/**
 * Whether overlayfs takes a folder for opaque: it hides what lower layers have there (kernel documentation, overlayfs.rst).
 * The last part of the path is not followed when it is a symbolic link. Throws OperationFailed.
 */
export function isOpaque(path: string): boolean {
  const value = Buffer.alloc(1);
  try {
    return call("lgetxattr", path, "trusted.overlay.opaque", value, value.length) === 1 && value.toString() === "y";
  } catch (error) {
    const errno = error instanceof PodrunError ? error.details["errno"] : errnoOf(error);
    if (ABSENT.has(errno)) return false;
    throw error;
  }
}
