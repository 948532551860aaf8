import { join } from "node:path";
import { timestamp } from "../base/clock.ts";
import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { translateStateError } from "../base/state-errors.ts";
import { readAccountFile } from "./accounts.ts";
import type { ChosenImage } from "./choose.ts";
import { Claims } from "./claims.ts";
import type { ImageContext } from "./context.ts";
import type { LayerSource } from "./layer-pool.ts";
import type { LayerProgress } from "./layer-progress.ts";
import { Semaphore } from "./semaphore.ts";
import type { ImageRecord, LayerRecord } from "./types.ts";

/** Layers of one pull that are fetched at once, as Docker and the kubelet's runtimes have it. */
const DOWNLOADS = 3;

/** Ways to one layer, tried in their order. */
export type LayerSources = readonly [LayerSource, ...LayerSource[]];

export interface AddOptions {
  /** For errors. */
  readonly image: string;
  /** Normalised names that are to mean it. */
  readonly references: readonly string[];
  /** As many as the image has layers, in their order. */
  readonly layers: readonly LayerSources[];
  readonly archive?: string | undefined;
  readonly signal: AbortSignal;
  readonly onLayer?: ((progress: LayerProgress) => void) | undefined;
  readonly onRecording?: (() => void) | undefined;
}

/**
 * Brings an image's layers in and records it, all or nothing. When it fails, layers that were whole are kept for the next
 * try, but for a full disk, which gets everything back.
 */
export async function addImage(context: ImageContext, chosen: ChosenImage, options: AddOptions): Promise<ImageRecord> {
  const claims = new Claims(context.layers);
  try {
    await obtainAll(claims, options);
    step("image.unpacked");
    options.signal.throwIfAborted();
    options.onRecording?.();
    let added: ImageRecord | undefined;
    await claims.commit(chosen.diffIds, (layers) => {
      added = makeRecord(context, chosen, layers, options.archive);
      context.records.add(added, options.references, layers);
    });
    step("image.recorded");
    return added as ImageRecord;
  } catch (reason) {
    const error = translateStateError(context.folders.layers, reason);
    if (isFullDisk(error)) throw givenBack(error, options.image, claims.unpublishedBytes);
    await claims.keepWhole().catch((reason: unknown) => context.log.failure("whole layers could not be kept", reason));
    throw error;
  } finally {
    await claims.release();
  }
}

/** The first failure ends the others, and all have ended when it is thrown. */
async function obtainAll(claims: Claims, { image, layers, signal, onLayer }: AddOptions): Promise<void> {
  const ender = new AbortController();
  const either = AbortSignal.any([signal, ender.signal]);
  const downloads = new Semaphore(DOWNLOADS);
  let first: { readonly error: unknown } | undefined;
  const seen = new Set<string>();
  const obtain = async (sources: LayerSources): Promise<void> => {
    try {
      await downloads.run(() => obtainOne(claims, sources, { image, signal: either, onProgress: onLayer }), either);
    } catch (error) {
      first ??= { error };
      ender.abort(error);
    }
  };
  const once = layers.filter(([{ diffId }]) => !seen.has(diffId) && seen.add(diffId));
  await Promise.all(once.map(obtain));
  if (first !== undefined) throw first.error;
}

async function obtainOne(
  claims: Claims,
  sources: LayerSources,
  options: Parameters<Claims["obtain"]>[1],
): Promise<void> {
  for (const [at, source] of sources.entries()) {
    try {
      return await claims.obtain(source, options);
    } catch (error) {
      if (at === sources.length - 1 || options.signal?.aborted || isFullDisk(error)) throw error;
      const { digest, size } = source.blob;
      const message = error instanceof Error ? error.message : String(error);
      options.onProgress?.({ type: "layer", digest, state: "retrying", bytes: 0, size, unpacked: 0, message });
    }
  }
}

function makeRecord(
  { folders, clock, packer }: ImageContext,
  { id, rawConfig, config, diffIds }: ChosenImage,
  layers: readonly LayerRecord[],
  archive: string | undefined,
): ImageRecord {
  const places = new Map(layers.map(({ digest, folder }) => [digest, join(folders.layers, folder)]));
  const lowestFirst = diffIds.flatMap((digest) => places.get(digest) ?? []);
  return {
    id,
    config,
    rawConfig,
    layers: diffIds,
    passwd: readAccountFile(lowestFirst, "passwd", packer.isOpaque),
    group: readAccountFile(lowestFirst, "group", packer.isOpaque),
    size: layers.reduce((sum, { size }) => sum + size, 0),
    importedAt: timestamp(clock.now()),
    ...(archive === undefined ? {} : { archive }),
  };
}

export const isFullDisk = (error: unknown): error is PodrunError =>
  error instanceof PodrunError && error.code === "StateUnavailable";

function givenBack(error: PodrunError, image: string, bytes: number): PodrunError {
  const named = error.message.includes(image) ? error.message : `image "${image}": ${error.message}`;
  const kept = `${(bytes / 1e6).toFixed(1)} MB of other layers that had come were given back`;
  return new PodrunError("StateUnavailable", bytes > 0 ? `${named} (${kept})` : named, {
    details: { ...error.details, image, givenBackBytes: bytes },
    cause: error,
  });
}
