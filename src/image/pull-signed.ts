import { addImage } from "./add-image.ts";
import { FolderFiles } from "./archive.ts";
import { badBlob } from "./blob.ts";
import type { ImageContext } from "./context.ts";
import { readLayout } from "./layout.ts";
import { parsePlatform } from "./platform.ts";
import type { PullWork } from "./pull-flights.ts";
import { formatReference, nameOf, type Reference } from "./reference.ts";
import type { PulledImage } from "./types.ts";

/**
 * An image whose signature counts comes whole, by skopeo, each time: that the name still means the image that is here would
 * not say who has signed it.
 */
export function pullSigned(
  context: ImageContext,
  reference: Reference,
  { request, signal, tell }: PullWork,
): Promise<PulledImage> {
  return context.folders.withTemporary(async (folder) => {
    const name = nameOf(reference);
    const platform = parsePlatform(request.platform);
    await context.registry.copySigned({ reference: name, folder, platform, pull: request, signal });
    const stored = (await readLayout(new FolderFiles(folder), name, platform))?.[0];
    if (stored === undefined) throw badBlob(name, "skopeo brought no image");
    const { chosen } = stored;
    const { domain, path } = reference;
    const digest = reference.digest ?? chosen.manifestDigest;
    const layers = chosen.layers.map(({ blob }) => ({ digest: blob.digest, size: blob.size }));
    tell({ type: "resolved", reference: name, digest, source: "skopeo", layers });
    const before = context.records.find(name);
    const image = await addImage(context, chosen, {
      image: request.reference,
      references: [
        ...new Set([
          name,
          ...[digest, chosen.manifestDigest].map((one) => formatReference({ domain, path, digest: one })),
        ]),
      ],
      layers: chosen.layers.map((layer) => [{ ...layer, open: () => stored.open(layer.blob) }] as const),
      signal,
      onLayer: tell,
      onRecording: () => tell({ type: "recording" }),
    });
    return { id: image.id, reference: name, digest, unchanged: before?.id === image.id, size: image.size };
  });
}
