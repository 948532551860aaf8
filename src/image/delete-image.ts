import { step } from "../base/fault.ts";
import type { ImageContext } from "./context.ts";
import type { RemovedImages } from "./types.ts";

/** What removals come to, while their folders go. */
export class Removal {
  readonly #context: ImageContext;
  readonly #untagged: string[] = [];
  readonly #deleted: string[] = [];
  readonly #going: Promise<void>[] = [];
  #bytes = 0;

  constructor(context: ImageContext) {
    this.#context = context;
  }

  untag(names: readonly string[]): void {
    this.#context.records.untag(names);
    this.#untagged.push(...names);
  }

  /**
   * The image's record, names and own layers go at once: whoever asks for it from now on does not find it. The caller has
   * looked, without waiting since, that nobody uses it. Records go before folders: who is killed between leaves folders that
   * nothing points to, for the next daemon to remove.
   */
  delete(id: string, names: readonly string[]): void {
    const layers = this.#context.records.remove(id, this.#context.layers.pinned);
    step("image.removed");
    this.#untagged.push(...names);
    this.#deleted.push(id);
    this.#remove(layers);
  }

  /** Layers that no image has and nothing under way counts on. */
  deleteLayers(digests: readonly string[]): void {
    const { records, layers } = this.#context;
    const { pinned } = layers;
    this.#remove(records.removeLayers(digests.filter((digest) => !pinned.has(digest))));
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When everything is off the disk. */
  async done(): Promise<RemovedImages> {
    await Promise.all(this.#going);
    return { untagged: this.#untagged, deleted: this.#deleted, reclaimedBytes: this.#bytes };
  }

  #remove(layers: readonly { readonly folder: string; readonly size: number }[]): void {
    this.#bytes += layers.reduce((sum, { size }) => sum + size, 0);
    const gone = this.#context.folders.remove(layers.map(({ folder }) => folder));
    // Whoever waits for `done` hears of it, and nobody else must.
    gone.catch(() => undefined);
    this.#going.push(gone);
  }
}
