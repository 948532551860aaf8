import type { Config } from "../base/config.ts";
import type { Logger } from "../base/logger.ts";
import type { ImageService } from "../image/types.ts";
import type { DiskMeter } from "../linux/disk-meter.ts";
import type { ResolverConfig } from "../net/index.ts";
import type { RuntimeService } from "../sandbox/types.ts";
import { HUGEPAGE_BYTES, type HugepageName, type Labels, type ResourceName } from "../spec/index.ts";
import type { ClaimSource } from "./claims/claim-source.ts";
import type { EventRecorder } from "./events.ts";
import type { NodePressure } from "./eviction/pressure.ts";
import type { EvictionSettings } from "./eviction/types.ts";
import type { BackoffSettings } from "./restart.ts";
import type { Taint } from "./tolerations.ts";
import type { Turns } from "./turns.ts";
import type { ObjectLists } from "./types.ts";

/** Thousandths of a CPU, bytes, and how many pods. */
export type NodeResources = Readonly<Record<ResourceName | "pods", number>>;

/** The sizes of huge pages that there are any of. */
export const hugepagesOf = (resources: NodeResources): readonly HugepageName[] =>
  (Object.keys(HUGEPAGE_BYTES) as HugepageName[]).filter((name) => resources[name] > 0);

/** Facts of the machine that pods see or that their settings are worked out from. */
export interface NodeFacts {
  readonly name: string;
  /** What pods' selectors and affinities are held against. As they are now, and so are the taints: the owner may change them. */
  readonly labels: Labels;
  readonly taints: readonly Taint[];
  /** The host's addresses as pods know them, the first IPv4 first. */
  readonly addresses: readonly string[];
  readonly cpus: number;
  readonly memoryBytes: number;
  /** What the machine has, and what of it pods may ask for (Node Allocatable). */
  readonly capacity: NodeResources;
  readonly allocatable: NodeResources;
  /** Whether labels of SELinux mean anything here. */
  readonly hasSeLinux: boolean;
  /** Text of /etc/hosts, and what the host's programs ask for names: read anew at each start. */
  readonly hostsFile: () => string;
  readonly resolver: () => ResolverConfig;
}

/** What the owner of a node may change; a kubelet has it in its configuration. */
export interface NodeSettings {
  readonly restartBackoff: BackoffSettings;
  /** Between tries to pull an image for a pod. */
  readonly imagePullBackoff: BackoffSettings;
  /** Most processes in one pod; undefined: no limit (kubelet podPidsLimit). */
  readonly podPidsLimit?: number | undefined;
  /** What the names of pods with a subdomain end in (kubelet clusterDomain). */
  readonly clusterDomain: string;
  readonly eviction: EvictionSettings;
}

/** Time and timers, so that tests need not wait. */
export interface Timers {
  /**
   * The moment, milliseconds: the wall clock's when the daemon started, and steady from then on. Whatever is waited for is
   * told in such moments, so that nobody who sets the clock makes a grace or a back-off longer or shorter.
   */
  now(): number;
  /** The wall clock, milliseconds since the epoch: what objects show. It may jump. */
  wall(): number;
  /** Calls back once, later; the result takes that back. */
  after(millis: number, callback: () => void): () => void;
}

/** setTimeout takes at most 2^31-1 ms. */
const LONGEST_TIMER = 2 ** 31 - 1;

const START = Date.now() - performance.now();

export const systemTimers: Timers = {
  now: () => Math.floor(START + performance.now()),
  wall: () => Date.now(),
  after: (millis, callback) => {
    const timer = setTimeout(callback, Math.min(millis, LONGEST_TIMER));
    return () => clearTimeout(timer);
  },
};

/** A wall clock's time, as the API's objects carry them, as a moment; as far as nobody has set the clock since. */
export const momentOf = (timers: Pick<Timers, "now" | "wall">, time: string): number =>
  Date.parse(time) - timers.wall() + timers.now();

/** What pods need of the images of this machine. */
export type ImageSource = Pick<ImageService, "resolve" | "hold" | "pull" | "inspect">;

/** What every pod's worker stands on. */
export interface Node {
  readonly config: Config;
  readonly runtime: RuntimeService;
  readonly images: ImageSource;
  readonly objects: ObjectLists;
  readonly claims: ClaimSource;
  readonly events: EventRecorder;
  readonly log: Logger;
  readonly timers: Timers;
  readonly turns: Turns;
  readonly facts: NodeFacts;
  readonly settings: NodeSettings;
  /** What the node is short of. */
  readonly pressure: NodePressure;
  /** How much of the disk a folder takes. */
  readonly meter: Pick<DiskMeter, "measure">;
}
