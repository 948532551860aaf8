import type { ObjectMeta } from "./metadata.ts";
import { HIGHEST_PRIORITY, SYSTEM_CLASSES } from "./priority.ts";
import { invalid, type Problem } from "./problem.ts";

/** scheduling.k8s.io/v1 PriorityClass. Its `metadata.namespace` is ""; the API leaves it out. */
export interface PriorityClass {
  apiVersion: "scheduling.k8s.io/v1";
  kind: "PriorityClass";
  metadata: ObjectMeta;
  value: number;
  /** Of pods that name no class. */
  globalDefault?: boolean;
  description?: string;
  preemptionPolicy: "PreemptLowerPriority" | "Never";
}

export const isSystemClass = (name: string): boolean => SYSTEM_CLASSES.some((one) => one.name === name);

/** Those that there always are. */
export const makeSystemClasses = (): PriorityClass[] =>
  SYSTEM_CLASSES.map(({ name, value, description }) => ({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: {
      name,
      namespace: "",
      labels: {},
      annotations: {},
      uid: "",
      creationTimestamp: "",
      resourceVersion: "",
    },
    value,
    description,
    preemptionPolicy: "PreemptLowerPriority",
  }));

/** Broken rules (ValidatePriorityClass). The names that begin with `system-` are the system's. */
export function validatePriorityClass({ metadata: { name }, value }: PriorityClass): Problem[] {
  const system = SYSTEM_CLASSES.find((one) => one.name === name);
  if (name.startsWith("system-"))
    return system?.value === value
      ? []
      : [
          invalid(
            "metadata.name",
            `${JSON.stringify(name)}: names with system- are reserved for the system's own classes`,
          ),
        ];
  if (value <= HIGHEST_PRIORITY) return [];
  return [invalid("value", `${value} is more than ${HIGHEST_PRIORITY}, the most that is not the system's`)];
}

/** What of a class can't be changed (ValidatePriorityClassUpdate). */
export function validatePriorityClassUpdate(before: PriorityClass, after: PriorityClass): Problem[] {
  return (["value", "preemptionPolicy"] as const).flatMap((field) =>
    before[field] === after[field]
      ? []
      : [
          invalid(
            field,
            `can't be changed from ${JSON.stringify(before[field])}; delete the class and create it again`,
          ),
        ],
  );
}
