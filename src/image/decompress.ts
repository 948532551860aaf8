import { Transform, type TransformCallback } from "node:stream";
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from "node:zlib";

/** How a layer is packed. `any`: its first bytes say it. */
export type Packed = "tar" | "gzip" | "zstd" | "any";

/** Bytes of one piece of output: fewer trips through the thread pool, and the event loop is not held up by any. */
const CHUNK = 256 * 1024;

/**
 * The packing that a layer's media type names (image-spec, layer.md; Docker's schema 2 names). Docker's own types and those
 * of docker-archive are looked at: their writers did not always mean what they said. Undefined: not a layer's type.
 */
export function packingOf(mediaType: string): Packed | undefined {
  if (/^application\/vnd\.oci\.image\.layer\.v1\.tar$/.test(mediaType)) return "tar";
  if (/^application\/vnd\.oci\.image\.layer\.v1\.tar\+gzip$/.test(mediaType)) return "gzip";
  if (/^application\/vnd\.oci\.image\.layer\.v1\.tar\+zstd$/.test(mediaType)) return "zstd";
  if (/^application\/vnd\.docker\.image\.rootfs\.diff\.tar([.+](gzip|zstd))?$/.test(mediaType)) return "any";
  return /^application\/(x-)?tar$/.test(mediaType) ? "any" : undefined;
}

/** A layer whose bytes may not be handed on by registries, and so mostly are not there (`urls`); OCI has deprecated them. */
export const isForeign = (mediaType: string): boolean => /nondistributable|rootfs\.foreign/.test(mediaType);

const MAGIC: readonly (readonly [Packed, Buffer])[] = [
  ["gzip", Buffer.from([0x1f, 0x8b])],
  ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
];
/** zstd's skippable frames have sixteen magic numbers: 0x184D2A50 and the next. */
const SKIPPABLE = Buffer.from([0x2a, 0x4d, 0x18]);
const MAGIC_LENGTH = 4;

function recognize(bytes: Buffer): Packed {
  if (bytes.length >= MAGIC_LENGTH && ((bytes[0] as number) & 0xf0) === 0x50 && bytes.indexOf(SKIPPABLE) === 1)
    return "zstd";
  return MAGIC.find(([, magic]) => bytes.subarray(0, magic.length).equals(magic))?.[0] ?? "tar";
}

/**
 * Decompresses a layer. gzip: any number of members (RFC 1952, 2.2), and nothing behind the last, not even zeros. zstd: any
 * number of frames, skippable ones too (RFC 8878, 3.1; zstd:chunked layers have thousands), where Node's own stream knows one.
 * Fails with zlib's errors.
 */
export class Decompressor extends Transform {
  #packed: Packed;
  #beginning: Buffer = Buffer.alloc(0);
  #inner: Gunzip | ZstdDecompress | undefined;
  /** Bytes given to the inner stream. */
  #fed = 0;
  /** The chunk that the inner stream works on, and who is told when it is through. */
  #current: { readonly chunk: Buffer; readonly done: TransformCallback } | undefined;
  #flushed: TransformCallback | undefined;

  constructor(packed: Packed) {
    super({ highWaterMark: 2 * CHUNK });
    this.#packed = packed;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    if (this.#packed !== "any") {
      this.#take(chunk, done);
      return;
    }
    this.#beginning = Buffer.concat([this.#beginning, chunk]);
    if (this.#beginning.length < MAGIC_LENGTH) {
      done();
      return;
    }
    this.#packed = recognize(this.#beginning);
    this.#take(this.#beginning, done);
  }

  override _flush(done: TransformCallback): void {
    if (this.#packed === "any") {
      done(null, this.#beginning);
    } else if (this.#packed === "tar") {
      done();
    } else {
      this.#flushed = done;
      // Nothing at all is no archive of its kind: the inner stream says so.
      (this.#inner ?? this.#open()).end();
    }
  }

  override _read(size: number): void {
    this.#inner?.resume();
    super._read(size);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner?.destroy();
    done(error);
  }

  #take(chunk: Buffer, done: TransformCallback): void {
    if (this.#packed === "tar") {
      done(null, chunk);
      return;
    }
    const inner = this.#inner ?? this.#open();
    const current = { chunk, done };
    this.#current = current;
    this.#fed += chunk.length;
    inner.write(chunk, (error) => {
      // An inner stream that has come to its end calls nobody: #next has taken over then.
      if (error || this.#current !== current) return;
      this.#current = undefined;
      done();
    });
  }

  #open(): Gunzip | ZstdDecompress {
    const inner =
      this.#packed === "gzip" ? createGunzip({ chunkSize: CHUNK }) : createZstdDecompress({ chunkSize: CHUNK });
    this.#inner = inner;
    this.#fed = 0;
    inner.on("data", (data: Buffer) => {
      if (!this.push(data)) inner.pause();
    });
    inner.once("error", (error) => this.destroy(error));
    inner.once("end", () => this.#next(inner));
    return inner;
  }

  /** An inner stream has ended: at the end of input, or with some of it left, which is another frame's or nobody's. */
  #next(inner: Gunzip | ZstdDecompress): void {
    if (this.#flushed) {
      this.#flushed();
      return;
    }
    const left = this.#fed - inner.bytesWritten;
    if (this.#packed === "gzip" || this.#current === undefined) {
      const error = new Error(`there is more behind the end of its ${this.#packed} data`);
      this.destroy(Object.assign(error, { code: "Z_DATA_ERROR" }));
      return;
    }
    const { chunk, done } = this.#current;
    this.#current = undefined;
    this.#inner = undefined;
    inner.destroy();
    this.#take(chunk.subarray(chunk.length - left), done);
  }
}
