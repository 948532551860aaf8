import { timestamp } from "../base/clock.ts";
import { step } from "../base/fault.ts";
import { newName, newUid } from "../base/ids.ts";
import type { RuntimeEvent } from "../sandbox/types.ts";
import { type Pod, type PodCondition, qosClass, throwProblems } from "../spec/index.ts";
import type { Objects } from "../store/index.ts";
import { changedPod, checkSame, podError, refuseEphemeral, validateChange } from "./check-request.ts";
import { type Disruption, EVICTED_BY_API, mergeConditions, withDisruption } from "./conditions.ts";
import { recordPending } from "./decide-resize.ts";
import { planDeletion } from "./delete.ts";
import { endPods } from "./end-pods.ts";
import type { EvictablePods, Eviction } from "./eviction/types.ts";
import { requireNamespace } from "./namespaces.ts";
import type { Node } from "./node.ts";
import { planPods } from "./plan.ts";
import { byTurn } from "./preemption.ts";
import { admitPriority, keepPriority, priorityRules } from "./priority.ts";
import { isScheduled, recordScheduling } from "./schedule.ts";
import { Scheduler } from "./scheduler.ts";
import { Scheduling } from "./scheduling.ts";
import { refuseSeLinux } from "./selinux.ts";
import { buildStatus } from "./status.ts";
import { attachTo, copyFiles, execIn, forwardTo, logFileOf } from "./streams.ts";
import type {
  CopyRequest,
  CopySession,
  ExecRequest,
  KeptObject,
  KubeEvent,
  LogFile,
  NodeUsage,
  PlannedOperation,
  PlanSources,
  PodService,
  PodUsage,
  PodWatchEvent,
  ReplaceOptions,
  StreamSession,
  TracedOperation,
} from "./types.ts";
import { nodeUsage, podUsage } from "./usage.ts";
import { PodWorker } from "./worker.ts";
import type { WorkerOwner } from "./worker-owner.ts";

/** Where pods are kept; `store/` implements it. */
export type PodStore = Pick<Objects, "put" | "list" | "delete" | "flush">;

/** The pods of this node: one worker each, the store and the watchers told of every change. */
export class Pods implements PodService, WorkerOwner, EvictablePods {
  readonly #node: Node;
  readonly #store: PodStore;
  readonly #workers = new Map<string, PodWorker>();
  readonly #byUid = new Map<string, PodWorker>();
  readonly #scheduler: Scheduler;
  readonly #scheduling: Scheduling;
  readonly #watchers = new Set<(event: PodWatchEvent) => void>();
  #cancelFreed: (() => void) | undefined;
  readonly #exitListeners = new Set<(containerId: string) => void>();

  constructor(node: Node, store: PodStore) {
    this.#node = node;
    this.#store = store;
    this.#scheduler = new Scheduler(node, {
      all: () => [...this.#workers.values()].map(({ pod }) => pod),
      byUid: (uid) => this.#byUid.get(uid)?.pod,
    });
    this.#scheduling = new Scheduling(node, this.#scheduler, {
      retry: (uid) => this.#byUid.get(uid)?.retry(),
      change: (pod) => this.#change(pod),
      disrupt: (pod, why) => this.disrupt(pod, why),
    });
    node.runtime.on((event) => this.#onRuntimeEvent(event));
  }

  /** Takes up the pods of an earlier daemon. The runtime must have recovered before. */
  recover(): void {
    // All are there before the first goes on: it may want what another one has.
    const workers = this.#store.list<Pod>("Pod").map((pod) => this.#add(pod));
    for (const worker of workers.sort((a, b) => byTurn(a.pod, b.pod))) worker.recover();
    this.#scheduling.retry();
  }

  /** The daemon leaves; pods go on. */
  stop(): void {
    this.#cancelFreed?.();
    this.#scheduling.stop();
    for (const worker of this.#workers.values()) worker.stop();
  }

  /** The machine goes down: pods end, and stay on record as they are. */
  async shutDown(longestSeconds: number): Promise<void> {
    this.stop();
    await endPods(this.#node, [...this.#workers.values()], longestSeconds);
  }

  /** Images have come: whoever waits for one tries again now. */
  retry(): void {
    for (const worker of this.#workers.values()) worker.retryImages();
  }

  /** An object that pods may name is another, or there or gone: whoever waits for it need not wait for its back-off's end. */
  objectChanged({ kind, metadata: { namespace, name } }: KeptObject): void {
    if (SCHEDULING_KINDS.has(kind)) this.#scheduling.retry();
    for (const worker of this.#workers.values())
      if (worker.pod.metadata.namespace === namespace) worker.objectChanged(kind, name);
  }

  async create(raw: Pod, options: Parameters<PodService["create"]>[1] = {}): Promise<Pod> {
    refuseEphemeral(raw);
    const pod = this.#accept(raw, options.uid);
    const { namespace, name } = pod.metadata;
    if (this.#workers.has(keyOf(namespace, name)))
      throw podError("AlreadyExists", "already exists", { namespace, name });
    requireNamespace(this.#node.objects, namespace);
    if (options.dryRun) return pod;
    step("pod.record-intent");
    const stored = this.#store.put(pod, { mode: "create", durability: "normal" });
    step("pod.intent-recorded");
    const worker = this.#add(stored);
    recordScheduling(this.#node, stored);
    this.#notify({ type: "ADDED", object: stored });
    worker.start();
    if (isScheduled(stored)) this.#scheduling.retry();
    // The answer promises that the pod survives a power cut; its start need not wait for the disk.
    await this.#store.flush();
    return stored;
  }

  async replace(given: Pod, options: ReplaceOptions = {}): Promise<Pod> {
    const worker = this.#worker(given.metadata.namespace, given.metadata.name);
    const before = worker.pod;
    const asked = options.ephemeralContainers ? given : this.#withEphemeral(given);
    const pod = { ...asked, spec: keepPriority(before.spec, asked.spec, priorityRules(this.#node.objects)) };
    checkSame(before, pod);
    throwProblems(validateChange(before, pod, options));
    if (options.ephemeralContainers) refuseSeLinux(pod, this.#node.facts.hasSeLinux);
    const changed = changedPod(before, pod, options);
    const wanted = options.resize && isScheduled(before) ? this.#scheduler.decideResize(changed, before) : changed;
    if (options.dryRun) return wanted;
    const stored = this.#store.put(wanted, { mode: "update" });
    this.#scheduler.note(stored);
    // Before the worker has it: what that changes at once is later.
    this.#notify({ type: "MODIFIED", object: stored });
    worker.replace(stored);
    if (options.resize) recordPending(this.#node, stored, before);
    this.#scheduling.retry();
    return stored;
  }

  /** Ephemeral containers have a request of their own: any other leaves them as they are. */
  #withEphemeral(pod: Pod): Pod {
    const { ephemeralContainers: _, ...spec } = pod.spec;
    const { ephemeralContainers } = this.#worker(pod.metadata.namespace, pod.metadata.name).pod.spec;
    return { ...pod, spec: { ...spec, ...(ephemeralContainers && { ephemeralContainers }) } };
  }

  setConditions(namespace: string, name: string, given: readonly PodCondition[]): Pod {
    const worker = this.#worker(namespace, name);
    const { status } = worker.pod;
    const conditions = mergeConditions(status.conditions ?? [], given, timestamp(this.#node.timers.wall()));
    const stored = this.save({ ...worker.pod, status: { ...status, conditions } });
    worker.replace(stored);
    return stored;
  }

  get(namespace: string, name: string): Pod {
    return this.#worker(namespace, name).pod;
  }

  list(filter: Parameters<PodService["list"]>[0] = {}): readonly Pod[] {
    return [...this.#workers.values()]
      .map(({ pod }) => pod)
      .filter(({ metadata }) => filter.namespace === undefined || metadata.namespace === filter.namespace)
      .filter(({ metadata }) => filter.labels === undefined || filter.labels(metadata.labels))
      .sort((a, b) => compare(a.metadata.namespace, b.metadata.namespace) || compare(a.metadata.name, b.metadata.name));
  }

  async delete(namespace: string, name: string, options: { readonly gracePeriodSeconds?: number } = {}): Promise<Pod> {
    const worker = this.#worker(namespace, name);
    const { pod } = worker;
    const deletion = planDeletion(pod, options.gracePeriodSeconds, this.#node.timers);
    if (deletion === undefined) return pod;
    const marks = {
      deletionTimestamp: timestamp(this.#node.timers.wall() + deletion.graceSeconds * 1000),
      deletionGracePeriodSeconds: deletion.graceSeconds,
    };
    step("pod.record-deletion");
    const marked = { ...pod, metadata: { ...pod.metadata, ...marks } };
    const stored = this.#store.put(marked, { mode: "update", durability: "normal" });
    step("pod.deletion-recorded");
    this.#scheduler.note(stored);
    this.#notify({ type: "MODIFIED", object: stored });
    worker.delete(stored, deletion);
    await this.#store.flush();
    return stored;
  }

  watch(listener: (event: PodWatchEvent) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  events(filter: Parameters<PodService["events"]>[0] = {}): readonly KubeEvent[] {
    return this.#node.events.list(filter);
  }

  watchEvents(listener: Parameters<PodService["watchEvents"]>[0]): () => void {
    return this.#node.events.watch(listener);
  }

  async exec(
    namespace: string,
    name: string,
    container: string | undefined,
    request: ExecRequest,
  ): Promise<StreamSession> {
    return execIn(this.#node, this.#worker(namespace, name), container, request);
  }

  async attach(
    namespace: string,
    name: string,
    container: string | undefined,
    options: { readonly stdin: boolean; readonly tty: boolean },
  ): Promise<StreamSession> {
    return attachTo(this.#node, this.#worker(namespace, name), container, options);
  }

  usage(filter: Parameters<PodService["list"]>[0] = {}): readonly PodUsage[] {
    return podUsage(this.#node, this.list(filter));
  }

  nodeUsage(): NodeUsage {
    return nodeUsage(this.#node);
  }

  async copy(
    namespace: string,
    name: string,
    container: string | undefined,
    request: CopyRequest,
  ): Promise<CopySession> {
    return copyFiles(this.#node, this.#worker(namespace, name), container, request);
  }

  async portForward(namespace: string, name: string, port: number): Promise<StreamSession> {
    return forwardTo(this.#node, this.#worker(namespace, name), port);
  }

  logFile(
    namespace: string,
    name: string,
    container: string | undefined,
    options: { readonly previous: boolean; readonly follow: boolean },
  ): LogFile {
    return logFileOf(this.#node, this.#worker(namespace, name), container, options, this.#exitListeners);
  }

  plan(pods: readonly Pod[], sources?: PlanSources): Promise<readonly PlannedOperation[]> {
    return planPods(
      this.#node,
      pods.map((pod) => this.#accept(pod)),
      sources,
    );
  }

  trace(namespace: string, name: string): readonly TracedOperation[] {
    return this.#node.runtime.trace(this.#worker(namespace, name).pod.metadata.uid);
  }

  save(pod: Pod): Pod {
    const stored = this.#record(pod);
    const moved = this.#scheduler.note(stored);
    this.#notify({ type: "MODIFIED", object: stored });
    if (moved) this.#scheduling.retrySoon();
    return stored;
  }

  whyUnschedulable(pod: Pod): string | undefined {
    return this.#scheduling.whyUnschedulable(pod);
  }

  /** Records a new state that is not the worker's own, and hands it on. */
  #change(pod: Pod): void {
    this.#byUid.get(pod.metadata.uid)?.replace(this.save(pod));
  }

  disrupt(pod: Pod, why: Disruption, options: Parameters<PodService["delete"]>[2] = {}): Promise<Pod> {
    const { namespace, name } = pod.metadata;
    step("pod.disrupt");
    this.#change(withDisruption(pod, why, timestamp(this.#node.timers.wall())));
    return this.delete(namespace, name, options);
  }

  async requestEviction(
    namespace: string,
    name: string,
    { dryRun = false, ...options }: Parameters<PodService["requestEviction"]>[2] = {},
  ): Promise<Pod> {
    const pod = this.get(namespace, name);
    return dryRun ? pod : this.disrupt(pod, EVICTED_BY_API, options);
  }

  evict({ metadata }: Pod, eviction: Eviction): Promise<void> | undefined {
    return this.#byUid.get(metadata.uid)?.evict(eviction);
  }

  async reclaim(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.reclaim()));
  }

  pressureChanged(): void {
    this.#scheduling.retry();
  }

  /** The node's labels or taints are others. */
  nodeChanged(): void {
    this.#scheduling.retry();
  }

  gone(pod: Pod): void {
    const { namespace, name, uid } = pod.metadata;
    // A power cut may bring the object back: marked for deletion, it is removed once more.
    const last = this.#store.delete<Pod>("Pod", namespace, name, { durability: "normal" }) ?? pod;
    step("pod.removed");
    this.#workers.delete(keyOf(namespace, name));
    this.#byUid.delete(uid);
    this.#scheduler.forget(pod);
    this.#notify({ type: "DELETED", object: last });
    this.#scheduling.retry();
    this.#addressFreed();
  }

  /** An address is free again. Where many pods go at once, those that wait are asked once. */
  #addressFreed(): void {
    this.#cancelFreed ??= this.#node.timers.after(0, () => {
      this.#cancelFreed = undefined;
      for (const worker of this.#workers.values()) worker.addressFreed();
    });
  }

  /** What the API server adds to a new object, and its first status. */
  #accept(raw: Pod, uid: string = newUid()): Pod {
    refuseSeLinux(raw, this.#node.facts.hasSeLinux);
    const now = timestamp(this.#node.timers.wall());
    const { deletionTimestamp: _, deletionGracePeriodSeconds: __, ...given } = raw.metadata;
    const name = given.name || newName(given.generateName ?? "");
    const metadata = { ...given, name, uid, creationTimestamp: now, resourceVersion: "", generation: 1 };
    const named: Pod = { ...raw, metadata, status: { phase: "Pending", qosClass: qosClass(raw) } };
    const pod: Pod = { ...named, spec: admitPriority(named, priorityRules(this.#node.objects)) };
    const hostAddresses = this.#node.facts.addresses;
    const unschedulable = this.#scheduler.judge(pod).why;
    const facts = { containers: new Map(), sandboxReady: false, hostAddresses, startTime: now, now, unschedulable };
    return { ...pod, status: buildStatus(pod, facts) };
  }

  #add(pod: Pod): PodWorker {
    const worker = new PodWorker(this.#node, pod, this);
    this.#workers.set(keyOf(pod.metadata.namespace, pod.metadata.name), worker);
    this.#byUid.set(pod.metadata.uid, worker);
    this.#scheduler.note(pod);
    return worker;
  }

  #worker(namespace: string, name: string): PodWorker {
    const worker = this.#workers.get(keyOf(namespace, name));
    if (worker) return worker;
    throw podError("NotFound", "not found", { namespace, name });
  }

  /** A status that can't be written (a full disk) is shown all the same; it is written with the next change. */
  #record(pod: Pod): Pod {
    const { resourceVersion: _, ...metadata } = pod.metadata;
    try {
      const versionless = { ...pod, metadata: metadata as Pod["metadata"] };
      return this.#store.put(versionless, { mode: "update", durability: "normal" });
    } catch (error) {
      this.#node.log.failure("a pod's status can't be recorded", error, { pod: pod.metadata.name });
      return pod;
    }
  }

  #notify(event: PodWatchEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }

  #onRuntimeEvent(event: RuntimeEvent): void {
    const uid = event.type === "sandboxLost" ? event.sandbox.id : event.container.sandboxId;
    this.#byUid.get(uid)?.onRuntimeEvent(event);
    if (event.type === "containerExited") for (const listener of [...this.#exitListeners]) listener(event.container.id);
  }
}

/** What a place may depend on beside pods: volumes, and the labels of namespaces (PodAffinityTerm.namespaceSelector). */
const SCHEDULING_KINDS: ReadonlySet<string> = new Set(["Namespace", "PersistentVolume", "StorageClass"]);

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
