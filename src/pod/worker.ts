import { timestamp } from "../base/clock.ts";
import type { ContainerStatus as RuntimeContainer, RuntimeEvent, SandboxStatus } from "../sandbox/types.ts";
import { findPlaced, isTerminalPhase, type Pod } from "../spec/index.ts";
import { abortStart } from "./abort-start.ts";
import { advanceContainers } from "./advance-container.ts";
import { Alarm } from "./alarm.ts";
import { allocatedPod } from "./allocation.ts";
import type { AdvanceContext } from "./back-off.ts";
import { ConfigVolumes } from "./config-volumes.ts";
import { type Deletion, deletionDeadline, tearDown } from "./delete.ts";
import type { Eviction } from "./eviction/types.ts";
import { Grace } from "./grace.ts";
import { withLastWords } from "./last-words.ts";
import type { Node } from "./node.ts";
import { PodContainers } from "./pod-containers.ts";
import { PodEnd } from "./pod-end.ts";
import { PodResize } from "./pod-resize.ts";
import { PodSandbox } from "./pod-sandbox.ts";
import { PodProbes } from "./probes/pod-probes.ts";
import { StatusPublisher } from "./publish-status.ts";
import { PodImages } from "./pull-image.ts";
import { messageOf, record } from "./record.ts";
import { referencesOf } from "./references.ts";
import { RETRY, retryDelay } from "./restart.ts";
import { isScheduled, recordScheduling, refusalOf } from "./schedule.ts";
import { stopContainers } from "./stop-containers.ts";
import type { Turn } from "./turns.ts";
import type { KeptKind } from "./types.ts";
import { volumeSources } from "./volumes.ts";
import type { WorkerOwner } from "./worker-owner.ts";

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
  readonly #containers: PodContainers;
  readonly #config: ConfigVolumes;
  readonly #sandbox: PodSandbox;
  readonly #images: PodImages;
  readonly #probes: PodProbes;
  readonly #resize: PodResize;
  #pod: Pod;
  #stage: Stage = "active";
  /** What the round that goes on was begun for. */
  #working: Stage = "active";
  #deadline = 0;
  #failures = 0;
  #retryAt = 0;
  #busy = false;
  #again = false;
  /** What is left to the pod's containers once all of them are to end. */
  #grace: Grace | undefined;
  readonly #end: PodEnd;
  /** Why the pod has no place on this node yet. */
  #unschedulable: string | undefined;
  readonly #alarm: Alarm;
  readonly #publisher: StatusPublisher;
  /** When the work that is to be done has its turn. */
  #turn: Turn | undefined;

  constructor(node: Node, pod: Pod, owner: WorkerOwner) {
    this.#node = node;
    this.#pod = pod;
    this.#unschedulable = refusalOf(pod);
    this.#owner = owner;
    this.#publisher = new StatusPublisher({
      node,
      pod: () => this.#pod,
      facts: () => this.#facts(),
      save: (pod) => {
        this.#pod = owner.save(pod);
      },
    });
    this.#alarm = new Alarm(node.timers, () => this.kick());
    this.#end = new PodEnd(node);
    this.#containers = new PodContainers(pod, node.settings.restartBackoff);
    this.#config = new ConfigVolumes(node);
    this.#resize = new PodResize(node, this.#containers);
    this.#sandbox = new PodSandbox(node, this.#containers, this.#config);
    this.#images = new PodImages(node, () => this.#progress());
    this.#probes = new PodProbes({ node, pod: () => this.#pod, progress: () => this.#progress() });
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The newest run of a container; undefined: there was none yet. */
  runOf(container: string): RuntimeContainer | undefined {
    return this.#containers.byName.get(container)?.run;
  }

  /** The number of a container's newest run, from 0. */
  attemptOf(container: string): number {
    return this.#containers.byName.get(container)?.restartCount ?? 0;
  }

  /** Begins with a new pod. What can be done without waiting is under way when this returns. */
  start(): void {
    this.kick();
  }

  /** Takes up a pod of an earlier daemon; the runtime has recovered already. */
  recover(): void {
    const { uid, deletionTimestamp } = this.#pod.metadata;
    this.#sandbox.recover(this.#pod);
    this.#containers.recover(this.#pod, this.#node.runtime.listContainers(uid), timestamp(this.#node.timers.wall()));
    this.#resize.recover(this.#pod);
    if (isTerminalPhase(this.#pod.status.phase)) this.#stage = "over";
    if (this.#end.recover(this.#pod)) this.#stage = "over";
    if (deletionTimestamp !== undefined) {
      this.#stage = "terminating";
      this.#deadline = deletionDeadline(this.#node.timers, this.#pod);
    }
    this.kick();
    this.#changed();
  }

  /** The object has been changed by its owner: labels, annotations, images, resources. */
  replace(pod: Pod): void {
    this.#pod = pod;
    this.#containers.add(pod);
    this.#config.changed();
    this.#resize.changed();
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
    this.#probes.stopRestarting();
    // What is ending already ends by the same deadline, or sooner.
    this.#grace?.sooner(deadline);
    for (const { stop } of this.#containers.all) stop?.grace.sooner(deadline);
    if (!again) this.#abortStart(graceSeconds);
    this.#turn?.hurry();
    this.kick();
  }

  /** Ends the pod for good. Resolves when nothing of it runs; undefined: it is over, or on its way out, already. */
  evict(eviction: Eviction): Promise<void> | undefined {
    if (this.#stage !== "active" || !isScheduled(this.#pod)) return undefined;
    this.#stage = "over";
    this.#end.evict(this.#pod, eviction, () => this.#publisher.publish());
    this.#images.close();
    this.#abortStart(this.#end.graceSeconds(this.#pod));
    this.#turn?.hurry();
    this.kick();
    return this.#end.untilDone();
  }

  /** Removes what is left on the disk of a pod that is over and of which nothing runs, but for its logs. */
  async reclaim(): Promise<void> {
    if (this.#stage !== "over" || this.#containers.running.length > 0 || !this.#end.reclaim()) return;
    this.kick();
    await this.#end.untilDone();
  }

  onRuntimeEvent(event: RuntimeEvent): void {
    if (event.type === "sandboxLost") {
      this.#sandbox.note(event.sandbox);
    } else {
      const tracked = this.#containers.byName.get(event.container.name);
      if (tracked?.run?.id !== event.container.id) return;
      tracked.run = withLastWords(event.container, findPlaced(this.#pod.spec, tracked.name)?.container);
      if (event.type === "containerExited") {
        tracked.waiting = undefined;
        tracked.endHooks();
      }
    }
    this.#probes.follow(this.#containers.all);
    this.#changed();
    this.kick();
  }

  /** An image has come, or an account for its registry: whatever waits for one is looked at now. */
  retryImages(): void {
    this.#images.retry();
    this.retry();
  }

  /** An object of the pod's namespace is another, or there or gone. */
  objectChanged(kind: KeptKind, name: string): void {
    const { asked, pulls } = referencesOf(this.#pod);
    if (kind === "Secret" && pulls.has(name)) this.#images.retry();
    this.#config.changed();
    if (asked.has(`${kind}/${name}`) || (kind === "Secret" && pulls.has(name))) this.retry();
  }

  /** Looks at everything again now, but for pulls that are backed off from: an address is free. */
  retry(): void {
    this.#retryAt = 0;
    for (const tracked of this.#containers.all) tracked.retryAt = 0;
    this.kick();
  }

  /** An address is free again: a pod whose sandbox could not be made may have waited for it. */
  addressFreed(): void {
    if (this.#stage === "active" && this.#failures > 0 && !this.#sandbox.status) this.retry();
  }

  /** The daemon leaves: the pod goes on, this worker does not. */
  stop(): void {
    this.#alarm.clear();
    this.#publisher.stop();
    this.#images.close();
    this.#probes.stop();
    this.#stage = "gone";
    this.#end.done();
  }

  kick(): void {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    const isUrgent = this.#turn === undefined || this.#stage === "terminating";
    this.#turn = this.#node.turns.take(() => this.#work(), isUrgent);
  }

  async #work(): Promise<void> {
    do {
      this.#again = false;
      this.#alarm.clear();
      this.#working = this.#stage;
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
    this.#probes.follow(this.#containers.all);
    this.#publisher.publish();
    this.#alarm.set();
  }

  #round(): Promise<void> {
    if (this.#stage === "terminating") return this.#terminate();
    if (this.#stage === "over") return this.#finish();
    if (this.#stage === "active") return this.#run();
    return Promise.resolve();
  }

  /** Whether the pod has its place. What it waits for is said once; it is asked again whenever another pod gives its own back. */
  #schedule(): boolean {
    if (isScheduled(this.#pod)) return true;
    const before = this.#unschedulable;
    this.#unschedulable = this.#owner.whyUnschedulable(this.#pod);
    if (this.#unschedulable !== before) {
      this.#publisher.publish();
      recordScheduling(this.#node, this.#pod);
    }
    return this.#unschedulable === undefined;
  }

  async #run(): Promise<void> {
    if (!this.#schedule()) return;
    if (this.#containers.isOver(this.#pod) || this.#end.isPastDeadline(this.#pod, this.#alarm)) {
      this.#stage = "over";
      this.#again = true;
      return;
    }
    if (this.#sandbox.isLost()) await this.#loseSandbox();
    if (!this.#sandbox.status) {
      if (this.#alarm.waitUntil(this.#retryAt)) return;
      await this.#makeSandbox();
    }
    const { status } = this.#sandbox;
    if (!status || this.#stage !== "active") return;
    if (!(await this.#sandbox.writeVolumes(allocatedPod(this.#pod), status))) return this.#failed();
    this.#failures = 0;
    await this.#advanceContainers(status);
  }

  async #advanceContainers(sandbox: SandboxStatus): Promise<void> {
    const context: AdvanceContext = {
      pod: allocatedPod(this.#pod),
      sandbox,
      volumes: volumeSources(this.#pod, this.#node),
      images: this.#images,
      waitUntil: (moment) => this.#alarm.waitUntil(moment),
      changed: () => this.#changed(),
      progress: () => this.#progress(),
      publish: () => this.#publisher.publish(),
    };
    await this.#resize.advance(context);
    if (await advanceContainers(this.#node, this.#containers, context)) this.#again = true;
    this.#again ||= this.#resize.isUnfinished;
  }

  async #makeSandbox(): Promise<void> {
    const context = { pod: allocatedPod(this.#pod), images: this.#images };
    if (await this.#sandbox.make(context)) this.#changed();
    // A deletion that came meanwhile has not failed: it need not wait.
    else if (this.#stage === "active") this.#failed();
  }

  /** Its pause or its monitor is gone: what is left of it goes, and a new one is made (kubelet: SandboxChanged). */
  async #loseSandbox(): Promise<void> {
    record(this.#node, this.#pod, "Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
    this.#publisher.publish();
    await this.#sandbox.forget(this.#pod);
    if (this.#containers.isOver(this.#pod)) this.#again = true;
  }

  /**
   * The pod's own containers have ended for good: so do its sidecars, then the sandbox's processes and addresses go back; its
   * records stay until deletion.
   */
  async #finish(): Promise<void> {
    this.#images.close();
    if (this.#sandbox.isReady) {
      this.#probes.stopRestarting();
      this.#publisher.publish();
      await this.stopAll(this.#node.timers.now() + this.#end.graceSeconds(this.#pod) * 1000);
      if (this.#stage !== "over") return;
    }
    if (await this.#sandbox.stop(this.#pod)) this.#changed();
    await this.#end.clearAway(this.#pod, this.#sandbox);
  }

  /** Ends the containers in their order, until `deadline`, a moment. */
  async stopAll(deadline: number): Promise<void> {
    if (this.#containers.running.length === 0) return;
    this.#grace = new Grace(this.#node.timers, deadline);
    await stopContainers(this.#node, this.#pod, this.#containers.all, this.#grace);
  }

  async #terminate(): Promise<void> {
    if (this.#alarm.waitUntil(this.#retryAt)) return;
    this.#grace = new Grace(this.#node.timers, this.#deadline);
    try {
      await tearDown(this.#node, this.#pod, this.#containers.all, this.#grace);
      // Last: where the object can't be removed (a full disk) the worker must go on to try again.
      this.#owner.gone(this.#pod);
    } catch (error) {
      record(this.#node, this.#pod, "Warning", "FailedKillPod", `error killing pod: ${messageOf(error)}`);
      return this.#failed();
    }
    this.stop();
  }

  #abortStart(graceSeconds: number): void {
    if (!this.#busy || !this.#turn?.isBegun) return;
    abortStart(this.#node, this.#pod, graceSeconds, () => this.#busy && this.#working === "active");
  }

  #progress(): void {
    this.#changed();
    this.kick();
  }

  #failed(): void {
    this.#failures++;
    this.#retryAt = this.#node.timers.now() + retryDelay(RETRY, this.#failures);
    this.#alarm.waitUntil(this.#retryAt);
    this.#changed();
  }

  #changed(): void {
    this.#publisher.changed(this.#busy);
  }

  #facts() {
    return {
      containers: this.#containers.byName,
      addresses: this.#sandbox.addresses(this.#pod),
      sandboxReady: this.#sandbox.isReady,
      ...this.#end.facts,
      unschedulable: this.#unschedulable,
      resize: this.#resize.progress,
    };
  }
}
