export { type CollectSettings, ImageCollector, KUBELET_COLLECTION } from "./collect.ts";
export { machineArchitecture } from "./config.ts";
export { Images } from "./images.ts";
export { lookupUser } from "./passwd.ts";
export { formatReference, normalizeReference, parseReference, type Reference } from "./reference.ts";
export { openRegistries, type Registries } from "./registry/index.ts";
export type { ImageRecord, ImageService, LayerPacker, ListedImage, RuntimeImage, UsingContainer } from "./types.ts";
