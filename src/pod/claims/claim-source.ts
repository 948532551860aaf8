import type { PersistentVolume, Pod, Volume } from "../../spec/index.ts";

/** What pods need of the claims that their volumes name; `Claims` implements it. */
export interface ClaimSource {
  /** Why the pod's claims keep it from its place; undefined: they do not. `others`: pods that have theirs. */
  whyWaiting(pod: Pod, others: () => readonly Pod[]): string | undefined;
  /**
   * Before the pod's volumes are set up: claims of ephemeral volumes are made, those that waited for a pod are bound. Throws
   * NotFound, Conflict, naming the volume.
   */
  prepare(pod: Pod): void;
  /** The volume that one of a pod's volumes is; undefined: it has no claim, or that is not bound. */
  volumeOf(pod: Pod, volume: Volume): PersistentVolume | undefined;
}
