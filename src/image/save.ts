// One archive that is both an OCI image layout (index.json, blobs) and what `docker save` writes (manifest.json): whoever
// reads either finds all. Layers are made again out of their folders and skeletons, and checked while they are written.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { PassThrough, type Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import { pack } from "tar-stream";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { plainText } from "../base/plain-text.ts";
import type { ImageContext } from "./context.ts";
import { findImage } from "./find.ts";
import { findReplacing } from "./replaced-content.ts";
import type { ImageRecord, LayerRecord } from "./types.ts";

export interface SaveOptions {
  readonly signal?: AbortSignal | undefined;
  readonly embedded?: string | undefined;
}

interface SavedImage {
  readonly record: ImageRecord & { readonly rawConfig: string };
  readonly names: Set<string>;
}

/** Throws ImageNotFound, StateCorrupt; the stream fails with StateCorrupt where a layer was changed on the disk. */
export function saveImages(
  context: ImageContext,
  references: readonly string[],
  options: SaveOptions,
): NodeJS.ReadableStream {
  const images = findAll(context, references, options.embedded);
  const layers = new Map<string, LayerRecord>();
  for (const { record } of images)
    for (const digest of record.layers) layers.set(digest, savableLayer(context, record, digest));
  const releases = images.map(({ record }) => context.use.hold(record.id));
  const output = new PassThrough();
  const ender = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ender.signal]) : ender.signal;
  // Whoever stops reading ends the writing.
  output.once("close", () => ender.abort(new PodrunError("Cancelled", "saving images was cancelled")));
  const release = (): void => {
    for (const one of releases) one();
  };
  writeArchive(context, images, { layers: [...layers.values()], output, signal, release })
    .finally(release)
    .catch((error: unknown) => void output.destroy(error instanceof Error ? error : new Error(String(error))));
  return output;
}

function findAll(
  { records }: ImageContext,
  references: readonly string[],
  embedded: string | undefined,
): readonly SavedImage[] {
  if (references.length === 0) throw new PodrunError("BadRequest", "save: name at least one image");
  const images = new Map<string, SavedImage>();
  for (const reference of references) {
    const { image, name } = findImage(records, reference, embedded);
    const { rawConfig } = image;
    if (rawConfig === undefined) throw fromOldPodrun(reference);
    const saved = images.get(image.id) ?? { record: { ...image, rawConfig }, names: new Set<string>() };
    if (name !== undefined && !name.includes("@")) saved.names.add(name);
    images.set(image.id, saved);
  }
  return [...images.values()];
}

function savableLayer({ records }: ImageContext, image: ImageRecord, digest: string): LayerRecord {
  const layer = records.layer(digest);
  if (layer?.tarSize === undefined) throw fromOldPodrun(image.id);
  return layer;
}

function fromOldPodrun(image: string): PodrunError {
  return new PodrunError(
    "StateUnavailable",
    `image "${image}" was brought in by podrun 0.1.0, which did not keep what saving needs; remove it and pull or load it again`,
    { details: { image } },
  );
}

interface ArchiveParts {
  readonly layers: readonly LayerRecord[];
  readonly output: Writable;
  readonly signal: AbortSignal;
  /** Lets the images go; before the reader hears of a failure, and may remove them. */
  readonly release: () => void;
}

async function writeArchive(
  context: ImageContext,
  images: readonly SavedImage[],
  { layers, output, signal, release }: ArchiveParts,
): Promise<void> {
  const archive = pack();
  // pipeline, so that the end of either ends the other; what fails first is what is told.
  const written = pipeline(archive as unknown as Readable, output, { signal });
  const failed = Promise.withResolvers<never>();
  written.catch(failed.reject);
  // Heard by whoever writes at that moment, if anybody does.
  failed.promise.catch(() => undefined);
  const writer = new ArchiveWriter(archive, failed.promise);
  try {
    for (const layer of layers) await writer.layer(context, layer, signal);
    await writeDocuments(writer, images, layers);
    archive.finalize();
    await written;
  } catch (error) {
    release();
    archive.destroy(error instanceof Error ? error : undefined);
    output.destroy(error instanceof Error ? error : undefined);
    await written.catch(() => undefined);
    throw error;
  }
}

const OCI = "application/vnd.oci.image";

async function writeDocuments(
  writer: ArchiveWriter,
  images: readonly SavedImage[],
  layers: readonly LayerRecord[],
): Promise<void> {
  const sizes = new Map(layers.map(({ digest, tarSize }) => [digest, tarSize ?? 0]));
  const manifests: object[] = [];
  const docker: object[] = [];
  for (const { record, names } of images) {
    const config = await writer.blob(`${OCI}.config.v1+json`, record.rawConfig);
    const blobs = record.layers.map((digest) => ({
      mediaType: `${OCI}.layer.v1.tar`,
      digest,
      size: sizes.get(digest),
    }));
    const manifest = await writer.blob(
      `${OCI}.manifest.v1+json`,
      JSON.stringify({ schemaVersion: 2, mediaType: `${OCI}.manifest.v1+json`, config, layers: blobs }),
    );
    const { os, architecture } = record.config;
    const described = { ...manifest, platform: { os, architecture } };
    if (names.size === 0) manifests.push(described);
    for (const name of names) {
      manifests.push({
        ...described,
        annotations: { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name },
      });
    }
    docker.push({ Config: blobName(config.digest), RepoTags: [...names], Layers: record.layers.map(blobName) });
  }
  await writer.file("index.json", JSON.stringify({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests }));
  await writer.file("manifest.json", JSON.stringify(docker));
  await writer.file("oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
}

const blobName = (digest: string): string => `blobs/sha256/${digest.slice("sha256:".length)}`;

class ArchiveWriter {
  readonly #archive: ReturnType<typeof pack>;
  /** Never resolves; rejects when nobody takes what is written any more. */
  readonly #failed: Promise<never>;
  readonly #written = new Set<string>();

  constructor(archive: ReturnType<typeof pack>, failed: Promise<never>) {
    this.#archive = archive;
    this.#failed = failed;
  }

  async blob(
    mediaType: string,
    text: string,
  ): Promise<{ readonly mediaType: string; readonly digest: string; readonly size: number }> {
    const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
    await this.file(blobName(digest), text);
    return { mediaType, digest, size: Buffer.byteLength(text) };
  }

  async file(name: string, text: string): Promise<void> {
    if (this.#written.has(name)) return;
    this.#written.add(name);
    const done = Promise.withResolvers<void>();
    done.promise.catch(() => undefined);
    const end = (error?: Error | null): void => (error ? done.reject(error) : done.resolve());
    this.#archive.entry({ name, mode: 0o644, mtime: new Date(0) }, text, end);
    await Promise.race([done.promise, this.#failed]);
  }

  async layer({ folders, packer }: ImageContext, layer: LayerRecord, signal: AbortSignal): Promise<void> {
    const { digest, folder, tarSize = 0 } = layer;
    const file = folders.skeletonFile(folder);
    const skeleton = openSkeleton(file);
    const request = { folder: `${folders.layers}/${folder}`, layer: digest, skeleton, signal };
    const tar = (await packer.pack(request).catch((error: unknown) => {
      skeleton.destroy();
      throw error;
    })) as Readable;
    const done = Promise.withResolvers<void>();
    const entry = this.#archive.entry(
      { name: blobName(digest), size: tarSize, mode: 0o644, mtime: new Date(0) },
      (error) => (error ? done.reject(error) : done.resolve()),
    );
    // When writing fails elsewhere, the entry fails too; that is told once.
    done.promise.catch(() => undefined);
    entry.on("error", () => undefined);
    const hash = createHash("sha256");
    let size = 0;
    const sink = new Writable({
      write: (chunk: Buffer, _, next) => {
        hash.update(chunk);
        size += chunk.length;
        if (size > tarSize) next(changed(layer, `it is longer than its ${tarSize} bytes`));
        else if ((entry as unknown as Writable).write(chunk)) next();
        else (entry as unknown as Writable).once("drain", () => next());
      },
    });
    await Promise.race([pipeline(tar, sink, { signal }), this.#failed]).catch(async (error: unknown) => {
      throw badSkeleton(layer, error) ?? (signal.aborted ? undefined : await replaced(layer, file)) ?? error;
    });
    const found = `sha256:${hash.digest("hex")}`;
    if (size !== tarSize || found !== digest)
      throw (
        (await replaced(layer, file)) ??
        changed(layer, `it has ${size} bytes and hashes to ${found}, and had ${tarSize}`)
      );
    (entry as unknown as Writable).end();
    await Promise.race([done.promise, this.#failed]);
  }
}

/** Whoever reads it hears of all that is wrong with the file: an error that nobody hears ends the daemon. */
function openSkeleton(file: string): Readable {
  const plain = createZstdDecompress();
  pipeline(createReadStream(file), plain).catch((error: Error) => void plain.destroy(error));
  // It may fail before its reader has begun, who is told all the same.
  plain.on("error", () => undefined);
  return plain;
}

function badSkeleton(layer: LayerRecord, error: unknown): PodrunError | undefined {
  const code = errnoOf(error) ?? "";
  if (code === "ENOENT") return changed(layer, "its skeleton is missing", error);
  return /^(Z_|ZSTD_)/.test(code) ? changed(layer, `its skeleton is damaged: ${code}`, error) : undefined;
}

/** Nothing of it was changed, then: it never could be saved. */
async function replaced({ digest }: LayerRecord, skeletonFile: string): Promise<PodrunError | undefined> {
  const entry = await findReplacing(openSkeleton(skeletonFile)).catch(() => undefined);
  if (entry === undefined) return undefined;
  const why = `its entry ${JSON.stringify(plainText(entry))} took the place of an earlier one of the same name, whose content is not kept`;
  return new PodrunError(
    "Conflict",
    `layer ${digest} cannot be saved: ${why}; copy the image from where it came (skopeo copy)`,
    { details: { layer: digest, entry } },
  );
}

function changed({ digest, folder }: LayerRecord, what: string, cause?: unknown): PodrunError {
  return new PodrunError(
    "StateCorrupt",
    `layer ${digest} was changed on disk (${what}); remove the images that have it and pull them again`,
    { details: { layer: digest, folder }, cause },
  );
}
