import { type Clock, systemClock } from "../base/clock.ts";
import { PodrunError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";
import { checkArchitecture } from "./config.ts";
import type { RegistryAccess, UsedBy } from "./context.ts";
import { EmbeddedImage, type EmbeddedOptions } from "./embedded.ts";
import { findByName, imageNotFound, lookupName } from "./find.ts";
import { ImageFolders } from "./folders.ts";
import { importLayout } from "./import.ts";
import type {
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
import { ImageUse } from "./use.ts";

export interface ImagesOptions {
  /** The instance's state folder; images lie in `images/` below it. */
  readonly root: string;
  readonly records: ImageRecords;
  readonly packer?: LayerPacker;
  readonly registry?: RegistryAccess;
  /** Containers on record that use an image, by its id. */
  readonly usedBy?: UsedBy;
  /** The image that podrun brings along, imported when it is first needed. */
  readonly embedded?: EmbeddedOptions;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** The images that are here: finds the verb's file and hands on. */
export class Images implements ImageService {
  readonly #records: ImageRecords;
  readonly #folders: ImageFolders;
  readonly #use: ImageUse;
  readonly #clock: Clock;
  readonly #embedded: EmbeddedImage | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ImagesOptions) {
    this.#records = options.records;
    this.#folders = new ImageFolders(options.root);
    this.#use = new ImageUse(options.usedBy ?? (() => []));
    this.#clock = options.clock ?? systemClock;
    this.#embedded =
      options.embedded &&
      new EmbeddedImage(options.embedded, this.#records, (archive, name) => this.import(archive, name));
  }

  async resolve(reference: string): Promise<RuntimeImage> {
    const record = await this.#find(reference);
    checkArchitecture(record.config, reference);
    return {
      id: record.id,
      reference,
      config: record.config,
      layersFolder: this.#folders.layers,
      layers: topmost(record.layers).map((digest) => this.#layerFolder(digest, reference)),
      passwd: record.passwd,
      group: record.group,
    };
  }

  async hold(reference: string): Promise<{ readonly image: RuntimeImage; readonly release: () => void }> {
    const image = await this.resolve(reference);
    this.#records.touch([image.id], this.#clock.now());
    return { image, release: this.#use.hold(image.id) };
  }

  pull(_request: PullRequest): Promise<PulledImage> {
    return notYet("pull");
  }

  list(): readonly ListedImage[] {
    return this.#records.list().map(({ image, references }) => ({
      id: image.id,
      references,
      size: image.size,
      ...createdAt(image),
      importedAt: image.importedAt,
      containers: this.#use.containers(image.id).length,
    }));
  }

  inspect(_reference: string): Promise<InspectedImage> {
    return notYet("inspect-image");
  }

  load(_source: string | NodeJS.ReadableStream): Promise<readonly string[]> {
    return notYet("load");
  }

  save(_references: readonly string[]): Promise<NodeJS.ReadableStream> {
    return notYet("save");
  }

  importRootfs(_source: NodeJS.ReadableStream): Promise<string> {
    return notYet("import");
  }

  tag(_source: string, _target: string): void {
    throw new PodrunError("Internal", "not yet: tag");
  }

  async remove(reference: string, _options: { readonly force?: boolean } = {}): Promise<RemovedImages> {
    return this.#exclusively(async () => {
      const record = this.#records.get(reference) ?? this.#records.find(lookupName(reference));
      if (record === undefined) throw imageNotFound(this.#records, reference, this.#embedded?.reference);
      const layers = this.#records.remove(record.id);
      await this.#folders.remove(layers.map(({ folder }) => folder));
      return { untagged: [], deleted: [record.id], reclaimedBytes: 0 };
    });
  }

  prune(): Promise<RemovedImages> {
    return notYet("image prune");
  }

  /** Removes what killed imports and removals left; once, when the daemon starts. Returns the paths. */
  recover(): Promise<readonly string[]> {
    return this.#exclusively(async () =>
      this.#folders.prune(new Set(this.#records.layers().map(({ folder }) => folder))),
    );
  }

  /** Brings in the images of an OCI image layout (tar archive or folder); see {@link importLayout}. */
  import(source: string, name?: string): Promise<readonly ImageRecord[]> {
    return this.#exclusively(() => importLayout({ folders: this.#folders, records: this.#records }, source, name));
  }

  /** The image that podrun brings along is here, and the one of the archive that lies there now. */
  ensureEmbedded(): Promise<void> {
    return this.#embedded?.ensure() ?? Promise.resolve();
  }

  async #find(reference: string): Promise<ImageRecord> {
    if (this.#embedded?.means(reference)) await this.#embedded.ensure();
    const record = findByName(this.#records, reference);
    if (record === undefined) throw imageNotFound(this.#records, reference, this.#embedded?.reference);
    return record;
  }

  #layerFolder(digest: string, reference: string): string {
    const layer = this.#records.layer(digest);
    if (layer !== undefined) return layer.folder;
    throw new PodrunError(
      "StateCorrupt",
      `image "${reference}": its layer ${digest} is not recorded; remove the image and pull it again`,
      { details: { image: reference, layer: digest } },
    );
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/**
 * Each layer once, at its highest place: overlay refuses a folder that comes twice, and what a lower occurrence shows or
 * hides, the higher one shows and hides again.
 */
function topmost(layers: readonly string[]): readonly string[] {
  return layers.filter((digest, index) => layers.lastIndexOf(digest) === index);
}

function createdAt({ rawConfig }: ImageRecord): { readonly createdAt?: string } {
  const created: unknown = rawConfig === undefined ? undefined : JSON.parse(rawConfig).created;
  return typeof created === "string" ? { createdAt: created } : {};
}

const notYet = async (verb: string): Promise<never> => {
  throw new PodrunError("Internal", `not yet: ${verb}`);
};
