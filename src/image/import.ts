import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import { timestamp } from "../base/clock.ts";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { readAccountFile } from "./accounts.ts";
import { openArchive } from "./archive.ts";
import { badBlob, blobPath } from "./blob.ts";
import type { ImageFolders } from "./folders.ts";
import { type LayoutImage, readLayout } from "./layout.ts";
import type { ImageRecord, ImageRecords, LayerPacker, LayerRecord } from "./types.ts";
import { unpackLayer } from "./unpack.ts";
import { writerPacker } from "./writer-packer.ts";

/** Short: overlay's options name 120 layers in one page (design, section 6). */
const SHORT_LENGTH = 16;

export interface ImportTarget {
  readonly folders: ImageFolders;
  readonly records: ImageRecords;
  readonly packer?: LayerPacker | undefined;
}

/**
 * Brings in the images of an OCI image layout, a tar archive or a folder: layers are unpacked (those that are here already
 * are not), put on the disk, and then recorded with the image in one transaction. `name` is for layouts that name no image.
 * Throws InvalidImage, WrongArchitecture, NotFound, StateUnavailable; nothing is left then.
 */
export async function importLayout(
  target: ImportTarget,
  source: string,
  name?: string,
): Promise<readonly ImageRecord[]> {
  const isFolder = look(source);
  return target.folders.withTemporary(async (temporary) => {
    const layout = isFolder ? source : join(temporary, "layout");
    const archive = isFolder ? undefined : await openArchive(source, layout);
    const images: ImageRecord[] = [];
    for (const image of await readLayout(layout, source, name)) {
      images.push(await importImage(target, image, { layout, temporary, archive }));
    }
    return images;
  });
}

function look(source: string): boolean {
  try {
    return statSync(source).isDirectory();
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
    throw new PodrunError("NotFound", `image archive "${source}": there is no such file`, {
      details: { file: source },
      cause: error,
    });
  }
}

interface Origin {
  readonly layout: string;
  readonly temporary: string;
  readonly archive: string | undefined;
}

async function importImage(target: ImportTarget, image: LayoutImage, origin: Origin): Promise<ImageRecord> {
  const layers: LayerRecord[] = [];
  const fresh: { readonly record: LayerRecord; readonly folder: string }[] = [];
  for (const layer of image.layers) {
    const known = target.records.layer(layer.diffId) ?? layers.find(({ digest }) => digest === layer.diffId);
    if (known !== undefined) {
      layers.push(known);
      continue;
    }
    const folder = join(origin.temporary, `layer-${layers.length}`);
    const name = image.references[0] ?? image.id;
    const source = createReadStream(blobPath(origin.layout, layer.blob.digest, name));
    const { size } = await unpackLayer(
      source,
      layer,
      { folder, skeletonFile: `${folder}.zst` },
      { packer: target.packer ?? writerPacker, image: name },
    ).catch((error: unknown) => {
      throw errnoOf(error) === "ENOENT" ? badBlob(name, `blob ${layer.blob.digest} is missing`, error) : error;
    });
    const record = { digest: layer.diffId, folder: shortName(target.records, layers, layer.diffId), size };
    layers.push(record);
    fresh.push({ record, folder });
  }
  step("image.unpacked");
  if (fresh.length > 0) await target.folders.sync(origin.temporary);
  for (const { record, folder } of fresh)
    await target.folders.publish({ folder, skeletonFile: `${folder}.zst` }, record.folder);
  step("image.published");
  const record = makeRecord(target, image, layers, origin.archive);
  target.records.add(record, image.references, layers);
  return record;
}

function makeRecord(
  target: ImportTarget,
  image: LayoutImage,
  layers: readonly LayerRecord[],
  archive: string | undefined,
): ImageRecord {
  const folders = layers.map(({ folder }) => join(target.folders.layers, folder));
  return {
    id: image.id,
    config: image.config,
    layers: layers.map(({ digest }) => digest),
    passwd: readAccountFile(folders, "passwd"),
    group: readAccountFile(folders, "group"),
    size: layers.reduce((sum, { size }) => sum + size, 0),
    importedAt: timestamp(Date.now()),
    ...(archive === undefined ? {} : { archive }),
  };
}

/** As many digits of the digest as make it the only one. */
function shortName(records: ImageRecords, coming: readonly LayerRecord[], digest: string): string {
  const hex = digest.slice("sha256:".length);
  const taken = new Set([...records.layers(), ...coming].map(({ folder }) => folder));
  let length = SHORT_LENGTH;
  while (taken.has(hex.slice(0, length)) && length < hex.length) length++;
  return hex.slice(0, length);
}
