import type { Pod } from "../spec/index.ts";

/** The kubelet's words for a pod that was active for too long. */
export const DEADLINE_EXCEEDED = {
  reason: "DeadlineExceeded",
  message: "Pod was active on the node longer than the specified deadline",
};

/** When a pod is to fail for having been active too long (PodSpec.activeDeadlineSeconds), Unix milliseconds. */
export function activeDeadline({ spec, status }: Pod): number {
  if (spec.activeDeadlineSeconds === undefined || status.startTime === undefined) return Number.POSITIVE_INFINITY;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000;
}
