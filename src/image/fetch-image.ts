import { addImage, type LayerSources } from "./add-image.ts";
import type { ChosenImage } from "./choose.ts";
import type { ImageContext } from "./context.ts";
import type { Located } from "./locate.ts";
import type { PullWork } from "./pull-flights.ts";
import { formatReference, nameOf, type Reference } from "./reference.ts";
import type { PulledImage } from "./types.ts";

/** Brings in what was found at a registry. */
export async function fetchImage(
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
