import type { Pod } from "../spec/index.ts";
import type { Disruption } from "./conditions.ts";
import type { Node } from "./node.ts";
import { record } from "./record.ts";
import { isScheduled } from "./schedule.ts";
import { stayMillis, type Taint } from "./tolerations.ts";
import type { PodService } from "./types.ts";

/** The taint manager's words (KEP-3329, condition DisruptionTarget). */
const WHY = { reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint" } as const;

export interface TaintedPods extends Pick<PodService, "list" | "watch"> {
  /** Deletes a pod, with its grace, for what is no fault of its own; its condition DisruptionTarget says why. */
  disrupt(pod: Pod, why: Disruption): Promise<unknown>;
}

/** Until a deletion that could not be recorded (a full disk) is tried again. */
const RETRY_MILLIS = 1000;

/**
 * Ends pods that do not tolerate a taint of the effect NoExecute, and those that do for a time (`tolerationSeconds`) when that
 * is over; the time is counted from when the taint was added or the pod got its place, whichever was later. Those that are over stay.
 */
export class TaintEvictions {
  readonly #node: Node;
  readonly #pods: TaintedPods;
  readonly #taints: () => readonly Taint[];
  /** Of those that will have to go, by uid: when, and how to take that back. */
  readonly #timers = new Map<string, { readonly at: number; readonly cancel: () => void }>();
  #since = 0;
  #unsubscribe: (() => void) | undefined;

  /** `taints`: the node's, as they are now. */
  constructor(node: Node, pods: TaintedPods, taints: () => readonly Taint[]) {
    this.#node = node;
    this.#pods = pods;
    this.#taints = taints;
  }

  start(): void {
    this.#since = this.#node.timers.wall();
    this.#unsubscribe = this.#pods.watch(({ type, object }) => {
      if (type === "DELETED") this.#forget(object);
      else this.#look(object);
    });
    this.taintsChanged();
  }

  stop(): void {
    this.#unsubscribe?.();
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  /** To be called when the node's taints are others. */
  taintsChanged(): void {
    for (const pod of this.#pods.list()) this.#look(pod);
  }

  #look(pod: Pod): void {
    const taints = this.#taints().filter(({ effect }) => effect === "NoExecute");
    const known = this.#timers.get(pod.metadata.uid);
    if (taints.length === 0 && known === undefined) return;
    const at = isHere(pod) ? this.#startOf(pod, taints) + stayMillis(pod, taints) : Number.POSITIVE_INFINITY;
    if (at === (known?.at ?? Number.POSITIVE_INFINITY)) return;
    this.#forget(pod);
    if (at !== Number.POSITIVE_INFINITY) this.#set(pod, at);
    else if (isHere(pod)) this.#tell(pod, "Cancelling deletion of Pod");
  }

  #startOf(pod: Pod, taints: readonly Taint[]): number {
    const placed = pod.status.conditions?.find(({ type }) => type === "PodScheduled")?.lastTransitionTime;
    const added = taints.map(({ timeAdded }) => (timeAdded === undefined ? this.#since : Date.parse(timeAdded)));
    return Math.max(...added, Date.parse(placed ?? "") || 0);
  }

  #set(pod: Pod, at: number): void {
    const { timers } = this.#node;
    const { uid } = pod.metadata;
    const cancel = timers.after(Math.max(0, at - timers.wall()), () => this.#end(uid));
    this.#timers.set(uid, { at, cancel });
  }

  #end(uid: string): void {
    const known = this.#timers.get(uid);
    const pod = this.#pods.list().find(({ metadata }) => metadata.uid === uid);
    if (known === undefined || pod === undefined || !isHere(pod)) return;
    // Timers have an end: this one may have to be set again.
    if (known.at > this.#node.timers.wall()) {
      this.#set(pod, known.at);
      return;
    }
    this.#tell(pod, "Marking for deletion Pod");
    this.#pods.disrupt(pod, WHY).catch((error: unknown) => {
      this.#node.log.failure("a pod that does not tolerate a taint can't be deleted", error, {
        pod: pod.metadata.name,
      });
      this.#set(pod, this.#node.timers.wall() + RETRY_MILLIS);
    });
  }

  #forget({ metadata: { uid } }: Pod): void {
    this.#timers.get(uid)?.cancel();
    this.#timers.delete(uid);
  }

  #tell(pod: Pod, what: string): void {
    const { namespace, name } = pod.metadata;
    record(this.#node, pod, "Normal", "TaintManagerEviction", `${what} ${namespace}/${name}`);
  }
}

/** It has its place, and nobody has asked it to go. */
const isHere = (pod: Pod): boolean =>
  isScheduled(pod) &&
  pod.metadata.deletionTimestamp === undefined &&
  pod.status.phase !== "Succeeded" &&
  pod.status.phase !== "Failed";
