// Who goes first when something is scarce (pkg/kubelet/eviction/helpers.go, rankMemoryPressure and its like).
import type { Pod } from "../../spec/index.ts";
import { priorityOf } from "../../spec/index.ts";
import type { Resource } from "./thresholds.ts";

/** What a pod uses of the thing that is scarce, and what it has asked for of it. */
export interface PodUse {
  readonly pod: Pod;
  /** Undefined: it is not known, so it is feared. */
  readonly used: number | undefined;
  readonly requested: number;
}

/**
 * In the order in which they are to go: who uses more than he has asked for before who does not (processes: nobody asks for
 * them), then the lower priority, then who is furthest above his request. Pure.
 */
export function rankForEviction<T extends PodUse>(uses: readonly T[], resource: Resource): T[] {
  const isAbove = ({ used = Number.POSITIVE_INFINITY, requested }: PodUse): boolean =>
    resource !== "pids" && used > requested;
  const excess = ({ used = Number.MAX_VALUE, requested }: PodUse): number => used - requested;
  return uses.toSorted(
    (a, b) => Number(isAbove(b)) - Number(isAbove(a)) || priorityOf(a.pod) - priorityOf(b.pod) || excess(b) - excess(a),
  );
}
