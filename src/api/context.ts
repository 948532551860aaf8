import type { ObjectService, PodService, SystemService } from "../pod/types.ts";
import type { Pod } from "../spec/pod.ts";
import type { ObjectHubs } from "./objects.ts";
import type { WatchHub } from "./watch.ts";

/** What the API is built on. */
export interface ApiOptions {
  readonly pods: PodService;
  readonly objects: ObjectService;
  readonly system: SystemService;
  /** podrun's version, `0.1.0`. */
  readonly version: string;
}

/** What every handler gets. */
export interface ApiContext extends ApiOptions {
  readonly hub: WatchHub<Pod>;
  readonly objectHubs: ObjectHubs;
}
