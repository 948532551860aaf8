// What the API needs of the pod layer. `PodService` is implemented by src/pod, `SystemService` by src/daemon; src/api
// translates HTTP to these calls and nothing more.
import type {
  ContainerUsage,
  CopyRequest,
  CopySession,
  ExecRequest,
  StreamSession,
  TracedOperation,
} from "../sandbox/types.ts";
import type { FieldSet } from "../spec/metadata.ts";
import type { KubeNode } from "../spec/node.ts";
import type { KubeObject, Pod, PodCondition } from "../spec/pod.ts";

export type { ContainerUsage, CopyRequest, CopySession, ExecRequest, StreamSession, TracedOperation };

/** A core/v1 Event, as far as podrun fills it. Times are RFC 3339. */
export interface KubeEvent {
  readonly apiVersion: "v1";
  readonly kind: "Event";
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly creationTimestamp: string;
    readonly resourceVersion: string;
  };
  readonly involvedObject: {
    readonly apiVersion?: string;
    readonly kind: string;
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly fieldPath?: string;
  };
  /** Scheduled, Pulled, Created, Started, Killing, BackOff, Failed …: the kubelet's words. */
  readonly reason: string;
  readonly message: string;
  readonly type: "Normal" | "Warning";
  readonly source: { readonly component: string; readonly host?: string };
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  readonly count: number;
}

/** An event that is new, or has happened again. */
export interface EventChange {
  readonly type: "ADDED" | "MODIFIED";
  readonly object: KubeEvent;
}

export interface PodWatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: Pod;
}

/** What the containers of a pod use that run. */
export interface PodUsage {
  readonly pod: Pod;
  readonly containers: readonly ContainerUsage[];
}

/** What the machine uses at this moment, podrun's pods and all else. */
export interface NodeUsage {
  readonly name: string;
  readonly cpus: number;
  /** CLOCK_MONOTONIC nanoseconds. */
  readonly timestamp: bigint;
  /** Time that all processors have worked since the boot, nanoseconds. */
  readonly cpuNanoSeconds: bigint;
  readonly memoryTotalBytes: number;
  readonly memoryUsedBytes: number;
}

/** The log of one container: the current file; rotated ones lie beside it as `PATH.1` and on. */
export interface LogFile {
  /** CRI lines. The file may not exist yet. */
  readonly path: string;
  /** Whether more may be written. */
  readonly running: () => boolean;
  /** Calls the listener once when the container has ended and its last output is in the file. Returns unsubscribe. */
  onEnd(listener: () => void): () => void;
}

/** One operation of a plan, worded for readers. */
export interface PlannedOperation {
  readonly index: number;
  /** `sandbox` or the container's name; with several pods in one plan `POD/part`. */
  readonly part: string;
  readonly actor: string;
  readonly op: string;
  /** The arguments as a reader wants them: `proc on /proc (nosuid,nodev,noexec)`. */
  readonly text: string;
  /** The manifest line or the default that it comes from. */
  readonly why: string;
}

/** Where each field of each pod stands in its file: `sources[i]["spec.hostNetwork"]` = `pod.yaml:7`. */
export type PlanSources = readonly Readonly<Record<string, string>>[];

export interface ReplaceOptions {
  readonly dryRun?: boolean;
  /** `spec.ephemeralContainers` is taken of the pod, and nothing else; otherwise all but that. */
  readonly ephemeralContainers?: boolean;
  /** `spec` may change in cpu and memory of containers, and in nothing else; metadata is left alone. */
  readonly resize?: boolean;
  /** The fields of the manifest that the object is made from; otherwise those that are on record stay. */
  readonly applied?: FieldSet;
}

/** `container: undefined` means the pod's first container (or its `kubectl.kubernetes.io/default-container` annotation's). */
export interface PodService {
  /**
   * Accepts the pod and starts it in the background; answers it with uid, resourceVersion and status. `uid`: for controllers whose
   * pods keep theirs (static pods). Throws AlreadyExists, InvalidObject.
   */
  create(pod: Pod, options?: { readonly dryRun?: boolean; readonly uid?: string }): Promise<Pod>;
  /** Throws NotFound, Conflict (metadata.resourceVersion is old), InvalidObject (a field that may not change). */
  replace(pod: Pod, options?: ReplaceOptions): Promise<Pod>;
  /** Writes all conditions that are not podrun's own; answers the pod. Throws NotFound. */
  setConditions(namespace: string, name: string, conditions: readonly PodCondition[]): Pod;
  /** Throws NotFound. */
  get(namespace: string, name: string): Pod;
  list(filter?: {
    readonly namespace?: string;
    readonly labels?: (labels: Record<string, string>) => boolean;
  }): readonly Pod[];
  /** Marks the pod and ends it in the background; answers it with its deletionTimestamp. Throws NotFound. */
  delete(namespace: string, name: string, options?: { readonly gracePeriodSeconds?: number }): Promise<Pod>;
  /** As {@link delete}, for what is no fault of the pod's: its condition DisruptionTarget says so (policy/v1 Eviction). */
  requestEviction(
    namespace: string,
    name: string,
    options?: { readonly gracePeriodSeconds?: number; readonly dryRun?: boolean },
  ): Promise<Pod>;
  /** Later changes only, in order. Returns unsubscribe. */
  watch(listener: (event: PodWatchEvent) => void): () => void;
  /** Oldest first. */
  events(filter?: { readonly namespace?: string; readonly involvedName?: string }): readonly KubeEvent[];
  /** Later ones only, in order. Returns unsubscribe. */
  watchEvents(listener: (change: EventChange) => void): () => void;
  /** Throws NotFound, ContainerNotRunning, CommandNotFound, CommandNotExecutable. */
  exec(namespace: string, name: string, container: string | undefined, request: ExecRequest): Promise<StreamSession>;
  /** Throws NotFound, ContainerNotRunning. */
  attach(
    namespace: string,
    name: string,
    container: string | undefined,
    options: { readonly stdin: boolean; readonly tty: boolean },
  ): Promise<StreamSession>;
  /** Of every pod of which a container runs. */
  usage(filter?: Parameters<PodService["list"]>[0]): readonly PodUsage[];
  nodeUsage(): NodeUsage;
  /** Files into or out of a container. Throws NotFound, ContainerNotRunning. */
  copy(namespace: string, name: string, container: string | undefined, request: CopyRequest): Promise<CopySession>;
  /** A TCP connection to a port of the pod's own localhost ({@link StreamSession}). Throws NotFound, ContainerNotRunning, OperationFailed. */
  portForward(namespace: string, name: string, port: number): Promise<StreamSession>;
  /**
   * `previous`: the container's run before the present one. Throws NotFound (no pod, no container, no earlier run), BadRequest
   * (it has not started; who follows it waits for that, unless something is in its way).
   */
  logFile(
    namespace: string,
    name: string,
    container: string | undefined,
    options: { readonly previous: boolean; readonly follow: boolean },
  ): LogFile;
  /** The whole plan of each pod's start, nothing executed. Throws InvalidObject, ImageNotFound … as a start would. */
  plan(pods: readonly Pod[], sources?: PlanSources): Promise<readonly PlannedOperation[]>;
  /** The last start, measured. Throws NotFound. */
  trace(namespace: string, name: string): readonly TracedOperation[];
}

/** Objects that are only kept: nothing runs because of them. Others name them. */
export type KeptObject = Exclude<KubeObject, Pod | KubeNode>;
export type KeptKind = KeptObject["kind"];
export type KeptOf<K extends KeptKind> = Extract<KeptObject, { kind: K }>;

/** Where pods look up the objects that they name. */
export interface ObjectSource {
  /** Undefined: there is none. */
  find<K extends KeptKind>(kind: K, namespace: string, name: string): KeptOf<K> | undefined;
}

/** Where all of a kind are looked up, too. */
export interface ObjectLists extends ObjectSource {
  list<K extends KeptKind>(kind: K): readonly KeptOf<K>[];
}

export interface ObjectWatchEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KeptObject;
}

export interface ReplaceKeptOptions {
  readonly dryRun?: boolean;
  /** What the object lacks is taken away, also what podrun has filled in; otherwise that stays. */
  readonly exact?: boolean;
  /** As {@link ReplaceOptions.applied}. */
  readonly applied?: FieldSet;
}

export interface ObjectFilter {
  readonly namespace?: string | undefined;
}

/** What the API needs of the objects that are only kept. */
export interface ObjectService {
  /** Answers the object with uid, creationTimestamp and resourceVersion. Throws AlreadyExists. */
  create(object: KeptObject, options?: { readonly dryRun?: boolean }): KeptObject;
  /** Throws NotFound, Conflict (uid or resourceVersion is another), InvalidObject (a field that may not change). */
  replace(object: KeptObject, options?: ReplaceKeptOptions): KeptObject;
  /** Throws NotFound. */
  get<K extends KeptKind>(kind: K, namespace: string, name: string): KeptOf<K>;
  /** By namespace and name. */
  list<K extends KeptKind>(kind: K, filter?: ObjectFilter): readonly KeptOf<K>[];
  /** The object as it was last; with a deletionTimestamp it goes when nobody uses it any more. Throws NotFound, Forbidden. */
  delete(kind: KeptKind, namespace: string, name: string, options?: { readonly dryRun?: boolean }): KeptObject;
  /** Later changes only, in order. Returns unsubscribe. */
  watch(listener: (event: ObjectWatchEvent) => void): () => void;
  /** The last one given out to any object. */
  readonly resourceVersion: string;
}

export interface ReplaceNodeOptions {
  readonly dryRun?: boolean;
  readonly applied?: FieldSet;
}

export interface NodeWatchEvent {
  readonly type: "MODIFIED";
  readonly object: KubeNode;
}

/** What the API needs of the one node that there is. */
export interface NodeService {
  /** As it is now. */
  list(): readonly [KubeNode];
  /** Throws NotFound. */
  get(name: string): KubeNode;
  /** There is one, and no other: throws AlreadyExists, Forbidden. */
  create(node: KubeNode): never;
  /**
   * Takes labels, annotations, taints and `unschedulable`. `applied`: which fields the manifest had that was applied. Throws
   * NotFound, Conflict, InvalidObject (a field that may not change).
   */
  replace(node: KubeNode, options?: ReplaceNodeOptions): KubeNode;
  /** Later changes only, in order. Returns unsubscribe. */
  watch(listener: (event: NodeWatchEvent) => void): () => void;
}

export interface SystemInfo {
  readonly version: string;
  readonly daemon: {
    readonly pid: number;
    readonly startedAt: string;
    readonly socket: string;
  };
  /** What the kernel gives: `v1`, `v2` or `hybrid`, and what we use of it. */
  readonly cgroup: { readonly version: string } & Readonly<Record<string, unknown>>;
  readonly kernel: {
    readonly release: string;
    readonly architecture: string;
  } & Readonly<Record<string, unknown>>;
  /** Kernel and library features by name: there, or what is lacking for want of it. */
  readonly features: Readonly<Record<string, unknown>>;
  readonly [more: string]: unknown;
}

/** One difference between the records and the kernel. */
export interface Finding {
  /** `process`, `link`, `mount`, `cgroup`, `nft`, `lease`, `folder`, `record` … */
  readonly kind: string;
  readonly object: string;
  /** One sentence: what is, and what should be. */
  readonly message: string;
  /** Whether `--repair` can mend it (check), or has mended it (repair). */
  readonly repairable?: boolean;
  readonly repaired?: boolean;
}

export interface SystemService {
  info(): Promise<SystemInfo>;
  /** Empty: clean. */
  check(): Promise<readonly Finding[]>;
  /** Mends what check finds; answers every finding with `repaired`. */
  repair(): Promise<readonly Finding[]>;
  /** The daemon leaves after this returns; pods go on. */
  shutdown(): void;
}
