// Removes a folder with all that is in it, whatever a container has made of it: Node names every file by its whole path, and
// folders may lie deeper than PATH_MAX allows to say. rm(1) walks by descriptors, so it comes where Node can't. Neither
// follows a link.
import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";
import { errnoOf } from "./errors.ts";

/** What is not there is fine. Throws the system error, or what rm(1) said. */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (errnoOf(error) !== "ENAMETOOLONG") throw error;
    await promisify(execFile)("rm", ["-rf", "--", path]);
  }
}
