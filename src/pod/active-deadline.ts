import type { Pod } from "../spec/index.ts";
import { momentOf, type Timers } from "./node.ts";

/** The kubelet's words for a pod that was active for too long. */
export const DEADLINE_EXCEEDED = {
  reason: "DeadlineExceeded",
  message: "Pod was active on the node longer than the specified deadline",
};

/**
 * The moment at which a pod is to fail for having been active too long (PodSpec.activeDeadlineSeconds). It is counted on the
 * wall clock from status.startTime, as a kubelet counts it.
 */
export function activeDeadline(timers: Pick<Timers, "now" | "wall">, { spec, status }: Pod): number {
  if (spec.activeDeadlineSeconds === undefined || status.startTime === undefined) return Number.POSITIVE_INFINITY;
  return momentOf(timers, status.startTime) + spec.activeDeadlineSeconds * 1000;
}
