import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { Hasher } from "./blob.ts";
import { checkArchitecture } from "./config.ts";
import { ImageFolders } from "./folders.ts";
import { importLayout } from "./import.ts";
import { formatReference, normalizeReference, parseReference } from "./reference.ts";
import type { ImageRecord, ImageRecords, RuntimeImage } from "./types.ts";

export interface ImagesOptions {
  /** The instance's state folder; images lie in `images/` below it. */
  readonly root: string;
  readonly records: ImageRecords;
  /** The image that podrun brings along, imported when it is first needed. */
  readonly embedded?: { readonly reference: string; readonly archive: string };
}

/** An image as `get images` shows it. */
export interface ListedImage {
  readonly id: string;
  readonly references: readonly string[];
  readonly size: number;
  readonly importedAt: string;
}

/** The images that are here. Imports and removals wait for one another. */
export class Images {
  readonly #records: ImageRecords;
  readonly #folders: ImageFolders;
  readonly #embedded: ImagesOptions["embedded"];
  #embeddedReady: Promise<void> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ImagesOptions) {
    this.#records = options.records;
    this.#folders = new ImageFolders(options.root);
    this.#embedded = options.embedded && {
      ...options.embedded,
      reference: normalizeReference(options.embedded.reference),
    };
  }

  /**
   * The image that a name, or `sha256:…` of its config, means. Throws ImageNotFound, WrongArchitecture (the state folder
   * came from another machine), InvalidImage (the name is none).
   */
  async resolve(reference: string): Promise<RuntimeImage> {
    const record = /^sha256:[a-f0-9]{64}$/.test(reference)
      ? this.#records.get(reference)
      : await this.#find(lookupName(reference));
    if (record === undefined) throw this.#notFound(reference);
    checkArchitecture(record.config, reference);
    return {
      id: record.id,
      reference,
      config: record.config,
      layersFolder: this.#folders.layers,
      layers: record.layers.map((digest) => this.#layerFolder(digest, reference)),
      passwd: record.passwd,
      group: record.group,
    };
  }

  list(): readonly ListedImage[] {
    return this.#records
      .list()
      .map(({ image, references }) => ({ id: image.id, references, size: image.size, importedAt: image.importedAt }));
  }

  /** Brings in the images of an OCI image layout (tar archive or folder); see {@link importLayout}. */
  import(source: string, name?: string): Promise<readonly ImageRecord[]> {
    return this.#exclusively(() => importLayout({ folders: this.#folders, records: this.#records }, source, name));
  }

  /**
   * Removes an image with all its names, and the layers that no other has. The caller sees to it that no container uses it.
   * Records go before folders: a removal that is killed leaves folders that nothing points to, for {@link prune}.
   */
  remove(reference: string): Promise<void> {
    return this.#exclusively(async () => {
      const record = this.#records.get(reference) ?? this.#records.find(lookupName(reference));
      if (record === undefined) throw this.#notFound(reference);
      const layers = this.#records.remove(record.id);
      if (this.#records.find(this.#embedded?.reference ?? "") === undefined) this.#embeddedReady = undefined;
      this.#folders.remove(layers.map(({ folder }) => folder));
    });
  }

  /** Removes what killed imports and removals left; once, when the daemon starts. Returns the paths. */
  prune(): Promise<readonly string[]> {
    return this.#exclusively(async () =>
      this.#folders.prune(new Set(this.#records.layers().map(({ folder }) => folder))),
    );
  }

  /** The image that podrun brings along is here, and the one of the archive that lies there now. */
  ensureEmbedded(): Promise<void> {
    this.#embeddedReady ??= this.#importEmbedded().catch((error: unknown) => {
      this.#embeddedReady = undefined;
      throw error;
    });
    return this.#embeddedReady;
  }

  async #importEmbedded(): Promise<void> {
    if (this.#embedded === undefined) return;
    const { reference, archive } = this.#embedded;
    const hasher = new Hasher();
    try {
      await pipeline(createReadStream(archive), hasher.resume());
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      throw new PodrunError(
        "ImageNotFound",
        `image "${reference}" is made from ${archive}, and that file is not there; make it with ./scripts/quickstart`,
        { details: { image: reference, file: archive }, cause: error },
      );
    }
    if (this.#records.find(reference)?.archive !== hasher.digest()) await this.import(archive, reference);
  }

  async #find(name: string): Promise<ImageRecord | undefined> {
    if (name === this.#embedded?.reference) await this.ensureEmbedded();
    return this.#records.find(name);
  }

  #layerFolder(digest: string, reference: string): string {
    const layer = this.#records.layer(digest);
    if (layer !== undefined) return layer.folder;
    throw new PodrunError(
      "StateCorrupt",
      `image "${reference}": its layer ${digest} is not recorded; import it again`,
      {
        details: { image: reference, layer: digest },
      },
    );
  }

  #notFound(image: string): PodrunError {
    const named = this.#records.list().flatMap(({ references }) => references.filter((name) => !name.includes("@")));
    const here = [...new Set([...named, ...(this.#embedded ? [this.#embedded.reference] : [])])].sort();
    return new PodrunError(
      "ImageNotFound",
      `image "${image}" is not here, and podrun cannot pull yet; images that are: ${here.join(", ") || "none"}`,
      { details: { image, here } },
    );
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}

/** The name under which an image is recorded: with a digest, that is what counts, and a tag beside it says nothing more. */
function lookupName(text: string): string {
  const { domain, path, tag, digest } = parseReference(text);
  return digest === undefined
    ? formatReference({ domain, path, ...(tag && { tag }) })
    : formatReference({ domain, path, digest });
}
