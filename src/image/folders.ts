import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { syncFolder } from "../base/atomic-file.ts";
import { errnoOf } from "../base/errors.ts";
import { makeFolder } from "../base/make-folder.ts";
import { translateStateError } from "../base/state-errors.ts";

/**
 * The folders below ROOT/images: `layers/SHORT/` holds one unpacked layer each, `tmp/` what is being made. A layer comes
 * to its name in one step, when all of it is on the disk, and is recorded after that: a killed import leaves nothing that
 * looks like a layer and is none.
 */
export class ImageFolders {
  readonly layers: string;
  readonly #root: string;
  readonly #temporary: string;

  constructor(root: string) {
    this.#root = join(root, "images");
    this.layers = join(this.#root, "layers");
    this.#temporary = join(this.#root, "tmp");
  }

  /** Runs `work` with a new folder on the same file system as the layers, which is gone afterwards, whatever happens. */
  async withTemporary<T>(work: (folder: string) => Promise<T>): Promise<T> {
    return this.#guard(async () => {
      makeFolder(this.layers);
      makeFolder(this.#temporary);
      const folder = mkdtempSync(join(this.#temporary, "import-"));
      try {
        return await work(folder);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }

  /** Writes a file system's dirty data to the disk: one syncfs(2) for all files of an import, where Node has only fsync. */
  async sync(folder: string): Promise<void> {
    await this.#guard(() => execa("sync", ["-f", folder]));
  }

  /** Moves a finished layer to its name, durably. What an import left there that was killed before recording goes first. */
  publish(from: string, short: string): void {
    rmSync(join(this.layers, short), { recursive: true, force: true });
    renameSync(from, join(this.layers, short));
    syncFolder(this.layers);
  }

  /** Removes layers; a container that still has one mounted keeps what it has open, and loses the rest. */
  remove(shorts: readonly string[]): void {
    for (const short of shorts) rmSync(join(this.layers, short), { recursive: true, force: true });
  }

  /** Removes what killed imports and removals left: temporary folders, and layers that are not `known`. Returns their paths. */
  prune(known: ReadonlySet<string>): readonly string[] {
    const temporary = names(this.#temporary).map((name) => join(this.#temporary, name));
    const layers = names(this.layers).filter((name) => !known.has(name));
    const left = [...temporary, ...layers.map((name) => join(this.layers, name))];
    for (const path of left) rmSync(path, { recursive: true, force: true });
    return left;
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translateStateError(this.#root, error);
    }
  }
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
