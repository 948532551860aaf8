import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, statSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import type { Readable } from "node:stream";
import { errnoOf } from "../base/errors.ts";
import { badBlob, Hasher } from "./blob.ts";
import { Decompressor } from "./decompress.ts";
import { UnpackLimits } from "./limits.ts";
import { type Header, readTar } from "./tar.ts";

/** A file of an archive or of a layout's folder, where it lies on the disk. */
export interface StoredFile {
  readonly path: string;
  readonly size: number;
  /** sha256:…; absent for a folder's files, which are read where they are. */
  readonly digest?: string;
}

/** The files of an image archive by their names in it. */
export interface ArchiveFiles {
  find(name: string): StoredFile | undefined;
}

/** The files of an OCI layout's folder; only names that are ours to make are asked for. */
export class FolderFiles implements ArchiveFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  find(name: string): StoredFile | undefined {
    const path = join(this.#folder, name);
    const found = statSync(path, { throwIfNoEntry: false });
    return found?.isFile() ? { path, size: found.size } : undefined;
  }
}

const BLOB = /^blobs\/sha256\/([a-f0-9]{64})$/;
const LINKS_LIMIT = 8;
/** An image of a thousand layers has some thousand files in the oldest format. */
const ENTRIES_LIMIT = 20_000;

/** Read in one pass: each file under a number, for its name is somebody else's; blobs are checked against theirs. */
class StoredArchive implements ArchiveFiles {
  readonly #folder: string;
  readonly #label: string;
  readonly #files = new Map<string, StoredFile>();
  readonly #links = new Map<string, string>();
  #entries = 0;

  constructor(folder: string, label: string) {
    this.#folder = folder;
    this.#label = label;
  }

  find(name: string): StoredFile | undefined {
    let at = name;
    for (let hops = 0; hops <= LINKS_LIMIT; hops++) {
      const target = this.#links.get(at);
      if (target === undefined) return this.#files.get(at);
      at = target;
    }
    return undefined;
  }

  async take(header: Header, content: AsyncIterable<Buffer>): Promise<void> {
    if (++this.#entries > ENTRIES_LIMIT) throw badBlob(this.#label, `it has more than ${ENTRIES_LIMIT} entries`);
    const name = this.#inside(header.name, ".");
    const target = (header.linkname as string | null) ?? "";
    if (header.type === "symlink") this.#links.set(name, this.#inside(target, posix.dirname(name)));
    else if (header.type === "link") this.#links.set(name, this.#inside(target, "."));
    if (header.type !== "file" && header.type !== "contiguous-file") return;
    const path = join(this.#folder, String(this.#entries));
    const stored = await writeHashed(path, content);
    const promised = BLOB.exec(name)?.[1];
    if (promised !== undefined && stored.digest !== `sha256:${promised}`) {
      throw badBlob(this.#label, `the blob ${name} is damaged (it hashes to ${stored.digest}); get the archive again`);
    }
    this.#links.delete(name);
    this.#files.set(name, stored);
  }

  /** A name as the archive's other files would say it. Throws InvalidImage for one that leads out of it. */
  #inside(name: string, from: string): string {
    const path = posix.normalize(posix.join(from, name)).replace(/\/$/, "");
    if (name.startsWith("/") || path === ".." || path.startsWith("../") || name.includes("\0")) {
      throw badBlob(this.#label, `the entry "${name}" leads out of the archive`);
    }
    return path;
  }
}

async function writeHashed(path: string, content: AsyncIterable<Buffer>): Promise<StoredFile> {
  const hash = createHash("sha256");
  const file = await open(path, "wx", 0o600);
  let size = 0;
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
      size += chunk.length;
    }
  } finally {
    await file.close();
  }
  return { path, size, digest: `sha256:${hash.digest("hex")}` };
}

/**
 * Takes the files out of an image archive (tar, also with gzip or zstd) into an empty folder of ours. `label` names it in errors.
 * Throws InvalidImage, StateUnavailable when the disk is full.
 */
export async function openArchive(source: Readable, folder: string, label: string): Promise<ArchiveFiles> {
  mkdirSync(folder);
  const archive = new StoredArchive(folder, label);
  const limits = new UnpackLimits({ image: label, layer: "(the archive)" }, folder);
  const packed = new Hasher();
  const plain = new Hasher((bytes) => limits.check(packed.bytes, bytes));
  source.once("data", (chunk: Buffer) => {
    if (isForeignPacking(chunk))
      source.destroy(badBlob(label, "it is packed with xz or bzip2; gzip and zstd are read, or unpack it before"));
  });
  await readTar(
    [source, packed, new Decompressor("any"), plain],
    (header, content) => archive.take(header, content),
    (reason, cause) => badBlob(label, `it is no tar archive of images: ${reason}`, cause),
  );
  return archive;
}

const isForeignPacking = (chunk: Buffer): boolean =>
  chunk.indexOf("\xfd7zXZ\0", 0, "latin1") === 0 || chunk.indexOf("BZh") === 0;

/** What is small enough to be read whole: configs, manifests, indexes. */
const DOCUMENT_LIMIT = 4 << 20;
/** All of them of one archive, each as often as the archive names it: a thousand images have some 10 MiB. */
const DOCUMENTS_LIMIT = 64 << 20;

/** Reads one archive's documents. */
export class DocumentReader {
  #left = DOCUMENTS_LIMIT;

  /** Throws InvalidImage for one, or for all together, that are larger than any that are meant well. */
  async read(file: StoredFile, label: string, name: string): Promise<Buffer> {
    if (file.size > DOCUMENT_LIMIT)
      throw badBlob(label, `${name} has ${file.size} bytes; at most ${DOCUMENT_LIMIT} are read`);
    this.#left -= file.size;
    if (this.#left < 0)
      throw badBlob(label, `its manifests and configs have more than ${DOCUMENTS_LIMIT} bytes together`);
    return readFile(file.path);
  }
}

/** Fails with InvalidImage when the file has gone meanwhile. */
export function openStored(file: StoredFile, label: string, name: string): Readable {
  const stream = createReadStream(file.path);
  stream.prependOnceListener("error", (error) => {
    if (errnoOf(error) === "ENOENT") stream.destroy(badBlob(label, `${name} is missing`, error));
  });
  return stream;
}
