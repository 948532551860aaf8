import { execFile } from "node:child_process";
import { promisify } from "node:util";

/**
 * Removes files and whole trees; what is not there is fine. By rm(1), because layers have tens of thousands of files: Node's
 * own removal of 100,000 holds the event loop up for 330 ms at a time and takes longer. Throws what rm said.
 */
export async function removeFast(...paths: readonly string[]): Promise<void> {
  if (paths.length > 0) await promisify(execFile)("rm", ["-rf", "--", ...paths]);
}
