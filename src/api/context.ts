import type { IncomingMessage, ServerResponse } from "node:http";
import type { ImageService, LoginService } from "../image/types.ts";
import type {
  KeptKind,
  KeptObject,
  KubeEvent,
  NodeService,
  ObjectService,
  PodService,
  SystemService,
} from "../pod/types.ts";
import type { KubeNode } from "../spec/node.ts";
import type { Pod } from "../spec/pod.ts";
import type { Target } from "./request.ts";
import type { WatchHub } from "./watch.ts";

/** What the API is built on. */
export interface ApiOptions {
  readonly pods: PodService;
  readonly objects: ObjectService;
  readonly system: SystemService;
  readonly node: NodeService;
  readonly images: ImageService;
  readonly logins: LoginService;
  /** podrun's version, `0.1.0`. */
  readonly version: string;
}

/** What every handler gets. */
export interface ApiContext extends ApiOptions {
  readonly hub: WatchHub<Pod>;
  readonly eventHub: WatchHub<KubeEvent>;
  readonly nodeHub: WatchHub<KubeNode>;
  readonly objectHubs: Readonly<Record<KeptKind, WatchHub<KeptObject>>>;
  /** Aborted when the server closes: what is still being pulled or loaded must not hold the daemon back. */
  readonly closing: AbortSignal;
}

export type Handler = (
  context: ApiContext,
  request: IncomingMessage,
  response: ServerResponse,
  target: Target,
) => void | Promise<void>;

/** Handlers by path, then by method. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Handler>>>>;
