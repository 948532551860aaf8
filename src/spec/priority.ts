// It knows nothing of pods, for they know it.

/** What a pod's priority comes from (scheduling.k8s.io/v1 PriorityClass, as far as a pod asks). */
export interface PriorityRule {
  readonly name: string;
  readonly value: number;
  readonly preemptionPolicy: "PreemptLowerPriority" | "Never";
}

/** No PriorityClass of anybody's has a higher value (HighestUserDefinablePriority). */
export const HIGHEST_PRIORITY = 1_000_000_000;

/** Classes that there always are (SystemPriorityClasses). */
export const SYSTEM_CLASSES = [
  {
    name: "system-cluster-critical",
    value: 2 * HIGHEST_PRIORITY,
    description:
      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  },
  {
    name: "system-node-critical",
    value: 2 * HIGHEST_PRIORITY + 1000,
    description: "Used for system critical pods that must not be moved from their current node.",
  },
] as const;

/** A pod of before priorities has none. */
export const priorityOf = ({ spec }: { readonly spec: { readonly priority?: number } }): number => spec.priority ?? 0;
