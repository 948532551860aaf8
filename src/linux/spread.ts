import { closeSync, openSync } from "node:fs";
import { call, failedWith } from "./libc.ts";

// linux/fs.h; the numbers are those of x86_64 and arm64.
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_TOPDIR_FL = 0x00020000;

/** File systems that have no such flag, or none at all. */
const UNKNOWN = ["ENOTTY", "EOPNOTSUPP", "EINVAL", "ENOSYS"] as const;

/**
 * Tells the file system that the folders in `folder` are trees that have nothing to do with one another (`chattr +T`): ext2,
 * ext3 and ext4 then look for a block group of its own for each. What that was seen to bring, and when it was not, is in
 * docs/decisions.md. Others know no such advice, and none is given. Throws OperationFailed.
 */
export function spreadFolders(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    const flags = [0];
    call("ioctl", fd, FS_IOC_GETFLAGS, flags);
    const [before = 0] = flags;
    if ((before & FS_TOPDIR_FL) === 0) call("ioctl", fd, FS_IOC_SETFLAGS, [before | FS_TOPDIR_FL]);
  } catch (error) {
    if (!UNKNOWN.some((errno) => failedWith(error, errno))) throw error;
  } finally {
    closeSync(fd);
  }
}
