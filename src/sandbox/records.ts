import type { NetworkLease } from "./facts.ts";
import type { ProcessIdentity } from "./process-plan.ts";
import type {
  ContainerState,
  NamespaceMode,
  PortMapping,
  QosClass,
  Resources,
  SandboxMetadata,
  SandboxState,
} from "./types.ts";
import type { UserRange } from "./user-ranges.ts";

// What a daemon must know to take up what an earlier one left. Every change of state is recorded before it is acted on
// (intent) and after (result); recovery.ts reads them.

/** A sandbox: `creating` → `ready` → `notready` (its monitor or pause is gone, or it was stopped) → `removing` → gone. */
export interface SandboxRecord {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly state: SandboxState;
  readonly createdAt: string;
  readonly network: "pod" | "node";
  readonly pid: NamespaceMode;
  readonly ipc: "pod" | "node";
  readonly hostname: string;
  readonly qos: QosClass;
  readonly cgroup: string;
  readonly logDirectory: string;
  readonly lease?: NetworkLease;
  /** Its user namespace's ids outside; nobody else's as long as this record is there. */
  readonly userRange?: UserRange;
  readonly seLinuxLevel?: string;
  /** Ports of the host that lead to the lease's addresses. */
  readonly ports?: readonly PortMapping[];
  readonly pausePid: number;
  /** What its cgroup has; absent in records of podrun before 0.2. */
  readonly resources?: Resources;
  /** What it is to have; until it is done the cgroup may have the one or the other, limit by limit. */
  readonly resizing?: Resources | undefined;
  /** What volumes with content of ours hold; absent: none was written. */
  readonly volumes?: Readonly<Record<string, VolumeRecord>>;
}

export interface VolumeRecord {
  /** SHA-256 of the tree; "" while a new one is being written. */
  readonly digest: string;
  /** Names that are links into the content, for certain. */
  readonly names: readonly string[];
}

/** A container: `created` → `starting` → `running` → `exited` → `removing` → gone; a failed start goes to `exited`. */
export interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: ContainerState;
  /** Its number in the pod, which its descriptor slots follow from. */
  readonly number: number;
  /** Process key in the monitor's table; never reused in a pod's life. */
  readonly key: number;
  readonly imageId: string;
  readonly imageReference: string;
  readonly volumeImageIds?: readonly string[];
  readonly createdAt: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly pid?: number;
  readonly exitCode?: number;
  readonly signal?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly cgroup: string;
  /** As of a sandbox. */
  readonly resources?: Resources;
  readonly resizing?: Resources | undefined;
  /** Upper folder, work folder, termination message. */
  readonly folder: string;
  readonly logPath: string;
  readonly stopSignal: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly terminationMessage: boolean;
  /** It is in the process namespace of another container. */
  readonly sharesProcesses?: boolean;
  /** exec starts from it. */
  readonly identity: ProcessIdentity;
}

/** Durable records of one kind by id; `store/` implements it. */
export interface RecordStore<T extends { readonly id: string }> {
  put(record: T): void;
  delete(id: string): void;
  list(): readonly T[];
}

/** Addresses and link of a pod, held from before its link exists until after it is gone; `store/` implements it. */
export interface Leases {
  /** The pod's lease, a new one when it has none. Throws AddressesExhausted. */
  acquire(podUid: string): NetworkLease;
  release(podUid: string): void;
  /** What the next acquire would give, nothing recorded. */
  peek(): NetworkLease;
}
