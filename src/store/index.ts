export { ImageTable, type ListedImage, type StoredImage, type StoredLayer } from "./images.ts";
export { type LeasableNumbers, type Lease, type LeasedNetwork, Leases, REST_MILLISECONDS } from "./leases.ts";
export { Objects, type PutOptions, type StoredObject, type Versioned } from "./objects.ts";
export { Records } from "./records.ts";
export { type Kept, Store, type StoreOptions } from "./store.ts";
