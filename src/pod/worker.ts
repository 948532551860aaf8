import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../base/clock.ts";
import type { ContainerStatus as RuntimeContainer, RuntimeEvent, SandboxStatus } from "../sandbox/types.ts";
import type { Pod } from "../spec/index.ts";
import { type AdvanceContext, advanceContainer } from "./advance-container.ts";
import { type Deletion, stopContainers, tearDown } from "./delete.ts";
import type { Node } from "./node.ts";
import { PodImages } from "./pull-image.ts";
import { messageOf, record } from "./record.ts";
import { retryDelay, shouldRestart } from "./restart.ts";
import { prepareContainer } from "./run-container.ts";
import { makeSandbox } from "./run-sandbox.ts";
import { buildStatus } from "./status.ts";
import { TrackedContainer } from "./tracked-container.ts";
import { setUpVolumes, type VolumeSources, volumeSources } from "./volumes.ts";

/** What a worker tells whoever keeps the pods. */
export interface WorkerOwner {
  /** The pod's status is another: records it, tells watchers, returns the pod with its new resourceVersion. */
  save(pod: Pod): Pod;
  /** Nothing of the pod is left. */
  gone(pod: Pod): void;
}

/** How often a status that changes while work goes on is written, milliseconds. */
const PUBLISH_MILLIS = 25;

/** So long may work on a pod go on that is to be deleted, before its sandbox is ended under it. */
const ABORT_MILLIS = 2000;

/** Waits between attempts to make a sandbox or to take a pod away. */
const RETRY = { initialMillis: 1000, maxMillis: 60_000 };

/**
 *   active ──► over ──► terminating ──► gone
 *      └───────────────────▲
 *
 * - active: what is missing is made, what has ended is started again as its restart policy says;
 * - over: every container has ended for good (Succeeded, Failed): the sandbox is stopped, the object stays;
 * - terminating: deletion was asked for;
 * - gone: nothing is left.
 */
type Stage = "active" | "over" | "terminating" | "gone";

/**
 * One pod's way from what it should be to what is. It works at one thing at a time: `kick` either begins or makes the
 * work that goes on begin again, and each round looks at everything anew.
 */
export class PodWorker {
  readonly #node: Node;
  readonly #owner: WorkerOwner;
  readonly #containers: ReadonlyMap<string, TrackedContainer>;
  readonly #volumes: VolumeSources;
  readonly #images: PodImages;
  #pod: Pod;
  #stage: Stage = "active";
  #sandbox: SandboxStatus | undefined;
  /** Sandboxes made before the present one. */
  #attempt = 0;
  #deadline = 0;
  #failures = 0;
  #retryAt = 0;
  #busy = false;
  #again = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #cancelWake: (() => void) | undefined;
  #cancelPublish: (() => void) | undefined;

  constructor(node: Node, pod: Pod, owner: WorkerOwner) {
    this.#node = node;
    this.#pod = pod;
    this.#owner = owner;
    const settings = node.settings.restartBackoff;
    this.#containers = new Map(pod.spec.containers.map(({ name }) => [name, new TrackedContainer(name, settings)]));
    this.#volumes = volumeSources(pod, node.config.root);
    this.#images = new PodImages(node, () => {
      this.#changed();
      this.kick();
    });
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The newest run of a container; undefined: there was none yet. */
  runOf(container: string): RuntimeContainer | undefined {
    return this.#containers.get(container)?.run;
  }

  /** The number of a container's newest run, from 0. */
  attemptOf(container: string): number {
    return this.#containers.get(container)?.restartCount ?? 0;
  }

  /** Begins with a new pod. What can be done without waiting is under way when this returns. */
  start(): void {
    this.kick();
  }

  /** Takes up a pod of an earlier daemon; the runtime has recovered already. */
  recover(): void {
    const { uid, deletionTimestamp } = this.#pod.metadata;
    this.#sandbox = this.#node.runtime.listSandboxes().find(({ id }) => id === uid);
    if (this.#sandbox) this.#attempt = this.#sandbox.metadata.attempt;
    const runs = this.#node.runtime.listContainers(uid);
    const now = timestamp(this.#node.timers.now());
    for (const tracked of this.#containers.values()) {
      const status = this.#pod.status.containerStatuses?.find(({ name }) => name === tracked.name);
      const own = runs.filter(({ name }) => name === tracked.name).sort((a, b) => b.attempt - a.attempt);
      tracked.recover(status, own[0], now);
    }
    if (this.#pod.status.phase === "Succeeded" || this.#pod.status.phase === "Failed") this.#stage = "over";
    if (deletionTimestamp !== undefined) {
      this.#stage = "terminating";
      this.#deadline = Date.parse(deletionTimestamp);
    }
    this.kick();
    this.#changed();
  }

  /** The object has been changed by its owner: labels, annotations, images. */
  replace(pod: Pod): void {
    this.#pod = pod;
    this.kick();
  }

  /** Deletion was asked for, perhaps not for the first time; `pod` has it in its metadata. */
  delete(pod: Pod, { graceSeconds, deadline }: Deletion): void {
    const again = this.#stage === "terminating";
    this.#pod = pod;
    this.#stage = "terminating";
    this.#deadline = deadline;
    this.#retryAt = 0;
    this.#images.close();
    if (again) this.#inBackground("stop sooner", stopContainers(this.#node, this.#running(), deadline));
    else if (this.#busy) this.#abortStart(graceSeconds);
    this.kick();
  }

  onRuntimeEvent(event: RuntimeEvent): void {
    if (event.type === "sandboxLost") {
      this.#sandbox = event.sandbox;
    } else {
      const tracked = this.#containers.get(event.container.name);
      if (tracked?.run?.id !== event.container.id) return;
      tracked.run = event.container;
      if (event.type === "containerExited") tracked.waiting = undefined;
    }
    this.#changed();
    this.kick();
  }

  /** An image has come, or an account for its registry: whatever waits for one is looked at now. */
  retryImages(): void {
    this.#images.retry();
    this.retry();
  }

  /** Looks at everything again now, but for pulls that are backed off from: an address is free. */
  retry(): void {
    this.#retryAt = 0;
    for (const tracked of this.#containers.values()) tracked.retryAt = 0;
    this.kick();
  }

  /** The daemon leaves: the pod goes on, this worker does not. */
  stop(): void {
    this.#cancelWake?.();
    this.#cancelPublish?.();
    this.#images.close();
    this.#stage = "gone";
  }

  kick(): void {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    void this.#work();
  }

  async #work(): Promise<void> {
    do {
      this.#again = false;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      try {
        await this.#round();
      } catch (error) {
        // Every expected failure has been dealt with: the pod must not stand still for what is left.
        this.#node.log.failure("a pod's worker failed", error, { pod: this.#pod.metadata.name });
        this.#failed();
      }
    } while (this.#again && this.#stage !== "gone");
    this.#busy = false;
    if (this.#stage === "gone") return;
    this.#publish();
    this.#setWake();
  }

  #round(): Promise<void> {
    if (this.#stage === "terminating") return this.#terminate();
    if (this.#stage === "over") return this.#finish();
    if (this.#stage === "active") return this.#run();
    return Promise.resolve();
  }

  async #run(): Promise<void> {
    if (this.#isOver()) {
      this.#stage = "over";
      this.#again = true;
      return;
    }
    // Asked anew: containers' ends are told before the loss of the sandbox that caused them.
    if (this.#sandbox) this.#sandbox = this.#node.runtime.sandboxStatus(this.#sandbox.id);
    if (this.#sandbox && this.#sandbox.state !== "ready") await this.#loseSandbox();
    if (!this.#sandbox) {
      if (this.#waitUntil(this.#retryAt)) return;
      await this.#makeSandbox();
    }
    if (!this.#sandbox || this.#stage !== "active") return;
    await this.#advanceContainers(this.#sandbox);
  }

  async #advanceContainers(sandbox: SandboxStatus): Promise<void> {
    const context: AdvanceContext = {
      pod: this.#pod,
      sandbox,
      volumes: this.#volumes,
      images: this.#images,
      waitUntil: (moment) => this.#waitUntil(moment),
      changed: () => this.#changed(),
      publish: () => this.#publish(),
    };
    // A run that ends meanwhile makes another round: the runtime tells of it.
    await Promise.all([...this.#containers.values()].map((tracked) => advanceContainer(this.#node, tracked, context)));
  }

  async #makeSandbox(): Promise<void> {
    try {
      setUpVolumes(this.#pod, this.#node.config.root);
    } catch (error) {
      record(this.#node, this.#pod, "Warning", "FailedMount", `MountVolume.SetUp failed: ${messageOf(error)}`);
      return this.#failed();
    }
    try {
      this.#sandbox = await makeSandbox(this.#node, this.#pod, this.#attempt, (sandbox) => this.#prepare(sandbox));
      this.#failures = 0;
      this.#changed();
    } catch (error) {
      await this.#forgetPrepared();
      const text = `Failed to create pod sandbox: ${messageOf(error)}`;
      record(this.#node, this.#pod, "Warning", "FailedCreatePodSandBox", text);
      // A deletion that came meanwhile has not failed: it need not wait.
      if (this.#stage === "active") this.#failed();
    }
  }

  /** Creates the containers that will be started next, while the daemon would only wait for their sandbox. */
  #prepare(sandbox: SandboxStatus): void {
    for (const tracked of this.#containers.values()) {
      const spec = this.#pod.spec.containers.find(({ name }) => name === tracked.name);
      if (!spec || tracked.run || tracked.end || tracked.retryAt > this.#node.timers.now()) continue;
      const context = { pod: this.#pod, sandbox, volumes: this.#volumes, images: this.#images };
      tracked.prepared = prepareContainer(this.#node, tracked, spec, context);
      // Whoever starts it hears of it; a sandbox that fails has its own error.
      tracked.prepared.catch(() => undefined);
    }
  }

  /** What was created went with its sandbox. */
  async #forgetPrepared(): Promise<void> {
    for (const tracked of this.#containers.values()) {
      await Promise.allSettled([tracked.prepared]);
      if (tracked.prepared) tracked.run = undefined;
      tracked.prepared = undefined;
    }
  }

  /** Its pause or its monitor is gone: what is left of it goes, and a new one is made (kubelet: SandboxChanged). */
  async #loseSandbox(): Promise<void> {
    record(this.#node, this.#pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    this.#publish();
    await this.#node.runtime.removeSandbox(this.#pod.metadata.uid);
    for (const tracked of this.#containers.values()) tracked.forgetRun();
    this.#sandbox = undefined;
    this.#attempt++;
    if (this.#isOver()) this.#again = true;
  }

  /** Everything has ended for good: the sandbox's processes and addresses go back, its records stay until deletion. */
  async #finish(): Promise<void> {
    if (this.#sandbox?.state !== "ready") return;
    this.#publish();
    await this.#node.runtime.stopSandbox(this.#pod.metadata.uid);
    this.#sandbox = { ...this.#sandbox, state: "notready" };
    this.#changed();
  }

  async #terminate(): Promise<void> {
    if (this.#waitUntil(this.#retryAt)) return;
    try {
      await tearDown(this.#node, this.#pod, this.#containers.values(), this.#deadline);
      // Last: where the object can't be removed (a full disk) the worker must go on to try again.
      this.#owner.gone(this.#pod);
    } catch (error) {
      record(this.#node, this.#pod, "Warning", "FailedKillPod", `error killing pod: ${messageOf(error)}`);
      return this.#failed();
    }
    this.stop();
  }

  /** A start that hangs (a stopped actor, a mount that waits for a server) must not keep a pod from being deleted. */
  #abortStart(graceSeconds: number): void {
    const millis = Math.min(graceSeconds * 1000, ABORT_MILLIS);
    this.#node.timers.after(millis, () => {
      const starting = [...this.#containers.values()].some(
        ({ run }) => run?.state !== "running" && run?.state !== "exited",
      );
      if (this.#busy && starting)
        this.#inBackground("abort start", this.#node.runtime.stopSandbox(this.#pod.metadata.uid));
    });
  }

  #inBackground(what: string, work: Promise<void>): void {
    work.catch((error: unknown) => this.#node.log.failure(what, error, { pod: this.#pod.metadata.name }));
  }

  #isOver(): boolean {
    const policy = this.#pod.spec.restartPolicy;
    return [...this.#containers.values()].every(({ end }) => end !== undefined && !shouldRestart(policy, end.exitCode));
  }

  #running(): TrackedContainer[] {
    return [...this.#containers.values()].filter(({ isRunning }) => isRunning);
  }

  #failed(): void {
    this.#failures++;
    this.#retryAt = this.#node.timers.now() + retryDelay(RETRY, this.#failures);
    this.#waitUntil(this.#retryAt);
    this.#changed();
  }

  /** Whether a moment is still to come; if so, everything is looked at again then. */
  #waitUntil(moment: number): boolean {
    if (moment <= this.#node.timers.now()) return false;
    this.#wakeAt = Math.min(this.#wakeAt, moment);
    return true;
  }

  #setWake(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (this.#wakeAt === Number.POSITIVE_INFINITY) return;
    this.#cancelWake = this.#node.timers.after(Math.max(0, this.#wakeAt - this.#node.timers.now()), () => this.kick());
  }

  /** The status may be another. Several changes make one write: it comes when the work is done, or after a moment. */
  #changed(): void {
    this.#cancelPublish ??= this.#node.timers.after(this.#busy ? PUBLISH_MILLIS : 0, () => this.#publish());
  }

  #publish(): void {
    this.#cancelPublish?.();
    this.#cancelPublish = undefined;
    if (this.#stage === "gone") return;
    const { timers, facts } = this.#node;
    const now = timestamp(timers.now());
    const status = buildStatus(this.#pod, {
      containers: this.#containers,
      addresses: this.#addresses(),
      sandboxReady: this.#sandbox?.state === "ready",
      hostAddresses: facts.addresses,
      startTime: this.#pod.status.startTime ?? now,
      now,
    });
    if (isDeepStrictEqual(status, this.#pod.status)) return;
    this.#pod = this.#owner.save({ ...this.#pod, status });
  }

  /** A pod keeps showing the addresses that it had when its sandbox is stopped. */
  #addresses(): readonly string[] {
    if (!this.#sandbox) return this.#pod.status.podIPs?.map(({ ip }) => ip) ?? [];
    return this.#pod.spec.hostNetwork ? this.#node.facts.addresses : this.#sandbox.addresses;
  }
}
