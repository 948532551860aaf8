import { findPlaced } from "../../spec/index.ts";
import type { TrackedContainer } from "../tracked-container.ts";
import { ContainerProbes, type ProbesOwner } from "./container-probes.ts";

/** The probes of a pod's containers: of each run that goes on and has done its postStart hook. */
export class PodProbes {
  readonly #owner: ProbesOwner;
  readonly #byName = new Map<string, ContainerProbes>();

  constructor(owner: ProbesOwner) {
    this.#owner = owner;
  }

  /** Begins and ends probes so that they are of what runs now. */
  follow(containers: readonly TrackedContainer[]): void {
    const { metadata, spec } = this.#owner.pod();
    for (const tracked of containers) {
      const { name, run } = tracked;
      const isAsked = run?.state === "running" && !tracked.isHooked;
      const known = this.#byName.get(name);
      if (known && (!isAsked || known.run.id !== run.id)) {
        known.stop();
        this.#byName.delete(name);
      }
      if (!isAsked || this.#byName.has(name) || metadata.deletionTimestamp !== undefined) continue;
      const container = findPlaced(spec, name)?.container;
      if (!container) continue;
      const { livenessProbe, readinessProbe, startupProbe } = container;
      if (!livenessProbe && !readinessProbe && !startupProbe) continue;
      const probes = new ContainerProbes(this.#owner, container, tracked, run);
      this.#byName.set(name, probes);
      probes.start();
    }
  }

  /** The pod is being deleted. */
  stopRestarting(): void {
    for (const probes of this.#byName.values()) probes.stopRestarting();
  }

  stop(): void {
    for (const probes of this.#byName.values()) probes.stop();
    this.#byName.clear();
  }
}
