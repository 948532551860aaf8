// Taints and who bears them (core/v1 Toleration; component-helpers, GetMatchingTolerations).
import type { Pod } from "../spec/index.ts";

/** What a cordoned node has (core/v1 TaintNodeUnschedulable). */
export const UNSCHEDULABLE: Taint = { key: "node.kubernetes.io/unschedulable", value: "", effect: "NoSchedule" };

export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  /** RFC 3339; undefined: it has been there since the daemon started. */
  readonly timeAdded?: string;
}

type Toleration = NonNullable<Pod["spec"]["tolerations"]>[number];

/** The first of a pod's tolerations that is for the taint. */
export const tolerationOf = ({ spec }: Pod, { key, value, effect }: Taint): Toleration | undefined =>
  spec.tolerations?.find((one) => {
    if (one.effect && one.effect !== effect) return false;
    if (one.key && one.key !== key) return false;
    return one.operator === "Exists" || (one.value ?? "") === value;
  });

/**
 * How long a pod may stay where taints of the effect NoExecute are, milliseconds from when it or they came: the least of its
 * tolerations' `tolerationSeconds`; 0: one of them is not tolerated, Infinity: as long as it likes.
 */
export function stayMillis(pod: Pod, taints: readonly Taint[]): number {
  const stays = taints.map((taint) => {
    const toleration = tolerationOf(pod, taint);
    if (toleration === undefined) return 0;
    return Math.max(0, toleration.tolerationSeconds ?? Number.POSITIVE_INFINITY) * 1000;
  });
  return Math.min(...stays, Number.POSITIVE_INFINITY);
}
