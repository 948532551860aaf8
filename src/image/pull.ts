import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { addImage, type LayerSources } from "./add-image.ts";
import type { ChosenImage } from "./choose.ts";
import type { ImageContext } from "./context.ts";
import { findHere, type Located, locateImage } from "./locate.ts";
import { parsePlatform } from "./platform.ts";
import type { PullWork } from "./pull-flights.ts";
import { formatReference, nameOf, parseReference, type Reference } from "./reference.ts";
import type { Endpoint, PolicyVerdict } from "./registry/types.ts";
import type { PulledImage, PullRequest } from "./types.ts";

/** What makes two pulls the same. */
export function pullKey(request: PullRequest): string {
  const { credentials, pullSecrets, authFile, tlsVerify, platform } = request;
  const means = [parsePlatform(platform), credentials, pullSecrets, authFile, tlsVerify];
  return JSON.stringify([nameOf(parseReference(request.reference)), ...means]);
}

/** Pulls an image: see ImageService.pull. */
export async function pullImage(context: ImageContext, work: PullWork): Promise<PulledImage> {
  const reference = parseReference(work.request.reference);
  const { files } = context.registry;
  const verdict = (await files.policy()).judge(reference);
  const endpoints = (await files.registries()).endpoints(reference);
  if (verdict.kind === "signed") return pullSigned(context, reference, { endpoints, verdict, work });
  const located = await locateImage(context, { reference, endpoints, ...work });
  step("image.resolved");
  if (located.kind === "here") return located.pulled;
  return fetchImage(context, reference, located, work);
}

interface SignedPull {
  readonly endpoints: readonly Endpoint[];
  readonly verdict: Extract<PolicyVerdict, { readonly kind: "signed" }>;
  readonly work: PullWork;
}

/** A tag may be moved between our look and skopeo's. */
const LOOKS = 2;

/** An image's signature is checked each time: that its name means what is here already would not say who has signed it. */
async function pullSigned(
  context: ImageContext,
  reference: Reference,
  { endpoints, verdict, work }: SignedPull,
): Promise<PulledImage> {
  const { file, scope } = verdict;
  const platform = parsePlatform(work.request.platform);
  for (let look = 1; look <= LOOKS; look++) {
    const located = await locateImage(context, { reference, endpoints, ...work, anew: true });
    if (located.kind === "here") throw new Error("it was to be looked for anew");
    work.tell({ type: "verifying", file, scope });
    const signed = await context.folders.withTemporary((folder) =>
      context.registry.checkSignature({
        reference: nameOf(reference),
        folder,
        platform,
        layers: located.chosen.layers.map(({ blob }) => blob.digest),
        pull: work.request,
        signal: work.signal,
      }),
    );
    if (signed !== located.chosen.id) continue;
    step("image.verified");
    return findHere(context, reference, located.digest, platform) ?? fetchImage(context, reference, located, work);
  }
  const { reference: image } = work.request;
  throw new PodrunError(
    "ImageRejected",
    `image "${image}": ${file} (${scope}) asks for a signature, and skopeo, which checks it, was given another image than podrun, ${LOOKS} times; pull again when nobody pushes it`,
    { details: { image, file, scope } },
  );
}

async function fetchImage(
  context: ImageContext,
  reference: Reference,
  { chosen, digest, clients }: Extract<Located, { readonly kind: "found" }>,
  { request, signal, tell }: PullWork,
): Promise<PulledImage> {
  const name = nameOf(reference);
  const layers = chosen.layers.map(({ blob }) => ({ digest: blob.digest, size: blob.size }));
  tell({ type: "resolved", reference: name, digest, source: clients[0].name, layers });
  const sources = chosen.layers.map(({ blob, diffId }) =>
    clients.map((client) => ({
      blob,
      diffId,
      open: (until: AbortSignal, retrying: (why: string) => void) =>
        client.blob({ digest: blob.digest, size: blob.size, signal: until, onRetry: retrying }),
    })),
  );
  const image = await addImage(context, chosen, {
    image: request.reference,
    references: namesOf(reference, digest, chosen),
    layers: sources as readonly (readonly unknown[])[] as readonly LayerSources[],
    signal,
    onLayer: tell,
    onRecording: () => tell({ type: "recording" }),
  });
  return { id: image.id, reference: name, digest, unchanged: false, size: image.size };
}

/** The name itself, and the repository with both digests: the index's (or whatever the name meant) and the manifest's. */
export function namesOf(
  reference: Reference,
  digest: string,
  chosen: Pick<ChosenImage, "manifestDigest">,
): readonly string[] {
  const { domain, path } = reference;
  const digests = [digest, chosen.manifestDigest].map((one) => formatReference({ domain, path, digest: one }));
  return [...new Set([nameOf(reference), ...digests])];
}

/** Nobody serves these names: they are made on this machine. */
export function notServed(image: string): PodrunError {
  return new PodrunError(
    "ImageNotFound",
    `image "${image}" is not here, and podrun.local/ is no registry: images of that name are made on this machine`,
    {
      details: { image },
    },
  );
}
