import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { type ComingLayer, type LayerPool, type LayerSource, shortName } from "./layer-pool.ts";
import type { LayerProgress } from "./layer-progress.ts";
import type { LayerRecord } from "./types.ts";

export interface ObtainOptions {
  /** For errors. */
  readonly image: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LayerProgress) => void) | undefined;
}

/**
 * The layers that one pull (load, import) needs: recorded ones, which stay as long as they are claimed, and coming ones, which it
 * shares with other pulls. It ends with {@link commit} or {@link abandon}, and {@link release} in any case.
 */
export class Claims {
  readonly #pool: LayerPool;
  readonly #pins = new Set<string>();
  readonly #coming = new Map<string, ComingLayer>();

  constructor(pool: LayerPool) {
    this.#pool = pool;
  }

  /** Resolves when the layer is here or whole beside. A layer that another pull brings in, and fails to, is tried again. */
  async obtain(source: LayerSource, options: ObtainOptions): Promise<void> {
    const { diffId, blob } = source;
    this.#pin(diffId);
    for (;;) {
      options.signal?.throwIfAborted();
      if (this.#pool.records.layer(diffId) !== undefined) {
        options.onProgress?.({
          type: "layer",
          digest: blob.digest,
          state: "exists",
          bytes: 0,
          size: blob.size,
          unpacked: 0,
        });
        return;
      }
      const joined = this.#pool.join(diffId);
      const layer = joined ?? this.#pool.start(source, options.image);
      try {
        await this.#wait(layer, blob.digest, options);
        step("image.layer-unpacked");
        this.#coming.set(diffId, layer);
        return;
      } catch (error) {
        await this.#pool.leave(layer);
        if (joined === undefined || options.signal?.aborted || isFullDisk(error)) throw error;
      }
    }
  }

  /** Takes over a layer that is unpacked already. */
  adopt(layer: ComingLayer): void {
    this.#pin(layer.diffId);
    this.#coming.set(layer.diffId, layer);
  }

  /**
   * Puts all layers on the disk and to their names, then calls `record`, which must not wait, with all of their records. When
   * that throws, those that had no record before are taken away again.
   */
  async commit(layers: readonly string[], record: (layers: readonly LayerRecord[]) => void): Promise<void> {
    const coming = await this.#sync();
    await this.#pool.recording.run(async () => {
      const fresh = await this.#publish(coming);
      step("image.published");
      try {
        const find = (digest: string): LayerRecord | undefined => fresh.get(digest) ?? this.#pool.records.layer(digest);
        record([...new Set(layers)].map((digest) => find(digest) ?? missing(digest)));
      } catch (error) {
        await this.#unpublish(fresh);
        throw error;
      }
    });
  }

  /** Keeps what is whole, as layers without an image: the next try begins there. */
  async keepWhole(): Promise<void> {
    if (this.#coming.size > 0)
      await this.commit([...this.#coming.keys()], (layers) => this.#pool.records.addLayers(layers));
  }

  /** Bytes that are removed with {@link release}, if nobody else waits for them. */
  get unpublishedBytes(): number {
    return [...this.#coming.values()]
      .filter(({ published }) => !published)
      .reduce((sum, { meter }) => sum + meter.unpacked, 0);
  }

  /** Once, at the end. What was not committed is removed. */
  async release(): Promise<void> {
    for (const digest of this.#pins) this.#pool.unpin(digest);
    this.#pins.clear();
    const coming = [...this.#coming.values()];
    this.#coming.clear();
    await Promise.all(coming.map((layer) => this.#pool.leave(layer)));
  }

  #pin(diffId: string): void {
    if (this.#pins.has(diffId)) return;
    this.#pins.add(diffId);
    this.#pool.pin(diffId);
  }

  async #wait(layer: ComingLayer, digest: string, { signal, onProgress }: ObtainOptions): Promise<void> {
    const deaf = onProgress && layer.meter.listen((progress) => onProgress({ ...progress, digest }));
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      await Promise.race([layer.unpacked, aborted.promise]);
    } finally {
      signal?.removeEventListener("abort", abort);
      deaf?.();
    }
  }

  async #sync(): Promise<readonly Whole[]> {
    const coming = await Promise.all(
      [...this.#coming.values()].map(async (layer) => ({ layer, ...(await layer.unpacked) })),
    );
    if (coming.some(({ layer }) => !layer.published)) await this.#pool.folders.sync(this.#pool.folders.layers);
    return coming;
  }

  /** Another pull may have published one of them while we waited for the disk; then it is recorded, too. */
  async #publish(coming: readonly Whole[]): Promise<Map<string, LayerRecord>> {
    const fresh = new Map<string, LayerRecord>();
    const taken = new Set(this.#pool.records.layers().map(({ folder }) => folder));
    try {
      for (const { layer, target, size, tarSize } of coming) {
        if (layer.lost !== undefined) throw layer.lost;
        if (layer.published || this.#pool.records.layer(layer.diffId) !== undefined) continue;
        const folder = shortName(layer.diffId, taken);
        taken.add(folder);
        fresh.set(layer.diffId, { digest: layer.diffId, folder, size, tarSize });
        await this.#pool.folders.publish(target, folder);
        this.#pool.settle(layer);
      }
      return fresh;
    } catch (error) {
      await this.#unpublish(fresh);
      throw error;
    }
  }

  async #unpublish(fresh: ReadonlyMap<string, LayerRecord>): Promise<void> {
    for (const [digest, { folder }] of fresh) {
      const layer = this.#coming.get(digest);
      if (layer) layer.lost = new PodrunError("StateUnavailable", `layer ${digest} could not be recorded; try again`);
      await this.#pool.folders.remove([folder]);
    }
  }
}

type Whole = { readonly layer: ComingLayer } & Awaited<ComingLayer["unpacked"]>;

const isFullDisk = (error: unknown): boolean => error instanceof PodrunError && error.code === "StateUnavailable";

/** A pinned layer's record does not go: somebody has changed the database. */
function missing(digest: string): never {
  throw new PodrunError("StateCorrupt", `layer ${digest} was on record and is not any more; try again`, {
    details: { layer: digest },
  });
}
