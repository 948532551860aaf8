import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { Hasher } from "./blob.ts";
import { lookupName } from "./find.ts";
import { normalizeReference } from "./reference.ts";
import type { ImageRecords } from "./types.ts";

export interface EmbeddedOptions {
  readonly reference: string;
  readonly archive: string;
}

/** The image that podrun brings along: loaded when it is first asked for, and again when another archive lies there. */
export class EmbeddedImage {
  readonly reference: string;
  readonly #archive: string;
  readonly #records: ImageRecords;
  readonly #load: (archive: string, name: string, digest: string) => Promise<unknown>;
  /** sha256:… of the archive, read once: it ships with this very daemon. */
  #digest: Promise<string> | undefined;
  #loading: Promise<unknown> | undefined;

  constructor(
    options: EmbeddedOptions,
    records: ImageRecords,
    load: (archive: string, name: string, digest: string) => Promise<unknown>,
  ) {
    this.reference = normalizeReference(options.reference);
    this.#archive = options.archive;
    this.#records = records;
    this.#load = load;
  }

  means(reference: string): boolean {
    return !reference.startsWith("sha256:") && lookupName(reference) === this.reference;
  }

  /** It is here when this resolves. Throws ImageNotFound when the archive is not there, and what loading throws. */
  async ensure(): Promise<void> {
    this.#digest ??= this.#hash();
    const digest = await this.#digest.catch((error: unknown) => {
      this.#digest = undefined;
      throw error;
    });
    if (this.#records.find(this.reference)?.archive === digest) return;
    this.#loading ??= this.#load(this.#archive, this.reference, digest).finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async #hash(): Promise<string> {
    const hasher = new Hasher();
    try {
      await pipeline(createReadStream(this.#archive), hasher.resume());
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      throw new PodrunError(
        "ImageNotFound",
        `image "${this.reference}" is made from ${this.#archive}, and that file is not there; make it with ./scripts/quickstart`,
        { details: { image: this.reference, file: this.#archive }, cause: error },
      );
    }
    return hasher.digest();
  }
}
