import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { badBlob, type Descriptor } from "./blob.ts";
import type { RepositoryClient } from "./registry/types.ts";

/** Configs, manifests and what is signed are small (the distribution spec's own limit). */
const LIMIT = 4 << 20;

export interface SmallBlobRequest {
  readonly descriptor: Descriptor;
  /** For errors. */
  readonly image: string;
  /** `config`, `signature`. */
  readonly what: string;
  readonly signal: AbortSignal;
}

/** A blob as a whole, of which size and digest have been checked. Throws InvalidImage, and what a pull throws. */
export async function fetchSmallBlob(
  client: RepositoryClient,
  { descriptor, image, what, signal }: SmallBlobRequest,
): Promise<Buffer> {
  const { digest, size } = descriptor;
  if (size > LIMIT) throw badBlob(image, `its ${what} ${digest} has ${size} bytes; at most ${LIMIT} are read`);
  const bytes = await buffer(client.blob({ digest, size, signal }));
  const found = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (found !== digest) throw badBlob(image, `the content of its ${what} ${digest} is damaged (it hashes to ${found})`);
  return bytes;
}
