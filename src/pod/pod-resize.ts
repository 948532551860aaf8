// A pod's resize in the place where it runs: from what it has been given to what is in force (KEP-1287).
import { isDeepStrictEqual } from "node:util";
import type { ResizeRequest, Resources, SandboxStatus } from "../sandbox/types.ts";
import { type Container, findPlaced, needsRestart, type Pod, type PodStatus, RESIZABLE } from "../spec/index.ts";
import { toRequirements, withContainers } from "./allocation.ts";
import type { ResizeProgress } from "./conditions.ts";
import { hugepagesOf, type Node } from "./node.ts";
import type { PodContainers } from "./pod-containers.ts";
import { messageOf, record } from "./record.ts";
import { resizeMessage } from "./resize-message.ts";
import { containerResources, podResources } from "./resources.ts";
import { RETRY, retryDelay } from "./restart.ts";
import type { TrackedContainer } from "./tracked-container.ts";

export interface ResizeContext {
  /** With what it has been given as its spec. */
  readonly pod: Pod;
  readonly sandbox: SandboxStatus;
  /** Whether a moment (Unix milliseconds) is still to come; if so the worker looks at everything again then. */
  waitUntil(moment: number): boolean;
  /** Records the status now. */
  publish(): void;
}

type Running = TrackedContainer & { readonly run: NonNullable<TrackedContainer["run"]> };

export class PodResize {
  readonly #node: Node;
  readonly #containers: PodContainers;
  #progress: ResizeProgress | undefined;
  #failures = 0;
  #retryAt = 0;

  constructor(node: Node, containers: PodContainers) {
    this.#node = node;
    this.#containers = containers;
  }

  /** Undefined: what is in force is what the pod has been given. */
  get progress(): ResizeProgress | undefined {
    return this.#progress;
  }

  /** What it waited for has come to pass: its last step is to be done. */
  get isUnfinished(): boolean {
    const { error } = this.#progress ?? { error: "none" };
    return error === undefined && !this.#containers.all.some((tracked) => tracked.isResizing);
  }

  /** The pod has been given something else: what failed is tried at once. */
  changed(): void {
    this.#retryAt = 0;
    this.#failures = 0;
  }

  /** Takes up the resize of an earlier daemon: a container that it has ended for it is to start again whatever its policy. */
  recover(pod: Pod): void {
    if (!isInProgress(pod.status)) return;
    this.#progress = {};
    for (const tracked of this.#containers.all) {
      const container = findPlaced(pod.spec, tracked.name)?.container;
      if (container && tracked.run?.state === "exited" && isRestartDue(tracked, container, pod))
        tracked.resizing = tracked.run.id;
    }
  }

  /**
   * Brings what is in force closer to what the pod has been given: limits are written, containers that must start again for them
   * are marked. What fails is tried again later, and said.
   */
  async advance(context: ResizeContext): Promise<void> {
    const { pod, sandbox } = context;
    const due = this.#running(pod).filter(({ tracked, wanted }) => !isDeepStrictEqual(tracked.run.resources, wanted));
    if (due.length > 0 && !this.#progress) {
      this.#progress = {};
      record(this.#node, pod, "Normal", "ResizeStarted", resizeMessage(pod, "started"));
    }
    const restarted = due.filter(({ tracked, container }) => isRestartDue(tracked, container, pod));
    for (const { tracked } of restarted) tracked.resizing = tracked.run.id;
    // On record before the first of them is ended: who is killed then knows why it has ended.
    if (restarted.length > 0) context.publish();
    const resources = podResources(effectivePod(pod, this.#running(pod)), {
      pidsLimit: this.#node.settings.podPidsLimit,
      hugepages: hugepagesOf(this.#node.facts.capacity),
    });
    const written = due.filter((one) => !restarted.includes(one));
    const containers = Object.fromEntries(written.map(({ tracked, wanted }) => [tracked.run.id, wanted]));
    if (written.length > 0 || !isDeepStrictEqual(sandbox.resources, resources)) {
      if (context.waitUntil(this.#retryAt)) return;
      if (!(await this.#write(pod, sandbox.id, { resources, containers })))
        return void context.waitUntil(this.#retryAt);
    }
    if (this.#progress && !this.#containers.all.some((tracked) => tracked.isResizing)) this.#complete(pod);
  }

  #complete(pod: Pod): void {
    this.#progress = undefined;
    record(this.#node, pod, "Normal", "ResizeCompleted", resizeMessage(pod, "completed"));
  }

  /** False: it failed. */
  async #write(pod: Pod, sandbox: string, request: ResizeRequest): Promise<boolean> {
    const { runtime, timers } = this.#node;
    try {
      await runtime.resize(sandbox, request);
    } catch (error) {
      const text = messageOf(error);
      if (this.#progress?.error !== text)
        record(this.#node, pod, "Warning", "ResizeError", resizeMessage(pod, "error", text));
      this.#progress = { error: text };
      this.#retryAt = timers.now() + retryDelay(RETRY, ++this.#failures);
      return false;
    }
    this.changed();
    if (this.#progress) this.#progress = {};
    for (const id of Object.keys(request.containers)) {
      const tracked = this.#containers.all.find(({ run }) => run?.id === id);
      const resources = request.containers[id];
      if (tracked?.run && resources) tracked.run = { ...tracked.run, resources };
    }
    return true;
  }

  /** Containers that run, with what they are to have. What is being made has what it was made with, and is looked at when it runs. */
  #running(pod: Pod): { tracked: Running; container: Container; wanted: Resources }[] {
    return this.#containers.all.flatMap((tracked) => {
      const placed = findPlaced(pod.spec, tracked.name);
      if (!placed || placed.role === "ephemeral" || tracked.run?.state !== "running") return [];
      const { container } = placed;
      return [{ tracked: tracked as Running, container, wanted: containerResources(container, pod) }];
    });
  }
}

export const isInProgress = ({ conditions = [] }: PodStatus): boolean =>
  conditions.some(({ type, status }) => type === "PodResizeInProgress" && status === "True");

/** Whether what is in force can become what the container is to have only by a new start of it (Container.resizePolicy). */
export function isRestartDue({ run }: Pick<TrackedContainer, "run">, container: Container, pod: Pod): boolean {
  const { resources: has } = run ?? {};
  if (has === undefined) return false;
  const wanted = containerResources(container, pod);
  const isChanged = {
    cpu: has.cpuLimitMillis !== wanted.cpuLimitMillis || has.cpuRequestMillis !== wanted.cpuRequestMillis,
    memory: has.memoryLimitBytes !== wanted.memoryLimitBytes || has.memoryRequestBytes !== wanted.memoryRequestBytes,
  };
  return RESIZABLE.some((name) => isChanged[name] && needsRestart(container, name));
}

/** The pod with room for containers that still have what they are to lose by their new start. */
function effectivePod(
  pod: Pod,
  running: readonly { tracked: Running; container: Container; wanted: Resources }[],
): Pod {
  const byName = new Map(running.map((one) => [one.container.name, one]));
  return withContainers(pod, (container) => {
    const one = byName.get(container.name);
    const has = one?.tracked.run.resources;
    if (!one || !has || !isRestartDue(one.tracked, container, pod)) return container;
    return { ...container, resources: toRequirements(larger(has, one.wanted), container, pod) };
  });
}

/** No limit is the largest, no request the smallest. */
function larger(has: Resources, wanted: Resources): Resources {
  const limit = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined || b === undefined ? undefined : Math.max(a, b);
  const request = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined && b === undefined ? undefined : Math.max(a ?? 0, b ?? 0);
  const values = {
    cpuLimitMillis: limit(has.cpuLimitMillis, wanted.cpuLimitMillis),
    memoryLimitBytes: limit(has.memoryLimitBytes, wanted.memoryLimitBytes),
    cpuRequestMillis: request(has.cpuRequestMillis, wanted.cpuRequestMillis),
    memoryRequestBytes: request(has.memoryRequestBytes, wanted.memoryRequestBytes),
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
