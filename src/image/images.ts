import { statSync } from "node:fs";
import { join } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { PodrunError } from "../base/errors.ts";
import { Logger } from "../base/logger.ts";
import { isFullDisk } from "./add-image.ts";
import { checkArchitecture } from "./config.ts";
import type { ImageContext, RegistryAccess } from "./context.ts";
import { EmbeddedImage, type EmbeddedOptions } from "./embedded.ts";
import { findByName, imageNotFound } from "./find.ts";
import { ImageFolders } from "./folders.ts";
import { type ImportOptions, importRootfs } from "./import-rootfs.ts";
import { inspectImage, rawConfigOf } from "./inspect.ts";
import { LayerPool } from "./layer-pool.ts";
import { loadImages } from "./load.ts";
import { type PruneOptions, pruneImages } from "./prune.ts";
import { notServed, pullImage, pullKey } from "./pull.ts";
import { PullFlights } from "./pull-flights.ts";
import { isLocal, nameOf, parseReference } from "./reference.ts";
import { removeImage } from "./remove.ts";
import { saveImages } from "./save.ts";
import { tagImage } from "./tag.ts";
import type {
  FolderOwner,
  ImageRecord,
  ImageRecords,
  ImageService,
  InspectedImage,
  LayerPacker,
  ListedImage,
  PulledImage,
  PullRequest,
  RemovedImages,
  RuntimeImage,
} from "./types.ts";
import { ImageUse, type UsedBy } from "./use.ts";

export interface ImagesOptions {
  /** The instance's state folder; images lie in `images/` below it. */
  readonly root: string;
  readonly records: ImageRecords;
  readonly packer: LayerPacker;
  readonly registry: RegistryAccess;
  /** Containers on record that use an image, by its id. */
  readonly usedBy?: UsedBy;
  /** The image that podrun brings along, loaded when it is first needed. */
  readonly embedded?: EmbeddedOptions;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** The images that are here. Each verb is a file of its own; this finds it and hands on. */
export class Images implements ImageService {
  /** For the garbage collector. */
  readonly context: ImageContext;
  readonly #embedded: EmbeddedImage | undefined;
  readonly #pulls = new PullFlights();
  /** A pull found the disk full and has given its space back. It is not tried again by itself, as the kubelet does not. */
  onFullDisk: () => void = () => undefined;

  constructor(options: ImagesOptions) {
    const { records, packer, registry } = options;
    const folders = new ImageFolders(options.root, (folder) => packer.spread(folder));
    this.context = {
      records,
      folders,
      packer,
      registry,
      layers: new LayerPool({ records, folders, packer }),
      use: new ImageUse(options.usedBy ?? (() => [])),
      clock: options.clock ?? systemClock,
      log: options.log ?? new Logger(),
    };
    this.#embedded =
      options.embedded &&
      new EmbeddedImage(options.embedded, records, (source, only, archive) =>
        loadImages(this.context, source, { only: [only], archive }),
      );
  }

  /** The name of the image that podrun brings along. */
  get embeddedName(): string | undefined {
    return this.#embedded?.reference;
  }

  async resolve(reference: string): Promise<RuntimeImage> {
    await this.#ensureIfNamed(reference);
    return this.#resolve(reference);
  }

  async hold(reference: string): Promise<{ readonly image: RuntimeImage; readonly release: () => void }> {
    await this.#ensureIfNamed(reference);
    // From here to the hold nothing may come between: the image could go.
    const image = this.#resolve(reference);
    const release = this.context.use.hold(image.id);
    this.context.records.touch([image.id], this.context.clock.now());
    return { image, release };
  }

  async pull(request: PullRequest): Promise<PulledImage> {
    const reference = parseReference(request.reference);
    if (isLocal(reference)) return this.#pullLocal(request.reference, nameOf(reference));
    return this.#pulls.run(pullKey(request), request, async (signal, tell) => {
      try {
        return await pullImage(this.context, { request, signal, tell });
      } catch (error) {
        if (isFullDisk(error)) this.onFullDisk();
        throw error;
      }
    });
  }

  list(): readonly ListedImage[] {
    return this.context.records.list().map(({ image, references }) => ({
      id: image.id,
      references,
      size: image.size,
      ...createdAt(image),
      importedAt: image.importedAt,
      containers: this.context.use.containers(image.id).length,
    }));
  }

  async inspect(reference: string): Promise<InspectedImage> {
    await this.#ensureIfNamed(reference);
    return inspectImage(this.context, reference, this.embeddedName);
  }

  async load(
    source: string | NodeJS.ReadableStream,
    options: { readonly name?: string; readonly signal?: AbortSignal } = {},
  ): Promise<readonly string[]> {
    const loaded = await loadImages(this.context, source, options);
    return loaded.map(({ image, references }) => references[0] ?? image.id);
  }

  async save(
    references: readonly string[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<NodeJS.ReadableStream> {
    for (const reference of references) await this.#ensureIfNamed(reference);
    return saveImages(this.context, references, { ...options, embedded: this.embeddedName });
  }

  importRootfs(source: NodeJS.ReadableStream, options: ImportOptions): Promise<string> {
    return importRootfs(this.context, source, options);
  }

  async tag(source: string, target: string): Promise<void> {
    await this.#ensureIfNamed(source);
    tagImage(this.context, source, target, this.embeddedName);
  }

  async remove(reference: string, options: { readonly force?: boolean } = {}): Promise<RemovedImages> {
    return removeImage(this.context, reference, { ...options, embedded: this.embeddedName });
  }

  prune(options: PruneOptions = {}): Promise<RemovedImages> {
    return pruneImages(this.context, options, this.embeddedName);
  }

  /** Removes what killed pulls and removals left; once, when the daemon starts. Returns the paths. */
  recover(): Promise<readonly string[]> {
    const { records, folders } = this.context;
    return folders.prune(new Set(records.layers().map(({ folder }) => folder)));
  }

  /** The image that podrun brings along is here, and the one of the archive that lies there now. */
  async ensureEmbedded(): Promise<void> {
    await this.#embedded?.ensure();
  }

  async #ensureIfNamed(reference: string): Promise<void> {
    if (this.#embedded?.means(reference)) await this.#embedded.ensure();
  }

  #resolve(reference: string): RuntimeImage {
    const { records, folders, packer } = this.context;
    const record = findByName(records, reference);
    if (record === undefined) throw imageNotFound(records, reference, this.embeddedName);
    checkArchitecture(record.config, reference);
    const all = topmost(record.layers).map((digest) => layerFolder(records, digest, reference));
    const layers = fromOpaque(all, (layer) => packer.isOpaque(join(folders.layers, layer)));
    return {
      id: record.id,
      reference,
      config: record.config,
      layersFolder: folders.layers,
      layers,
      top: topFolder(layers.map((layer) => join(folders.layers, layer))),
      passwd: record.passwd,
      group: record.group,
    };
  }

  async #pullLocal(text: string, name: string): Promise<PulledImage> {
    await this.#ensureIfNamed(text);
    const found = this.context.records.list().find(({ references }) => references.includes(name));
    if (found === undefined) throw notServed(text);
    const { image, references } = found;
    const digest = references.map((one) => one.split("@")[1]).find((one) => one !== undefined) ?? image.id;
    return { id: image.id, reference: name, digest, unchanged: true, size: image.size };
  }
}

/**
 * Owner and mode of `/`. A layer whose archive says nothing of its root has the one below it, as with podman; its folder
 * then is root's with 0755, so the highest that is not so counts.
 */
function topFolder(layers: readonly string[]): FolderOwner | undefined {
  for (const layer of layers.toReversed()) {
    const { uid, gid, mode } = statSync(layer);
    const bits = mode & 0o7777;
    if (uid !== 0 || gid !== 0 || bits !== 0o755) return { uid, gid, mode: bits };
  }
  return undefined;
}

/**
 * Each layer once, at its highest place: overlay refuses a folder that comes twice, and what a lower occurrence shows or
 * hides, the higher one shows and hides again.
 */
function topmost(layers: readonly string[]): readonly string[] {
  return layers.filter((digest, index) => layers.lastIndexOf(digest) === index);
}

/** From the highest layer on whose root is opaque: the kernel heeds that of folders, and not of what it mounts (tried on 6.18). */
function fromOpaque(layers: readonly string[], isOpaque: (layer: string) => boolean): readonly string[] {
  return layers.slice(Math.max(0, layers.findLastIndex(isOpaque)));
}

function layerFolder(records: ImageRecords, digest: string, reference: string): string {
  const layer = records.layer(digest);
  if (layer !== undefined) return layer.folder;
  throw new PodrunError(
    "StateCorrupt",
    `image "${reference}": its layer ${digest} is not recorded; remove the image and pull it again`,
    { details: { image: reference, layer: digest } },
  );
}

function createdAt(image: ImageRecord): { readonly createdAt?: string } {
  const { created } = rawConfigOf(image);
  return typeof created === "string" ? { createdAt: created } : {};
}
