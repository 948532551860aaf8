import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { addImage } from "./add-image.ts";
import { type ArchiveFiles, FolderFiles, openArchive } from "./archive.ts";
import { ARCHIVE, badBlob } from "./blob.ts";
import type { ImageContext } from "./context.ts";
import { readDockerArchive } from "./docker-archive.ts";
import { readDockerDir } from "./docker-dir.ts";
import { readLayout, type StoredImage } from "./layout.ts";
import { nameOf, parseReference } from "./reference.ts";
import type { ImageRecord } from "./types.ts";

export interface LoadOptions {
  /** For an image that the archive does not name. */
  readonly name?: string | undefined;
  /** Names that the only image gets, whatever the archive says. */
  readonly only?: readonly string[] | undefined;
  /** sha256:… of the archive, to be kept. */
  readonly archive?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Brings in the images of an archive (OCI layout, else `dir:`, else docker-archive; hybrids have both) or of a folder like them.
 * Throws InvalidImage, WrongArchitecture, NotFound, StateUnavailable, Cancelled; images before the one that failed are here then.
 */
export async function loadImages(
  context: ImageContext,
  source: string | NodeJS.ReadableStream,
  options: LoadOptions = {},
): Promise<readonly { readonly image: ImageRecord; readonly references: readonly string[] }[]> {
  const signal = options.signal ?? new AbortController().signal;
  const label = typeof source === "string" ? source : ARCHIVE;
  if (typeof source === "string" && isFolder(source))
    return addAll(context, new FolderFiles(source), label, { ...options, signal });
  return context.folders.withTemporary(async (temporary) => {
    const stream = typeof source === "string" ? createReadStream(source) : Readable.from(source);
    const cancel = (): void => void stream.destroy(cancelled(label, signal.reason));
    signal.addEventListener("abort", cancel, { once: true });
    try {
      if (signal.aborted) throw cancelled(label, signal.reason);
      const files = await openArchive(stream, join(temporary, "archive"), label);
      return await addAll(context, files, label, { ...options, signal });
    } finally {
      signal.removeEventListener("abort", cancel);
      stream.destroy();
    }
  });
}

async function addAll(
  context: ImageContext,
  files: ArchiveFiles,
  label: string,
  options: LoadOptions & { readonly signal: AbortSignal },
): Promise<readonly { readonly image: ImageRecord; readonly references: readonly string[] }[]> {
  const images =
    (await readLayout(files, label)) ?? (await readDockerDir(files, label)) ?? (await readDockerArchive(files, label));
  if (images === undefined) {
    throw badBlob(
      label,
      'it has neither index.json (an OCI image layout) nor manifest.json (docker save); for a root file system there is "podrun import"',
    );
  }
  if (images.length === 0) throw badBlob(label, "there is no image in it");
  const added = [];
  for (const stored of nameThem(images, label, options)) {
    const image = await addImage(context, stored.chosen, {
      image: stored.references[0] ?? label,
      references: stored.references,
      layers: stored.chosen.layers.map((layer) => [{ ...layer, open: () => stored.open(layer.blob) }] as const),
      archive: options.archive,
      signal: options.signal,
    });
    added.push({ image, references: stored.references });
  }
  return added;
}

function nameThem(images: readonly StoredImage[], label: string, { name, only }: LoadOptions): readonly StoredImage[] {
  if (only !== undefined) {
    if (images.length === 1) return images.map((image) => ({ ...image, references: only }));
    throw badBlob(label, `one image was expected in it, and there are ${images.length}`);
  }
  if (name === undefined) return images;
  const reference = parseReference(name);
  if (reference.digest !== undefined)
    throw new PodrunError("BadRequest", `name "${name}": an image is named with a tag, not with a digest`);
  const unnamed = images.filter(({ references }) => references.length === 0);
  if (unnamed.length > 1)
    throw badBlob(label, `${unnamed.length} images in it have no name, and "${name}" can be one's only`);
  return images.map((image) => (image.references.length === 0 ? { ...image, references: [nameOf(reference)] } : image));
}

function isFolder(source: string): boolean {
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

function cancelled(label: string, cause: unknown): PodrunError {
  return new PodrunError("Cancelled", `image archive "${label}": loading was cancelled`, { cause });
}
