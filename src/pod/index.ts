export { Claims } from "./claims/claims.ts";
export { StorageObjects } from "./claims/storage.ts";
export { EventJournal } from "./event-journal.ts";
export { EventRecorder, nodeSubject } from "./events.ts";
export * from "./eviction/index.ts";
export {
  type ImageSource,
  type Node,
  type NodeFacts,
  type NodeResources,
  type NodeSettings,
  systemTimers,
  type Timers,
} from "./node.ts";
export type { NodeIdentity } from "./node-object.ts";
export { NodeRecord } from "./node-record.ts";
export { KeptObjects } from "./objects.ts";
export { OwnNode } from "./own-node.ts";
export { type PodStore, Pods } from "./pods.ts";
export { KUBELET_BACKOFF } from "./restart.ts";
export { logDirectory } from "./sandbox-config.ts";
export { TaintEvictions } from "./taint-evictions.ts";
export { Turns } from "./turns.ts";
export type * from "./types.ts";
