import { PassThrough } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { errnoOf } from "../base/errors.ts";
import { badBlob, type Descriptor, Hasher, openBlob } from "./blob.ts";
import { LayerWriter } from "./layer-writer.ts";
import { readTar } from "./tar.ts";

/**
 * Unpacks a layer's blob into an empty folder, and returns the bytes of its files. Checked on the way: the blob's digest and
 * size, and the diff id of what it decompresses to. Throws InvalidImage; the folder then holds a part and is to be removed.
 */
export async function unpackLayer(
  layout: string,
  layer: { readonly blob: Descriptor; readonly diffId: string },
  folder: string,
  image: string,
): Promise<number> {
  const { blob, diffId } = layer;
  const [packed, plain] = [new Hasher(), new Hasher()];
  const writer = new LayerWriter(folder, image);
  const streams = [openBlob(layout, blob.digest, image), packed, decompressor(blob.mediaType, image), plain];
  const damaged = (reason: string, cause: unknown) =>
    badBlob(image, `layer ${blob.digest} cannot be unpacked: ${reason}`, cause);
  try {
    await readTar(streams, (header, content) => writer.write(header, content), damaged);
  } catch (error) {
    throw errnoOf(error) === "ENOENT" ? badBlob(image, `blob ${blob.digest} is missing`, error) : error;
  }
  packed.verify(image, blob.digest, blob.size);
  plain.verify(image, diffId);
  writer.finish();
  return writer.size;
}

function decompressor(mediaType: string, image: string): NodeJS.ReadWriteStream {
  if (/[.+]gzip$/.test(mediaType)) return createGunzip();
  if (/\+zstd$/.test(mediaType)) return createZstdDecompress();
  if (/\.tar$/.test(mediaType)) return new PassThrough();
  throw badBlob(image, `"${mediaType}" is no layer that podrun knows; tar, tar+gzip and tar+zstd are`);
}
