import type { MonitorClient } from "../linux/monitor/index.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import type { MachineFacts } from "./facts.ts";
import type { LiveContainers } from "./live-containers.ts";
import type { ContainerRecord, Leases, RecordStore, SandboxRecord } from "./records.ts";
import type { Trace } from "./trace.ts";
import type { RuntimeEvent } from "./types.ts";

/** What the runtime stands on; the daemon wires it. */
export interface Dependencies {
  readonly facts: MachineFacts;
  readonly sandboxes: RecordStore<SandboxRecord>;
  readonly containers: RecordStore<ContainerRecord>;
  readonly leases: Leases;
  /** Runs nft commands through libnftables; throws with nft's own words. */
  readonly nft: (commands: string) => void;
  /** A new monitor, connected, not set up yet. */
  readonly spawnMonitor: () => MonitorClient;
  readonly log: { warn(message: string, facts?: Record<string, unknown>): void };
}

/** A sandbox as this daemon holds it. Its record says what is so, `monitor` is the way to it. */
export interface LiveSandbox {
  record: SandboxRecord;
  monitor: MonitorClient | undefined;
  /** Run folder: monitor.sock, exits/. */
  readonly folder: string;
  readonly trace: Trace;
  nextKey: number;
  /** While what is left of a lost one is ended: whoever removes it waits for that. */
  losing?: Promise<void>;
}

export interface LiveContainer {
  record: ContainerRecord;
  /** Compiled when it was created. Undefined once it has started, and after a restart of the daemon. */
  plan: readonly Operation[] | undefined;
  /** Resolves when the container is in state `exited`. */
  readonly exited: PromiseWithResolvers<void>;
  /** Ends a start that is under way. */
  readonly starting: AbortController;
}

/** The runtime's whole memory. One object, so that each verb's file stays small and takes what it needs from it. */
export interface Context extends Dependencies {
  readonly live: { readonly sandboxes: Map<string, LiveSandbox>; readonly containers: LiveContainers<LiveContainer> };
  emit(event: RuntimeEvent): void;
}
