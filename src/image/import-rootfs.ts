import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { PodrunError } from "../base/errors.ts";
import { addImage } from "./add-image.ts";
import { Hasher } from "./blob.ts";
import { applyChanges } from "./changes.ts";
import type { ChosenImage } from "./choose.ts";
import { machineArchitecture } from "./config.ts";
import type { ImageContext } from "./context.ts";
import { Decompressor } from "./decompress.ts";
import { UnpackLimits } from "./limits.ts";
import { readConfig } from "./manifest.ts";
import { nameOf, parseReference } from "./reference.ts";

export interface ImportOptions {
  readonly reference?: string | undefined;
  /** Dockerfile instructions: `CMD ["sh"]`, `ENV A=b` … */
  readonly changes?: readonly string[];
  /** Becomes the comment of the image's history. */
  readonly message?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const LABEL = "the root file system";
const TAR = "application/vnd.oci.image.layer.v1.tar";

/** A root file system's tar, plain or packed with gzip or zstd, becomes an image of one layer. Throws InvalidImage, BadRequest, StateUnavailable. */
export function importRootfs(
  context: ImageContext,
  source: NodeJS.ReadableStream,
  options: ImportOptions,
): Promise<string> {
  const name = options.reference === undefined ? undefined : nameWithTag(options.reference);
  const config = applyChanges(options.changes ?? []);
  const signal = options.signal ?? new AbortController().signal;
  return context.folders.withTemporary(async (folder) => {
    const file = join(folder, "rootfs.tar");
    const limits = new UnpackLimits({ image: name ?? LABEL, layer: "(the archive)" }, folder);
    const packed = new Hasher();
    const plain = new Hasher((bytes) => limits.check(packed.bytes, bytes));
    await pipeline(Readable.from(source), packed, new Decompressor("any"), plain, createWriteStream(file), {
      signal,
    }).catch((error: unknown) => {
      throw unreadable(error, signal);
    });
    const diffId = plain.digest();
    const blob = { mediaType: TAR, digest: diffId, size: plain.bytes };
    const image = await addImage(context, makeImage(context, config, blob, options.message), {
      image: name ?? LABEL,
      references: name === undefined ? [] : [name],
      layers: [[{ blob, diffId, open: () => createReadStream(file) }]],
      signal,
    });
    return image.id;
  });
}

function makeImage(
  { clock }: ImageContext,
  config: object,
  blob: { readonly mediaType: string; readonly digest: string; readonly size: number },
  message: string | undefined,
): ChosenImage {
  const created = new Date(clock.now()).toISOString();
  const raw = Buffer.from(
    JSON.stringify({
      created,
      architecture: machineArchitecture(),
      os: "linux",
      config,
      rootfs: { type: "layers", diff_ids: [blob.digest] },
      history: [{ created, created_by: "podrun import", comment: message ?? "imported from a tar archive" }],
    }),
  );
  const digest = `sha256:${createHash("sha256").update(raw).digest("hex")}`;
  const descriptor = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: raw.length };
  return { ...readConfig(raw, descriptor, LABEL), manifestDigest: "", layers: [{ blob, diffId: blob.digest }] };
}

function nameWithTag(text: string): string {
  const reference = parseReference(text);
  if (reference.digest === undefined) return nameOf(reference);
  throw new PodrunError("BadRequest", `"${text}": an image is named with a tag, not with a digest`, {
    details: { image: text },
  });
}

function unreadable(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new PodrunError("Cancelled", "the import was cancelled", { cause: error });
  if (error instanceof PodrunError || !(error instanceof Error) || "syscall" in error) return error;
  return new PodrunError("InvalidImage", `${LABEL}: its archive cannot be read: ${error.message}`, { cause: error });
}
