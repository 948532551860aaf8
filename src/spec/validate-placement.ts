// Rules of a pod's placement between fields, as Kubernetes' API server has them (ValidateNodeSelectorRequirement, ValidateTolerations …).

import type { NodeSelectorTerm } from "./label-selector.ts";
import { elementPath } from "./path.ts";
import type { PodSpec } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { FORMATS } from "./schema/format.ts";

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
    ...validateNodeTerms(terms ?? [], at),
    ...(nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ preference }, index) => {
      const path = elementPath("spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution", index);
      return validateNodeTerm(preference, `${path}.preference`);
    }),
    ...validatePodAffinity(podAffinity, "spec.affinity.podAffinity"),
    ...validatePodAffinity(podAntiAffinity, "spec.affinity.podAntiAffinity"),
    ...validateTolerations(spec),
    ...validateSpread(spec),
    ...(spec.schedulingGates?.length && spec.nodeName !== undefined
      ? [invalid("spec.nodeName", "can't be set together with schedulingGates; remove one of the two")]
      : []),
  ];
}

export const validateNodeTerms = (terms: readonly NodeSelectorTerm[], path: string): Problem[] =>
  terms.flatMap((term, index) => validateNodeTerm(term, elementPath(path, index)));

const validateNodeTerm = ({ matchExpressions, matchFields }: NodeSelectorTerm, path: string): Problem[] => [
  ...validateRequirements(matchExpressions, `${path}.matchExpressions`),
  ...(matchExpressions ?? []).flatMap(({ operator, values = [] }, index) =>
    // Numbers are labels, too.
    operator === "Gt" || operator === "Lt"
      ? []
      : validateValues(values, FORMATS.labelValue, `${elementPath(`${path}.matchExpressions`, index)}.values`),
  ),
  ...validateFields(matchFields, `${path}.matchFields`),
];

const validateValues = (values: readonly string[], check: (value: string) => string | undefined, path: string) =>
  values.flatMap((value, index) => {
    const wrong = check(value);
    return wrong === undefined ? [] : [invalid(elementPath(path, index), wrong)];
  });

type PodAffinity = NonNullable<NonNullable<PodSpec["affinity"]>["podAffinity"]>;
type Selector = NonNullable<PodAffinity["requiredDuringSchedulingIgnoredDuringExecution"]>[number]["labelSelector"];

function validatePodAffinity(affinity: PodAffinity | undefined, path: string): Problem[] {
  const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const terms = [
    ...required.map((term, index) => {
      return { term, at: elementPath(`${path}.requiredDuringSchedulingIgnoredDuringExecution`, index) };
    }),
    ...preferred.map(({ podAffinityTerm: term }, index) => {
      const at = elementPath(`${path}.preferredDuringSchedulingIgnoredDuringExecution`, index);
      return { term, at: `${at}.podAffinityTerm` };
    }),
  ];
  return terms.flatMap(({ term: { labelSelector, namespaceSelector, matchLabelKeys, mismatchLabelKeys = [] }, at }) => [
    ...validateRequirements(labelSelector?.matchExpressions, `${at}.labelSelector.matchExpressions`),
    ...validateRequirements(namespaceSelector?.matchExpressions, `${at}.namespaceSelector.matchExpressions`),
    ...validateLabelKeys(matchLabelKeys, labelSelector, `${at}.matchLabelKeys`),
    ...validateLabelKeys(mismatchLabelKeys, labelSelector, `${at}.mismatchLabelKeys`),
    ...(matchLabelKeys ?? [])
      .filter((key) => mismatchLabelKeys.includes(key))
      .map((key) => invalid(`${at}.matchLabelKeys`, `${JSON.stringify(key)} is in mismatchLabelKeys, too`)),
  ]);
}

/** A key means nothing without a selector, and nothing new where the selector has it (ValidateMatchLabelKeys…). */
function validateLabelKeys(keys: readonly string[] | undefined, selector: Selector, path: string): Problem[] {
  if (keys === undefined || keys.length === 0) return [];
  if (selector === undefined) return [invalid(path, "can't be set without labelSelector")];
  const used = [...Object.keys(selector.matchLabels ?? {}), ...(selector.matchExpressions ?? []).map(({ key }) => key)];
  return keys.flatMap((key, index) =>
    used.includes(key) ? [invalid(elementPath(path, index), `${JSON.stringify(key)} is in labelSelector already`)] : [],
  );
}

export function validateRequirements(list: readonly Requirement[] | undefined, path: string): Problem[] {
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
    if (values.length !== 1) return [invalid(`${at}.values`, "must be one value for a field")];
    return validateValues(values, FORMATS.dnsSubdomain, `${at}.values`);
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
  return topologySpreadConstraints.flatMap((constraint, index) => {
    const { minDomains, topologyKey, whenUnsatisfiable, labelSelector, matchLabelKeys } = constraint;
    const at = elementPath("spec.topologySpreadConstraints", index);
    const isAgain = topologySpreadConstraints
      .slice(0, index)
      .some((one) => one.topologyKey === topologyKey && one.whenUnsatisfiable === whenUnsatisfiable);
    const isVain = minDomains !== undefined && whenUnsatisfiable !== "DoNotSchedule";
    return [
      ...(isAgain ? [invalid(at, `${topologyKey} with ${whenUnsatisfiable} is there twice`)] : []),
      ...(isVain ? [invalid(`${at}.minDomains`, "is for whenUnsatisfiable DoNotSchedule only")] : []),
      ...validateRequirements(labelSelector?.matchExpressions, `${at}.labelSelector.matchExpressions`),
      ...validateLabelKeys(matchLabelKeys, labelSelector, `${at}.matchLabelKeys`),
    ];
  });
}
