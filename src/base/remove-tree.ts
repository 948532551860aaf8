// Removes a folder with all that is in it, whatever a container has made of it, and also while one that lives changes it:
// another container of the pod may hold a folder of it open. So each folder is opened in the one that is held open, never by
// its path: what was swapped for a link meanwhile is not followed (Node's own recursive `rm` names every file by its path).
import { execFile } from "node:child_process";
import { closeSync, constants, lstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import { errnoOf } from "./errors.ts";
import { Slice } from "./slice.ts";

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Folders in folders that are held open at once: the daemon has other uses for descriptors. */
const MOST_OPEN = 100;

class TooDeep extends Error {}

/** So often is a folder looked through that somebody fills again. */
const MOST_ROUNDS = 20;

/** What is not there is fine. Throws the system error, or what rm(1) said. */
export async function removeTree(path: string): Promise<void> {
  try {
    await new Removal().remove(Buffer.from(path), lstatSync(path).isDirectory());
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return;
    // rm(1) goes by descriptors too, and does with fewer.
    if (!(error instanceof TooDeep)) throw error;
    await promisify(execFile)("rm", ["-rf", "--", path]);
  }
}

class Removal {
  readonly #slice = new Slice();
  #open = 0;

  /** `path`: a name in a folder that is held open, but for the first. */
  async remove(path: Buffer, isFolder: boolean): Promise<void> {
    if (this.#slice.isOver()) {
      await turn();
      this.#slice.begin();
    }
    try {
      if (isFolder) await this.#removeFolder(path);
      else unlinkSync(path);
    } catch (error) {
      // It has gone, or has become something else: its folder is looked through again.
      if (!["ENOENT", "ENOTDIR", "ELOOP", "EISDIR"].includes(errnoOf(error) ?? "")) throw error;
    }
  }

  async #removeFolder(path: Buffer): Promise<void> {
    if (this.#open === MOST_OPEN) throw new TooDeep();
    const folder = openSync(path, FOLDER);
    this.#open++;
    try {
      for (let round = 0; round < MOST_ROUNDS; round++) {
        const entries = readdirSync(`/proc/self/fd/${folder}`, { withFileTypes: true, encoding: "buffer" });
        if (entries.length === 0) break;
        const inside = Buffer.from(`/proc/self/fd/${folder}/`);
        for (const entry of entries) await this.remove(Buffer.concat([inside, entry.name]), entry.isDirectory());
      }
    } finally {
      closeSync(folder);
      this.#open--;
    }
    rmdirSync(path);
  }
}
