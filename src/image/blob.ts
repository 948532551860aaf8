import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import { errnoOf, PodrunError } from "../base/errors.ts";
import { plainText } from "../base/plain-text.ts";

/** An OCI content descriptor (image-spec, descriptor.md), as far as it is used. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Hashes what flows through it. `each`: called with the bytes so far; while its promise is open nothing flows. */
export class Hasher extends Transform {
  readonly #hash = createHash("sha256");
  readonly #each: ((bytes: number) => Promise<void> | undefined | void) | undefined;
  #bytes = 0;
  #digest: string | undefined;

  constructor(each?: (bytes: number) => Promise<void> | undefined | void) {
    super({ highWaterMark: 512 * 1024 });
    this.#each = each;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    try {
      const wait = this.#each?.(this.#bytes);
      if (wait) wait.then(() => done(null, chunk), done);
      else done(null, chunk);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** sha256:… of all; at the end. */
  digest(): string {
    this.#digest ??= `sha256:${this.#hash.digest("hex")}`;
    return this.#digest;
  }

  /** At the end. Throws InvalidImage when the bytes were not those that the digest (and size) promise. */
  verify(image: string, digest: string, size?: number): void {
    const found = this.digest();
    if (found !== digest) throw mismatch(image, digest, found);
    if (size !== undefined && size !== this.#bytes) {
      throw badBlob(image, `${digest} has ${this.#bytes} bytes where its descriptor says ${size}`);
    }
  }
}

function mismatch(image: string, wanted: string, found: string): PodrunError {
  return badBlob(image, `the content of ${wanted} is damaged (it hashes to ${found}); get the image again`);
}

/** Of an error about what an image says: it may quote names and types, which may be anything. */
const WORDS = 1000;

/** Stands for the image's name in errors of an archive that came as a stream. */
export const ARCHIVE = "the archive";

export function badBlob(image: string, what: string, cause?: unknown): PodrunError {
  const subject = image === ARCHIVE ? image : `image "${image}"`;
  return new PodrunError("InvalidImage", `${subject}: ${plainText(what, WORDS)}`, { details: { image }, cause });
}

/** The image's reference, and the layer's digest as its manifest names it: for errors. */
export interface LayerName {
  readonly image: string;
  readonly layer: string;
}

export function badLayer({ image, layer }: LayerName, what: string, cause?: unknown): PodrunError {
  const details = { image, layer, errno: errnoOf(cause) };
  return new PodrunError("InvalidImage", `image "${image}": layer ${layer}: ${plainText(what, WORDS)}`, {
    details,
    cause,
  });
}
