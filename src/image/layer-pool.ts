import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { PodrunError } from "../base/errors.ts";
import type { Descriptor } from "./blob.ts";
import type { ImageFolders } from "./folders.ts";
import { LayerMeter } from "./layer-progress.ts";
import { Semaphore } from "./semaphore.ts";
import type { ImageRecords, LayerPacker } from "./types.ts";
import { type LayerTarget, unpackLayer } from "./unpack.ts";

/** One layer of an image: where its bytes come from when it is not here. */
export interface LayerSource {
  readonly blob: Descriptor;
  readonly diffId: string;
  /** The packed bytes; called once, when it is this layer's turn. `retrying`: the connection was cut. */
  open(signal: AbortSignal, retrying: (why: string) => void): Readable;
}

export interface Unpacked {
  readonly size: number;
  readonly tarSize: number;
}

/** A layer on its way, in a temporary folder of its own, and how many wait for it. */
export interface ComingLayer {
  readonly diffId: string;
  readonly meter: LayerMeter;
  /** Resolves when all of it is there and both its digests are right. When it rejects, nothing of it is left. */
  readonly unpacked: Promise<Unpacked & { readonly target: LayerTarget }>;
  readonly ender: AbortController;
  /** Lets the temporary folder go; resolves when it is gone. */
  readonly close: () => Promise<void>;
  users: number;
  /** It has its name in the layers' folder. */
  published: boolean;
  /** Why it can't be had any more. */
  lost?: unknown;
}

export interface LayerPoolOptions {
  readonly records: ImageRecords;
  readonly folders: ImageFolders;
  readonly packer: LayerPacker;
  /** Layers unpacked at once, of all images. */
  readonly unpackings?: number;
}

/** One more than processors: while one waits for bytes, another one works. */
const LEAST_UNPACKINGS = 4;

/** Who gets fewer bytes than that in such a time waits for its registry, and not for this machine: it leaves its place to others. */
const SLOW_BYTES = 1 << 20;
const SLOW_MILLIS = 1000;

/** All layers that are coming in, by diff id: whoever needs one that is on its way waits for it. */
export class LayerPool {
  readonly records: ImageRecords;
  readonly folders: ImageFolders;
  /** Publishing with recording: one after the other, for a layer has its name for a moment before it has its record. */
  readonly recording = new Semaphore(1);
  readonly #packer: LayerPacker;
  readonly #unpackings: Semaphore;
  readonly #coming = new Map<string, ComingLayer>();
  readonly #pins = new Map<string, number>();

  constructor(options: LayerPoolOptions) {
    this.records = options.records;
    this.folders = options.folders;
    this.#packer = options.packer;
    this.#unpackings = new Semaphore(options.unpackings ?? Math.max(LEAST_UNPACKINGS, availableParallelism() + 1));
  }

  /** Layers that something under way counts on: their records and folders stay, whatever is removed meanwhile. */
  get pinned(): ReadonlySet<string> {
    return new Set(this.#pins.keys());
  }

  pin(diffId: string): void {
    this.#pins.set(diffId, (this.#pins.get(diffId) ?? 0) + 1);
  }

  unpin(diffId: string): void {
    const left = (this.#pins.get(diffId) ?? 0) - 1;
    if (left > 0) this.#pins.set(diffId, left);
    else this.#pins.delete(diffId);
  }

  /** A layer that is on its way, for one more user. */
  join(diffId: string): ComingLayer | undefined {
    const layer = this.#coming.get(diffId);
    if (layer !== undefined) layer.users++;
    return layer;
  }

  /** Begins to bring a layer in, for its first user. */
  start(source: LayerSource, image: string): ComingLayer {
    const layer = this.make(
      source.diffId,
      new LayerMeter(source.blob.digest, source.blob.size),
      (target, meter, signal) =>
        this.#unpackings.run((leave) => {
          const timer = watchSpeed(meter, leave);
          return this.#unpack(source, image, { target, meter, signal }).finally(() => clearInterval(timer));
        }, signal),
    );
    this.#coming.set(source.diffId, layer);
    // A failed one is nobody's to join any more.
    layer.unpacked.catch(() => this.#forget(layer));
    return layer;
  }

  /** A layer that `work` makes. */
  make(
    diffId: string,
    meter: LayerMeter,
    work: (target: LayerTarget, meter: LayerMeter, signal: AbortSignal) => Promise<Unpacked>,
  ): ComingLayer {
    const ender = new AbortController();
    const closed = Promise.withResolvers<void>();
    const unpacked = Promise.withResolvers<Unpacked & { readonly target: LayerTarget }>();
    const gone = this.folders
      .withTemporary(async (place) => {
        const target = { folder: join(place, "root"), skeletonFile: join(place, "skeleton.zst") };
        unpacked.resolve({ ...(await work(target, meter, ender.signal)), target });
        await closed.promise;
      })
      .catch(unpacked.reject);
    const close = (): Promise<void> => {
      closed.resolve();
      return gone;
    };
    return { diffId, meter, unpacked: unpacked.promise, ender, close, users: 1, published: false };
  }

  /** It has its name: whoever asks from now on finds its record, or unpacks another. */
  settle(layer: ComingLayer): void {
    layer.published = true;
    this.#forget(layer);
  }

  /** One user less. With the last, what is not published is ended and removed. */
  async leave(layer: ComingLayer): Promise<void> {
    layer.users--;
    if (layer.users > 0) return;
    this.#forget(layer);
    layer.ender.abort(new PodrunError("Cancelled", `layer ${layer.diffId}: nobody waits for it any more`));
    await layer.close();
  }

  #forget(layer: ComingLayer): void {
    if (this.#coming.get(layer.diffId) === layer) this.#coming.delete(layer.diffId);
  }

  async #unpack(
    source: LayerSource,
    image: string,
    {
      target,
      meter,
      signal,
    }: { readonly target: LayerTarget; readonly meter: LayerMeter; readonly signal: AbortSignal },
  ): Promise<Unpacked> {
    meter.state("downloading");
    const bytes = source.open(signal, (why) => meter.state("retrying", why));
    const { size } = await unpackLayer(bytes, source, target, {
      packer: this.#packer,
      image,
      signal,
      onPacked: (packed) => meter.came(packed),
      onUnpacked: (plain) => meter.wrote(plain),
    });
    meter.state("done");
    return { size, tarSize: meter.unpacked };
  }
}

function watchSpeed(meter: LayerMeter, leave: () => void): NodeJS.Timeout {
  let before = 0;
  return setInterval(() => {
    const { bytes, size } = meter;
    if (bytes < size && bytes - before < SLOW_BYTES) leave();
    before = bytes;
  }, SLOW_MILLIS);
}

/** As many digits of the digest as make it the only one; short, for overlay's options name 120 layers in one page (design, 6). */
export function shortName(digest: string, taken: ReadonlySet<string>): string {
  const hex = digest.slice("sha256:".length);
  let length = 16;
  while (taken.has(hex.slice(0, length)) && length < hex.length) length++;
  return hex.slice(0, length);
}
