// Garbage collection, as the kubelet's ImageGCManager does it: when the file system of the images is fuller than the high
// threshold, unused images go, least recently used first, until it is below the low one.
import { statfs as nodeStatfs } from "node:fs/promises";
import { errnoOf } from "../base/errors.ts";
import type { ImageContext } from "./context.ts";
import { Removal } from "./delete-image.ts";
import { lastSeen } from "./prune.ts";

export interface CollectSettings {
  /** Between two rounds. */
  readonly periodMillis: number;
  /** Per cent of the file system that are used: above `high` it begins, at `low` it ends. */
  readonly high: number;
  readonly low: number;
  /** An image that came later, or was used since, is not taken. */
  readonly minAgeMillis: number;
}

/** KubeletConfiguration: imageGCHighThresholdPercent, imageGCLowThresholdPercent, imageMinimumGCAge; ImageGCPeriod in its source. */
export const KUBELET_COLLECTION: CollectSettings = { periodMillis: 300_000, high: 85, low: 80, minAgeMillis: 120_000 };

export interface DiskUse {
  readonly capacity: number;
  readonly available: number;
}

export interface CollectorOptions {
  readonly context: ImageContext;
  readonly settings: CollectSettings;
  /** A name whose image stays: podrun would bring it in again at once. */
  readonly keep?: string | undefined;
  /** Tests only. Default: statfs(2) of the layers' folder. */
  readonly diskUse?: () => Promise<DiskUse>;
}

export class ImageCollector {
  readonly #options: CollectorOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: CollectorOptions) {
    this.#options = options;
  }

  /** Collects each period from now on. A round that fails is logged, and the next one comes. */
  start(): void {
    this.#timer ??= setInterval(() => void this.run(), this.#options.settings.periodMillis).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One round; when one is under way, that. Failures are logged. */
  run(): Promise<void> {
    this.#running ??= this.#round().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  /** Every image that nobody uses goes: the disk is nearly full (kubelet, DeleteUnusedImages). Failures are logged. */
  async collectAll(): Promise<void> {
    await this.#running;
    const { context } = this.#options;
    try {
      this.#touchUsed();
      const freed = await this.#free(Number.POSITIVE_INFINITY, 0);
      if (freed > 0) context.log.info("removed images that nobody uses, for the disk is nearly full", { freed });
    } catch (error) {
      context.log.failure("ImageGCFailed", error);
    }
  }

  async #round(): Promise<void> {
    const { context, settings } = this.#options;
    try {
      this.#touchUsed();
      // 100 turns it off, as the kubelet's does.
      if (settings.high >= 100) return;
      const { capacity, available } = await this.#diskUse();
      const used = capacity === 0 ? 0 : 100 - Math.floor((available * 100) / capacity);
      if (used < settings.high) return;
      const wanted = Math.ceil((capacity * (100 - settings.low)) / 100) - available;
      context.log.info(
        "Disk usage on image filesystem is over the high threshold, trying to free bytes down to the low threshold",
        {
          usage: used,
          highThreshold: settings.high,
          lowThreshold: settings.low,
          amountToFree: wanted,
        },
      );
      const freed = await this.#free(wanted);
      if (freed < wanted) {
        context.log.warn(
          `FreeDiskSpaceFailed: Failed to garbage collect required amount of images. Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`,
        );
      }
    } catch (error) {
      context.log.failure("ImageGCFailed", error);
    }
  }

  /** What is in use now was used until now: it is not the oldest as soon as its pod is gone. */
  #touchUsed(): void {
    const { records, use, clock } = this.#options.context;
    const used = records.list().filter(({ image }) => use.isUsed(image.id));
    if (used.length > 0)
      records.touch(
        used.map(({ image }) => image.id),
        clock.now(),
      );
  }

  async #free(wanted: number, minAgeMillis: number = this.#options.settings.minAgeMillis): Promise<number> {
    const { context, keep } = this.#options;
    const { records, use, clock } = context;
    const removal = new Removal(context);
    removal.deleteLayers(records.orphans());
    const oldest = records
      .list()
      .filter(({ references }) => keep === undefined || !references.includes(keep))
      .toSorted((a, b) => a.lastUsed - b.lastUsed || lastSeen(a) - lastSeen(b));
    for (const recorded of oldest) {
      if (removal.bytes >= wanted) break;
      const { image, references } = recorded;
      if (use.isUsed(image.id) || clock.now() - lastSeen(recorded) < minAgeMillis) continue;
      context.log.info("Removing image to free bytes", { image: image.id, name: references[0], size: image.size });
      removal.delete(image.id, references);
    }
    return (await removal.done()).reclaimedBytes;
  }

  async #diskUse(): Promise<DiskUse> {
    if (this.#options.diskUse) return this.#options.diskUse();
    try {
      const { blocks, bavail, bsize } = await nodeStatfs(this.#options.context.folders.layers);
      return { capacity: blocks * bsize, available: bavail * bsize };
    } catch (error) {
      // Nothing has been pulled yet.
      if (errnoOf(error) === "ENOENT") return { capacity: 0, available: 0 };
      throw error;
    }
  }
}
