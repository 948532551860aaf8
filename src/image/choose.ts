// From a manifest or an index to the one image for a platform. The same for registries and for archives: they differ in how
// a document is had.
import { badBlob, type Descriptor } from "./blob.ts";
import {
  kindOf,
  type Manifest,
  notAnImage,
  parseJson,
  type ReadConfig,
  readConfig,
  readIndex,
  readManifest,
} from "./manifest.ts";
import { fits, noSuchPlatform, type Platform } from "./platform.ts";

export interface Document {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

/** Both give bytes of which size and digest have been checked. */
export interface Documents {
  manifest(descriptor: Descriptor): Promise<Document>;
  config(descriptor: Descriptor): Promise<Buffer>;
}

export interface ChosenImage extends ReadConfig {
  readonly manifestDigest: string;
  /** Lowest first: as it is packed, and what it unpacks to. */
  readonly layers: readonly { readonly blob: Descriptor; readonly diffId: string }[];
}

/** Indexes may hold indexes; nobody makes them deeper, and a hostile one must come to an end. */
const DEPTH_LIMIT = 3;
const FETCH_LIMIT = 32;

export interface ChooseOptions {
  readonly documents: Documents;
  /** For errors. */
  readonly image: string;
  readonly platform: Platform;
}

/** Throws WrongArchitecture, naming the platforms that there are, and InvalidImage. */
export async function chooseImage(top: Document, options: ChooseOptions): Promise<ChosenImage> {
  const search = new Search(options);
  const found = await search.look(top, 0);
  if (found !== undefined) return found;
  throw noSuchPlatform(options.image, options.platform, search.seen);
}

class Search {
  readonly #options: ChooseOptions;
  readonly seen: Platform[] = [];
  #fetched = 0;

  constructor(options: ChooseOptions) {
    this.#options = options;
  }

  /** undefined: nothing for the platform in it. */
  async look(document: Document, depth: number): Promise<ChosenImage | undefined> {
    const { image } = this.#options;
    const raw = parseJson(document.bytes, image, `its manifest ${document.digest}`);
    const kind = kindOf(document.mediaType, raw);
    if (kind === "manifest") return this.#image(readManifest(raw, image), document.digest);
    if (kind === "other") throw isSchema1(raw) ? schema1(image) : notAnImage(image, document.mediaType);
    if (depth >= DEPTH_LIMIT) throw badBlob(image, `its indexes lie in one another deeper than ${DEPTH_LIMIT}`);
    return this.#inIndex(raw, document.digest, depth);
  }

  async #inIndex(raw: unknown, label: string, depth: number): Promise<ChosenImage | undefined> {
    const { image, platform, documents } = this.#options;
    const ranked: { readonly entry: Descriptor; readonly rank: number }[] = [];
    for (const entry of readIndex(raw, image, `index ${label}`)) {
      // Attestations of a build lie beside the images, as manifests for unknown/unknown.
      if (entry.platform?.os === "unknown") continue;
      const rank = entry.platform === undefined ? Number.MAX_SAFE_INTEGER : fits(platform, entry.platform);
      if (rank !== undefined) ranked.push({ entry, rank });
      else if (entry.platform) this.seen.push(entry.platform);
    }
    for (const { entry } of ranked.toSorted((a, b) => a.rank - b.rank)) {
      if (++this.#fetched > FETCH_LIMIT)
        throw badBlob(image, `its indexes name more than ${FETCH_LIMIT} manifests without a platform`);
      const found = await this.look(await documents.manifest(entry), depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async #image(manifest: Manifest, manifestDigest: string): Promise<ChosenImage | undefined> {
    const { image, platform, documents } = this.#options;
    const config = readConfig(await documents.config(manifest.config), manifest.config, image);
    if (fits(platform, config.platform) === undefined) {
      this.seen.push(config.platform);
      return undefined;
    }
    const { layers } = manifest;
    if (layers.length !== config.diffIds.length) {
      throw badBlob(image, `its manifest has ${layers.length} layers, its config ${config.diffIds.length}`);
    }
    return {
      ...config,
      manifestDigest,
      layers: layers.map((blob, index) => ({ blob, diffId: config.diffIds[index] as string })),
    };
  }
}

const isSchema1 = (raw: unknown): boolean =>
  typeof raw === "object" && raw !== null && (raw as Readonly<Record<string, unknown>>)["schemaVersion"] === 1;

const schema1 = (image: string) =>
  badBlob(
    image,
    "its manifest is Docker's schema 1, which no registry should serve since 2017; push it again with a newer builder",
  );
