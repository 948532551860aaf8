import type { Pod } from "../spec/index.ts";

/** What a worker tells whoever keeps the pods. */
export interface WorkerOwner {
  /** The pod's status is another: records it, tells watchers, returns the pod with its new resourceVersion. */
  save(pod: Pod): Pod;
  /** Nothing of the pod is left. */
  gone(pod: Pod): void;
  /** Why the pod can't have its place on this node yet; undefined: it can. */
  whyUnschedulable(pod: Pod): string | undefined;
}
