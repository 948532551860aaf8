import type { ContainerStatus as RuntimeContainer } from "../sandbox/types.ts";
import { findPlaced, type PlacedContainer, type Pod, type PodSpec, placedContainers } from "../spec/index.ts";
import { withLastWords } from "./last-words.ts";
import { isAllRestarting } from "./phase.ts";
import { recoverBackoff } from "./recover-backoff.ts";
import type { BackoffSettings } from "./restart.ts";
import { isRestarted, restartsAll } from "./restart.ts";
import { TrackedContainer } from "./tracked-container.ts";

/** What a worker remembers of its pod's containers, by name, in the order in which they start. */
export class PodContainers {
  readonly #settings: BackoffSettings;
  readonly #byName = new Map<string, TrackedContainer>();

  constructor({ spec }: Pod, settings: BackoffSettings) {
    this.#settings = settings;
    this.add({ spec });
  }

  /** Takes up containers that have come to the pod since: ephemeral ones. */
  add({ spec }: Pick<Pod, "spec">): void {
    for (const { container, role } of placedContainers(spec))
      if (!this.#byName.has(container.name))
        this.#byName.set(container.name, new TrackedContainer(container.name, role, this.#settings));
  }

  get all(): readonly TrackedContainer[] {
    return [...this.#byName.values()];
  }

  get byName(): ReadonlyMap<string, TrackedContainer> {
    return this.#byName;
  }

  get running(): readonly TrackedContainer[] {
    return this.all.filter(({ isRunning }) => isRunning);
  }

  /** Takes up what an earlier daemon left: what the pod's status says, and what the runtime knows of it now. */
  recover({ spec, status }: Pod, runs: readonly RuntimeContainer[], now: string): void {
    const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status;
    const statuses = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
    for (const tracked of this.all) {
      const container = findPlaced(spec, tracked.name)?.container;
      const [run] = runs.filter(({ name }) => name === tracked.name).sort((a, b) => b.attempt - a.attempt);
      const known = statuses.find(({ name }) => name === tracked.name);
      tracked.recover(known, run && withLastWords(run, container), now);
      if (container) tracked.recoverWords(container, known);
      // A run that was going on when the machine went down did not crash.
      const isCut = run === undefined && known?.state.running !== undefined;
      const backoff = known && !isCut ? recoverBackoff(known, this.#settings) : undefined;
      if (backoff) tracked.backoff.recover(backoff.delayMillis, backoff.lastRestart);
    }
  }

  /** The container whose end makes all of them start over (KEP-5532); undefined: none. */
  asksForAll(spec: PodSpec): TrackedContainer | undefined {
    return this.all.find((tracked) => {
      const container = findPlaced(spec, tracked.name)?.container;
      if (container === undefined || tracked.end === undefined || tracked.isOutdated(container)) return false;
      return tracked.role !== "ephemeral" && restartsAll(container, tracked.end.exitCode);
    });
  }

  /**
   * Whether nothing of the pod will run again, sidecars aside: an init container has failed for good, or each of the pod's
   * own containers has ended for good. A pod that starts over has only been interrupted.
   */
  isOver(pod: Pod): boolean {
    const { spec } = pod;
    if (isAllRestarting(pod) && this.asksForAll(spec)) return false;
    const placed = placedContainers(spec);
    const isDone = (one: PlacedContainer): boolean => {
      const tracked = this.#byName.get(one.container.name);
      if (!tracked?.end || tracked.isOutdated(one.container)) return false;
      return !isRestarted(spec, one, tracked.end.exitCode);
    };
    const hasFailed = (one: PlacedContainer): boolean =>
      one.role === "init" && isDone(one) && this.#byName.get(one.container.name)?.end?.exitCode !== 0;
    return placed.some(hasFailed) || placed.filter(({ role }) => role === "main").every(isDone);
  }
}
