import { createWriteStream } from "node:fs";
import { chmod } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { makeFolder } from "../base/make-folder.ts";
import { translateStateError } from "../base/state-errors.ts";
import { badLayer, Hasher, type LayerName } from "./blob.ts";
import { Decompressor, isForeign, type Packed, packingOf } from "./decompress.ts";
import { UnpackLimits } from "./limits.ts";
import { removeFast } from "./remove-fast.ts";
import type { LayerPacker, Unpacking } from "./types.ts";

/** A layer as it comes; what is not given is not known beforehand, and not checked. */
export interface PackedLayer {
  readonly blob: { readonly mediaType: string; readonly digest?: string; readonly size?: number };
  /** sha256:… of the uncompressed archive. */
  readonly diffId?: string;
}

/** Where it goes: neither need be there, both are gone again when it fails. */
export interface LayerTarget {
  readonly folder: string;
  readonly skeletonFile: string;
}

export interface UnpackOptions {
  readonly packer: LayerPacker;
  /** For errors. */
  readonly image: string;
  readonly signal?: AbortSignal | undefined;
  /** Packed bytes that have come so far. */
  readonly onPacked?: ((bytes: number) => void) | undefined;
  /** Plain bytes that have been given to the unpacker so far. */
  readonly onUnpacked?: ((bytes: number) => void) | undefined;
}

export interface UnpackedLayer {
  /** Bytes of its files. */
  readonly size: number;
  readonly diffId: string;
  /** Of the packed bytes. */
  readonly digest: string;
  readonly packedSize: number;
}

/** zstd's own default: a skeleton of a 300 MB layer is some hundred KB. */
const SKELETON_LEVEL = 3;

/**
 * Unpacks a layer in one pass: packed bytes are hashed, decompressed, hashed again, and given to the packer, which writes the
 * folder and gives the skeleton back. Nothing is held but a few hundred KB; whoever is slowest slows the rest down.
 *
 * Only when this resolves were both digests right. Throws InvalidImage, StateUnavailable, Cancelled, MonitorGone, and what
 * `source` fails with; folder and skeleton are gone then, and every stream is destroyed.
 */
export async function unpackLayer(
  source: Readable,
  layer: PackedLayer,
  target: LayerTarget,
  options: UnpackOptions,
): Promise<UnpackedLayer> {
  // It may fail before anybody reads it: its error is seen when it is read.
  source.on("error", () => undefined);
  try {
    return await unpackInto(source, layer, target, options);
  } catch (error) {
    source.destroy();
    await removeFast(target.folder, target.skeletonFile);
    throw error;
  }
}

async function unpackInto(
  source: Readable,
  layer: PackedLayer,
  { folder, skeletonFile }: LayerTarget,
  options: UnpackOptions,
): Promise<UnpackedLayer> {
  const { packer, image, signal, onPacked, onUnpacked } = options;
  const name: LayerName = { image, layer: layer.blob.digest ?? layer.diffId ?? "of the archive" };
  const format = requirePacking(name, layer.blob.mediaType);
  makeFolder(folder);
  // The layer's own root, for archives that do not say how it is; exact whatever our umask.
  await chmod(folder, 0o755);
  const limits = new UnpackLimits(name, folder);
  const packed = new Hasher((bytes) => void onPacked?.(bytes));
  const plain = new Hasher((bytes) => {
    onUnpacked?.(bytes);
    return limits.check(packed.bytes, bytes);
  });
  const unpacking = await packer.unpack({ folder, image, layer: name.layer, signal });
  const file = createWriteStream(skeletonFile, { flags: "wx", mode: 0o600 });
  const { done } = await allOrNothing(source, unpacking, () => ({
    archive: pipeline(source, packed, new Decompressor(format), plain, unpacking.archive),
    skeleton: pipeline(unpacking.skeleton, compressor(), file),
    done: unpacking.done,
  })).catch((error: unknown) => {
    throw translate(name, folder, error);
  });
  if (layer.blob.digest !== undefined) packed.verify(image, layer.blob.digest, layer.blob.size);
  if (layer.diffId !== undefined && layer.diffId !== plain.digest())
    throw badLayer(
      name,
      `it unpacks to ${plain.digest()}, the image's config says to ${layer.diffId}; get the image again`,
    );
  return { size: done.bytes, diffId: plain.digest(), digest: packed.digest(), packedSize: packed.bytes };
}

const compressor = () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: SKELETON_LEVEL } });

function requirePacking(name: LayerName, mediaType: string): Packed {
  if (isForeign(mediaType))
    throw badLayer(
      name,
      `"${mediaType}": a foreign layer, whose bytes its registry may not have; get the image in a form that has them`,
    );
  const packed = packingOf(mediaType);
  if (packed === undefined)
    throw badLayer(name, `"${mediaType}" is no layer that podrun knows; tar, tar+gzip and tar+zstd are`);
  return packed;
}

interface Ends {
  readonly archive: Promise<void>;
  readonly skeleton: Promise<void>;
  readonly done: Unpacking["done"];
}

/** When one end fails the others are ended, waited for, and what failed first is thrown: theirs only follows from it. */
async function allOrNothing(
  source: Readable,
  unpacking: Unpacking,
  start: () => Ends,
): Promise<{ readonly done: Awaited<Unpacking["done"]> }> {
  let first: unknown;
  const { archive, skeleton, done } = start();
  const ends = [archive, skeleton, done];
  for (const end of ends)
    end.catch((error: unknown) => {
      if (first !== undefined) return;
      first = error;
      const reason = error instanceof Error ? error : new Error(String(error));
      source.destroy(reason);
      unpacking.archive.destroy(reason);
      unpacking.skeleton.destroy(reason);
    });
  await Promise.allSettled(ends);
  if (first !== undefined) throw first;
  return { done: await done };
}

/** zlib's codes speak of the packed bytes, other system errors of the folder. */
function translate(name: LayerName, folder: string, error: unknown): unknown {
  if (error instanceof PodrunError || !(error instanceof Error)) return error;
  if (error.name === "AbortError")
    return new PodrunError("Cancelled", `layer ${name.layer}: unpacking was cancelled`, {
      details: { ...name },
      cause: error,
    });
  const code = errnoOf(error);
  if (code === "Z_BUF_ERROR") return badLayer(name, "it is cut off: its packed data ends too early", error);
  if (code !== undefined && /^(Z_|ZSTD_)/.test(code))
    return badLayer(name, `it cannot be unpacked: ${error.message}`, error);
  return translateStateError(folder, error, `image "${name.image}": layer ${name.layer}`);
}
