import { statfs } from "node:fs/promises";
import { PodrunError } from "../base/errors.ts";
import { badLayer, type LayerName } from "./blob.ts";

const MEBI = 1 << 20;
const GIBI = 1 << 30;

/** Bytes that a layer may unpack to, and that its files may have: no image that is used has layers near it. */
export const LAYER_LIMIT = 64 * GIBI;

/** A layer of zeros packs a thousand to one, one of programs five to one. The first GiB is free: it harms nobody. */
const LARGEST_RATIO = 300;
const FREE_OF_RATIO = GIBI;

/** Between two looks at the file system: more than that many bytes may not be overlooked. */
const LOOK_EVERY = 64 * MEBI;
/** What stays free for everybody else: so many bytes, or this part of a small file system; and of its inodes this part. */
const RESERVE_BYTES = GIBI;
const RESERVE_PART = 0.02;

/** Holds a layer that is being unpacked to its limits; call it with the growing numbers of bytes. */
export class UnpackLimits {
  readonly #layer: LayerName;
  readonly #folder: string;
  #nextLook = 0;

  constructor(layer: LayerName, folder: string) {
    this.#layer = layer;
    this.#folder = folder;
  }

  /** A promise now and then only. Throws InvalidImage for a bomb, StateUnavailable when the file system would be full. */
  check(packed: number, plain: number): Promise<void> | undefined {
    if (plain > LAYER_LIMIT) throw badLayer(this.#layer, `it unpacks to more than ${LAYER_LIMIT / GIBI} GiB`);
    if (plain > FREE_OF_RATIO + LARGEST_RATIO * packed)
      throw badLayer(this.#layer, `it unpacks to more than ${LARGEST_RATIO} times its size`);
    if (plain < this.#nextLook) return undefined;
    this.#nextLook = plain + LOOK_EVERY;
    return this.#look();
  }

  async #look(): Promise<void> {
    const { bavail, blocks, bsize, ffree, files } = await statfs(this.#folder);
    const left = bavail * bsize;
    const reserve = Math.min(RESERVE_BYTES, blocks * bsize * RESERVE_PART);
    const details = { freeBytes: left, reserveBytes: Math.floor(reserve), freeInodes: ffree };
    if (left < reserve) {
      const [has, keeps] = [left, reserve].map((bytes) => `${Math.floor(bytes / MEBI)} MiB`);
      throw this.#full(`only ${has}`, `${keeps}`, details);
    }
    // Where there are as many as one likes (btrfs), there are 0 in all.
    const inodes = Math.floor(files * RESERVE_PART);
    if (ffree < inodes) throw this.#full(`only ${ffree} inodes`, `${inodes}`, details);
  }

  #full(has: string, keeps: string, free: object): PodrunError {
    const { image, layer } = this.#layer;
    return new PodrunError(
      "StateUnavailable",
      `image "${image}": layer ${layer}: the file system of ${this.#folder} has ${has} left, and podrun keeps ${keeps} of it ` +
        "free; what was unpacked of the layer is removed again; make room (podrun image prune), and try again",
      { details: { image, layer, folder: this.#folder, ...free } },
    );
  }
}
