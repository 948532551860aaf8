import { isDeepStrictEqual } from "node:util";
import { timestamp } from "../base/clock.ts";
import type { Pod } from "../spec/index.ts";
import type { Node } from "./node.ts";
import { buildStatus, type PodFacts } from "./status.ts";

/** How often a status that changes while work goes on is written, milliseconds. */
const PUBLISH_MILLIS = 25;

/** Whose status it is. */
export interface StatusOwner {
  readonly node: Node;
  pod(): Pod;
  /** What the pod's status follows from now. */
  facts(): Omit<PodFacts, "now" | "startTime" | "hostAddresses">;
  /** The status is another. */
  save(pod: Pod): void;
}

/** Writes a pod's status when it is another. Several changes make one write. */
export class StatusPublisher {
  readonly #owner: StatusOwner;
  #cancel: (() => void) | undefined;
  #isStopped = false;

  constructor(owner: StatusOwner) {
    this.#owner = owner;
  }

  /** The status may be another: it is looked at soon, or in a moment when work goes on that may change it again. */
  changed(isBusy: boolean): void {
    this.#cancel ??= this.#owner.node.timers.after(isBusy ? PUBLISH_MILLIS : 0, () => this.#soon());
  }

  #soon(): void {
    let isDone = false;
    const cancel = this.#owner.node.turns.soon(() => {
      isDone = true;
      this.publish();
    });
    if (!isDone) this.#cancel = cancel;
  }

  /** Looks now, and writes it when it is another. */
  publish(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#isStopped) return;
    const { node } = this.#owner;
    const pod = this.#owner.pod();
    const now = timestamp(node.timers.wall());
    const startTime = pod.status.startTime ?? now;
    const status = buildStatus(pod, { ...this.#owner.facts(), startTime, now, hostAddresses: node.facts.addresses });
    if (!isDeepStrictEqual(status, pod.status)) this.#owner.save({ ...pod, status });
  }

  /** Nothing is written any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
