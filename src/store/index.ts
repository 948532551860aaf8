export { ImageTable, type ListedImage, type StoredImage } from "./images.ts";
export { type Lease, Leases } from "./leases.ts";
export { Objects, type PutOptions, type StoredObject, type Versioned } from "./objects.ts";
export { type Kept, Store } from "./store.ts";
