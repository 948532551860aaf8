// sigstore's signatures, which lie in an image's own repository. Debian's skopeo is built without them (docs/decisions.md).
import { PodrunError } from "../base/errors.ts";
import { plainText } from "../base/plain-text.ts";
import { badBlob, type Descriptor } from "./blob.ts";
import { FieldReader } from "./config.ts";
import type { ImageContext } from "./context.ts";
import { parseJson, readDescriptor } from "./manifest.ts";
import { nameOf } from "./reference.ts";
import { readKeys } from "./registry/sigstore-keys.ts";
import { findFault, type SignedImage, type SigstoreSignature } from "./registry/sigstore-signature.ts";
import type { FetchedManifest, PolicyVerdict, RepositoryClient } from "./registry/types.ts";
import { fetchSmallBlob } from "./small-blob.ts";

const PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json";
const ANNOTATION = "dev.cosignproject.cosign/signature";
/** Whoever may push may put as many there as he likes; each costs a request. */
const SIGNATURES_LIMIT = 100;

export interface SigstoreCheck {
  readonly verdict: Extract<PolicyVerdict, { readonly kind: "signed" }>;
  readonly image: SignedImage;
  /** Where the image is. */
  readonly client: RepositoryClient;
  readonly signal: AbortSignal;
}

/** Resolves when each requirement has a signature that is good. Throws ImageRejected, saying of each what it lacks. */
export async function checkSigstore(context: ImageContext, check: SigstoreCheck): Promise<void> {
  const { verdict, image } = check;
  const all = await Promise.all(
    (verdict.sigstore ?? []).map(async ({ keys, identity }) => ({
      keys: await readKeys({ keys, identity }, verdict.file),
      identity,
    })),
  );
  const stores = await context.registry.files.signatureStores();
  if (!stores.hasAttachments(image.reference)) {
    const { domain, path } = image.reference;
    throw rejected(
      check,
      `${NEEDED}, and none is looked for: registries.d does not say "use-sigstore-attachments: true" for ${domain}/${path}`,
    );
  }
  const signatures = await fetchSignatures(check);
  for (const { keys, identity } of all) {
    const faults = signatures.map((signature) => findFault(signature, keys, identity, image));
    if (faults.includes(undefined)) continue;
    throw rejected(
      check,
      faults.length === 0 ? `${NEEDED}, and there is none (${check.client.name}:${tagOf(image)})` : wordFaults(faults),
    );
  }
}

const NEEDED = "a sigstore signature is required";

function wordFaults(faults: readonly (string | undefined)[]): string {
  const words = faults.map((fault) => plainText(fault ?? ""));
  if (words.length === 1) return `its signature ${words[0]}`;
  return `of its ${words.length} signatures none is accepted: ${words.map((word, at) => `number ${at + 1} ${word}`).join("; ")}`;
}

/** Of a manifest's digest, the tag of the image that holds its signatures. */
const tagOf = ({ manifestDigest }: SignedImage): string => `${manifestDigest.replace(":", "-")}.sig`;

async function fetchSignatures({ client, image, signal }: SigstoreCheck): Promise<readonly SigstoreSignature[]> {
  const name = nameOf(image.reference);
  const manifest = await client.manifest(tagOf(image), signal).catch((error: unknown) => {
    if (error instanceof PodrunError && error.code === "ImageNotFound") return undefined;
    throw error;
  });
  if (manifest === undefined) return [];
  const found: SigstoreSignature[] = [];
  for (const { descriptor, signature } of readAttachments(manifest, name))
    found.push({
      payload: await fetchSmallBlob(client, { descriptor, image: name, what: "signature", signal }),
      signature,
    });
  return found;
}

function readAttachments(
  manifest: FetchedManifest,
  image: string,
): readonly { readonly descriptor: Descriptor; readonly signature: string }[] {
  const fields = new FieldReader(image);
  const raw = fields.object(parseJson(manifest.bytes, image, "its signatures' manifest"), "signatures' manifest");
  const layers = fields.objects(raw["layers"], "signatures' layers");
  if (layers.length > SIGNATURES_LIMIT)
    throw badBlob(image, `it has ${layers.length} signatures; at most ${SIGNATURES_LIMIT} are looked at`);
  return layers.flatMap((layer, at) => {
    const field = `signatures' layers[${at}]`;
    const descriptor = readDescriptor(fields, layer, field, image);
    const signature = fields.textMap(layer["annotations"], `${field}.annotations`)[ANNOTATION];
    return descriptor.mediaType === PAYLOAD && signature !== undefined ? [{ descriptor, signature }] : [];
  });
}

function rejected({ verdict: { file, scope }, image }: SigstoreCheck, why: string): PodrunError {
  const name = nameOf(image.reference);
  return new PodrunError("ImageRejected", `image "${name}": ${file} rejects it (${scope}): ${why}`, {
    details: { image: name, file, scope },
  });
}
