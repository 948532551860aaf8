// What a new pod's priority is (Kubernetes: the admission plugin Priority).
import { PodrunError } from "../base/errors.ts";
import { type Pod, type PodSpec, type PriorityClass, type PriorityRule, SYSTEM_CLASSES } from "../spec/index.ts";
import type { ObjectLists } from "./types.ts";

/** Where the classes are. Undefined: there is no such class; no class is the default. */
export interface PriorityRules {
  find(name: string): PriorityRule | undefined;
  default(): PriorityRule | undefined;
}

/** The classes on record; the system's hold also where there are none. */
export const priorityRules = (objects: ObjectLists): PriorityRules => ({
  find: (name) => {
    const system = SYSTEM_CLASSES.find((one) => one.name === name);
    if (system) return { ...system, preemptionPolicy: "PreemptLowerPriority" };
    const found = objects.find("PriorityClass", "", name);
    return found && ruleOf(found);
  },
  default: () => {
    const defaults = objects.list("PriorityClass").filter(({ globalDefault }) => globalDefault);
    const lowest = defaults.sort((a, b) => a.value - b.value)[0];
    return lowest && ruleOf(lowest);
  },
});

const ruleOf = ({ metadata: { name }, value, preemptionPolicy }: PriorityClass): PriorityRule => ({
  name,
  value,
  preemptionPolicy,
});

const NONE = { value: 0, preemptionPolicy: "PreemptLowerPriority" } as const;

/** The spec with its priority and policy, and the default class's name when it has that. Throws Forbidden. */
export function admitPriority({ metadata, spec }: Pod, rules: PriorityRules): PodSpec {
  const refuse = (text: string): PodrunError =>
    new PodrunError("Forbidden", `pods "${metadata.name}" is forbidden: ${text}`, {
      details: { kind: "pods", name: metadata.name, namespace: metadata.namespace },
    });
  const rule = spec.priorityClassName ? rules.find(spec.priorityClassName) : rules.default();
  if (spec.priorityClassName && rule === undefined)
    throw refuse(`no PriorityClass with name ${spec.priorityClassName} was found`);
  const { value, preemptionPolicy } = rule ?? NONE;
  const given = "must not be provided in pod spec; priority admission controller computed";
  if (spec.priority !== undefined && spec.priority !== value)
    throw refuse(
      `the integer value of priority (${spec.priority}) ${given} ${value} from the given PriorityClass name`,
    );
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy)
    throw refuse(
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) ${given} ${preemptionPolicy} from the given PriorityClass name`,
    );
  const { priorityClassName: _, ...rest } = spec;
  return { ...rest, ...(rule && { priorityClassName: rule.name }), priority: value, preemptionPolicy };
}

/** A changed spec that says nothing of its priority has it as before; what the default class gave is nobody's word either. */
export function keepPriority(before: PodSpec, wanted: PodSpec, rules: PriorityRules): PodSpec {
  const { priority = before.priority, preemptionPolicy = before.preemptionPolicy } = wanted;
  const isDefault = before.priorityClassName !== undefined && before.priorityClassName === rules.default()?.name;
  const priorityClassName = wanted.priorityClassName ?? (isDefault ? before.priorityClassName : undefined);
  return {
    ...wanted,
    ...(priorityClassName !== undefined && { priorityClassName }),
    ...(priority !== undefined && { priority }),
    ...(preemptionPolicy !== undefined && { preemptionPolicy }),
  };
}
