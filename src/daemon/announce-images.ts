import type { ImageService } from "../image/index.ts";

/**
 * The images for the API: `arrived` is called when a client has brought one in or given one a name. What pods pull for
 * themselves does not come through here: one pod's success is no reason to ask registries again for all others.
 */
export function announceImages(images: ImageService, arrived: () => void): ImageService {
  const after = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work;
    arrived();
    return result;
  };
  return {
    resolve: (reference) => images.resolve(reference),
    hold: (reference) => images.hold(reference),
    pull: (request) => after(images.pull(request)),
    list: () => images.list(),
    inspect: (reference) => images.inspect(reference),
    // Also when it fails: the images of an archive before the bad one are here.
    load: (source, options) => images.load(source, options).finally(arrived),
    save: (references, options) => images.save(references, options),
    importRootfs: (source, options) => after(images.importRootfs(source, options)),
    tag: (source, target) => images.tag(source, target).then(arrived),
    remove: (reference, options) => images.remove(reference, options),
    prune: (options) => images.prune(options),
  };
}
