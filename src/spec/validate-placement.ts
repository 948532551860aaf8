// Rules of a pod's placement between fields, as Kubernetes' API server has them (ValidateNodeSelectorRequirement, ValidateTolerations …).

import { elementPath } from "./path.ts";
import type { PodSpec } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";

interface Requirement {
  readonly operator: string;
  readonly values?: readonly string[];
}

/** All broken rules; an empty list when it is right. */
export function validatePlacement(spec: PodSpec): Problem[] {
  const { nodeAffinity, podAffinity, podAntiAffinity } = spec.affinity ?? {};
  const terms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  const at = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  return [
    ...(terms ?? []).flatMap((term, index) => [
      ...validateRequirements(term.matchExpressions, `${elementPath(at, index)}.matchExpressions`),
      ...validateFields(term.matchFields, `${elementPath(at, index)}.matchFields`),
    ]),
    ...(["podAffinity", "podAntiAffinity"] as const).flatMap((name) => {
      const list = { podAffinity, podAntiAffinity }[name]?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
      const path = `spec.affinity.${name}.requiredDuringSchedulingIgnoredDuringExecution`;
      return list.flatMap(({ labelSelector, namespaceSelector }, index) => [
        ...validateRequirements(
          labelSelector?.matchExpressions,
          `${elementPath(path, index)}.labelSelector.matchExpressions`,
        ),
        ...validateRequirements(
          namespaceSelector?.matchExpressions,
          `${elementPath(path, index)}.namespaceSelector.matchExpressions`,
        ),
      ]);
    }),
    ...validateTolerations(spec),
    ...validateSpread(spec),
    ...(spec.schedulingGates?.length && spec.nodeName !== undefined
      ? [invalid("spec.nodeName", "can't be set together with schedulingGates; remove one of the two")]
      : []),
  ];
}

function validateRequirements(list: readonly Requirement[] | undefined, path: string): Problem[] {
  return (list ?? []).flatMap(({ operator, values = [] }, index) => {
    const at = `${elementPath(path, index)}.values`;
    if (operator === "In" || operator === "NotIn")
      return values.length > 0 ? [] : [invalid(at, `required with operator ${operator}: at least one`)];
    if (operator === "Gt" || operator === "Lt")
      return values.length === 1 && /^-?\d+$/.test(values[0] ?? "")
        ? []
        : [invalid(at, `must be one whole number with operator ${operator}`)];
    return values.length === 0 ? [] : [invalid(at, `must be empty with operator ${operator}`)];
  });
}

function validateFields(
  list: readonly (Requirement & { readonly key: string })[] | undefined,
  path: string,
): Problem[] {
  return (list ?? []).flatMap(({ key, operator, values = [] }, index) => {
    const at = elementPath(path, index);
    if (key !== "metadata.name")
      return [invalid(`${at}.key`, `is ${JSON.stringify(key)}; only metadata.name can be matched`)];
    if (operator !== "In" && operator !== "NotIn")
      return [invalid(`${at}.operator`, "must be In or NotIn for a field")];
    return values.length === 1 ? [] : [invalid(`${at}.values`, "must be one value for a field")];
  });
}

function validateTolerations({ tolerations = [] }: PodSpec): Problem[] {
  return tolerations.flatMap(({ key = "", operator, value = "", effect = "", tolerationSeconds }, index) => {
    const at = elementPath("spec.tolerations", index);
    if (key === "" && operator !== "Exists")
      return [invalid(`${at}.operator`, "must be Exists when key is empty, which means all taints")];
    if (operator === "Exists" && value !== "") return [invalid(`${at}.value`, "must be empty with operator Exists")];
    if (tolerationSeconds !== undefined && effect !== "NoExecute")
      return [invalid(`${at}.effect`, "must be NoExecute when tolerationSeconds is set")];
    return [];
  });
}

function validateSpread({ topologySpreadConstraints = [] }: PodSpec): Problem[] {
  return topologySpreadConstraints.flatMap(({ minDomains, whenUnsatisfiable }, index) =>
    minDomains !== undefined && whenUnsatisfiable !== "DoNotSchedule"
      ? [
          invalid(
            `${elementPath("spec.topologySpreadConstraints", index)}.minDomains`,
            "is for whenUnsatisfiable DoNotSchedule only",
          ),
        ]
      : [],
  );
}
