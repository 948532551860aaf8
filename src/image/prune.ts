import type { ImageContext } from "./context.ts";
import { Removal } from "./delete-image.ts";
import type { RecordedImage, RemovedImages } from "./types.ts";

export interface PruneOptions {
  readonly all?: boolean;
  /** Only images last used before (ms since the epoch). */
  readonly before?: number | undefined;
  readonly dryRun?: boolean;
}

/**
 * Removes images without a tag, with `all` every one that nothing uses, and layers without images. `keep`: a name whose image
 * stays, because podrun would bring it in again at once.
 */
export async function pruneImages(context: ImageContext, options: PruneOptions, keep?: string): Promise<RemovedImages> {
  const { records, use } = context;
  const unwanted = records
    .list()
    .filter(({ image, references }) => !use.isUsed(image.id) && (keep === undefined || !references.includes(keep)))
    .filter(({ references }) => options.all === true || references.every((name) => name.includes("@")))
    .filter((image) => options.before === undefined || lastSeen(image) < options.before);
  if (options.dryRun === true) return foretell(context, unwanted);
  const removal = new Removal(context);
  for (const { image, references } of unwanted) removal.delete(image.id, references);
  removal.deleteLayers(records.orphans());
  return removal.done();
}

/** When it was last used, or came. */
export const lastSeen = ({ image, lastUsed }: RecordedImage): number =>
  Math.max(lastUsed, Date.parse(image.importedAt));

/** What would be removed; layers that would be left without an image are counted once. */
function foretell({ records, layers }: ImageContext, unwanted: readonly RecordedImage[]): RemovedImages {
  const going = new Set(unwanted.map(({ image }) => image.id));
  const kept = new Set(records.list().flatMap(({ image }) => (going.has(image.id) ? [] : image.layers)));
  const { pinned } = layers;
  const freed = records.layers().filter(({ digest }) => !kept.has(digest) && !pinned.has(digest));
  return {
    untagged: unwanted.flatMap(({ references }) => references),
    deleted: [...going],
    reclaimedBytes: freed.reduce((sum, { size }) => sum + size, 0),
  };
}
