import type { PodService, SystemService } from "../pod/types.ts";
import type { WatchHub } from "./watch.ts";

/** What the API is built on. */
export interface ApiOptions {
  readonly pods: PodService;
  readonly system: SystemService;
  /** podrun's version, `0.1.0`. */
  readonly version: string;
}

/** What every handler gets. */
export interface ApiContext extends ApiOptions {
  readonly hub: WatchHub;
}
