import { lstatSync, mkdtempSync, readdirSync, renameSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { syncFolder } from "../base/atomic-file.ts";
import { errnoOf } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { makeFolder } from "../base/make-folder.ts";
import { translateStateError } from "../base/state-errors.ts";
import { removeFast } from "./remove-fast.ts";

/** A layer that has been unpacked and synced, on its way to its name. */
export interface FinishedLayer {
  readonly folder: string;
  readonly skeletonFile: string;
}

/**
 * The folders below ROOT/images: `layers/SHORT/` holds one unpacked layer each, `skeletons/SHORT.zst` what of its archive is
 * not content of files, `tmp/` what is being made or removed. A layer comes to its name in one step, when all of it is on
 * the disk, and is recorded after that: whoever is killed leaves nothing that looks like a layer and is none.
 */
export class ImageFolders {
  readonly layers: string;
  readonly skeletons: string;
  readonly #root: string;
  readonly #temporary: string;
  readonly #spread: (folder: string) => void;
  #isSpread = false;
  /** What this process is making, or has made and may not have recorded yet: {@link prune} leaves it alone. */
  readonly #ours = new Set<string>();

  /** `spread`: told of the folder that all layers are made in, before the first of them. */
  constructor(root: string, spread: (folder: string) => void) {
    this.#spread = spread;
    this.#root = join(root, "images");
    this.layers = join(this.#root, "layers");
    this.skeletons = join(this.#root, "skeletons");
    this.#temporary = join(this.#root, "tmp");
  }

  /** Runs `work` with a new folder on the same file system as the layers, which is gone afterwards, whatever happens. */
  async withTemporary<T>(work: (folder: string) => Promise<T>): Promise<T> {
    return this.#guard(async () => {
      for (const folder of [this.layers, this.skeletons, this.#temporary]) makeFolder(folder);
      if (!this.#isSpread) this.#spread(this.#temporary);
      this.#isSpread = true;
      const folder = mkdtempSync(join(this.#temporary, "new-"));
      this.#ours.add(folder);
      try {
        return await work(folder);
      } finally {
        await removeMade(folder);
        this.#ours.delete(folder);
      }
    });
  }

  /** The skeleton of a layer, by the name of its folder. */
  skeletonFile(short: string): string {
    return join(this.skeletons, `${short}.zst`);
  }

  /** Writes a file system's dirty data to the disk: one syncfs(2) for all files of a pull, where Node has only fsync. */
  async sync(folder: string): Promise<void> {
    await this.#guard(() => execa("sync", ["-f", folder]));
  }

  /**
   * Moves a finished layer to its name, durably; its files must be on the disk. What somebody left there who was killed
   * before recording goes first. The skeleton comes before the layer: a layer that is there can be saved.
   */
  async publish({ folder, skeletonFile }: FinishedLayer, short: string): Promise<void> {
    await this.#guard(async () => {
      this.#ours.add(short);
      await this.#removeAway([join(this.layers, short)]);
      renameSync(skeletonFile, this.skeletonFile(short));
      syncFolder(this.skeletons);
      step("image.skeleton-published");
      renameSync(folder, join(this.layers, short));
      syncFolder(this.layers);
    });
  }

  /** Removes layers; a container that still has one mounted keeps what it has open, and loses the rest. */
  async remove(shorts: readonly string[]): Promise<void> {
    await this.#guard(async () => {
      for (const short of shorts) this.#ours.delete(short);
      // All names are free when the first step of this returns: the same layer may come again while these are removed.
      await this.#removeAway(shorts.flatMap((short) => [join(this.layers, short), this.skeletonFile(short)]));
    });
  }

  /** Removes what killed pulls and removals left: temporary folders, and layers that are not `known`. Returns their paths. */
  async prune(known: ReadonlySet<string>): Promise<readonly string[]> {
    const unknown = (short: string): boolean => !known.has(short) && !this.#ours.has(short);
    const temporary = names(this.#temporary).map((name) => join(this.#temporary, name));
    const layers = names(this.layers).filter(unknown);
    const skeletons = names(this.skeletons).filter((name) => unknown(name.replace(/\.zst$/, "")));
    const leftovers = temporary.filter((path) => !this.#ours.has(path));
    const unrecorded = [
      ...layers.map((name) => join(this.layers, name)),
      ...skeletons.map((name) => join(this.skeletons, name)),
    ];
    await this.#guard(async () => {
      // All names are free when the first step of this returns: a pull may bring the same layers while these are removed.
      await this.#removeAway(unrecorded);
      await removeFast(...leftovers);
    });
    return [...leftovers, ...unrecorded];
  }

  /** Takes folders away from their names, each in one step, and then removes them: nothing ever sees half a layer. */
  async #removeAway(paths: readonly string[]): Promise<void> {
    if (!paths.some((path) => lstatSync(path, { throwIfNoEntry: false }))) return;
    makeFolder(this.#temporary);
    const away = mkdtempSync(join(this.#temporary, "gone-"));
    this.#ours.add(away);
    paths.forEach((path, index) => {
      try {
        renameSync(path, join(away, String(index)));
      } catch (error) {
        if (errnoOf(error) !== "ENOENT") throw error;
      }
    });
    await removeFast(away);
    this.#ours.delete(away);
  }

  async #guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw translateStateError(this.#root, error);
    }
  }
}

/** A published layer leaves nothing: starting a process for each of a pull's layers to see that is too much. */
async function removeMade(folder: string): Promise<void> {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOTEMPTY") await removeFast(folder);
    else if (errnoOf(error) !== "ENOENT") throw error;
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
