export { type CollectSettings, ImageCollector, KUBELET_COLLECTION } from "./collect.ts";
export { checkArchitecture, machineArchitecture } from "./config.ts";
export { Images, type ImagesOptions } from "./images.ts";
export { type ImageUser, lookupUser } from "./passwd.ts";
export { formatReference, normalizeReference, parseReference, type Reference } from "./reference.ts";
export { openRegistries, type Registries } from "./registry/index.ts";
export type {
  ImageConfig,
  ImageRecord,
  ImageRecords,
  ImageService,
  LayerPacker,
  LayerRecord,
  ListedImage,
  RuntimeImage,
  UsingContainer,
} from "./types.ts";
