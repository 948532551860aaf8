// Selectors as objects have them (meta/v1 LabelSelector, core/v1 NodeSelectorTerm), not as command lines write them.

import type { Labels } from "./labels.ts";
import type { LABEL_SELECTOR, PLACEMENT_FIELDS } from "./schema/placement-fields.ts";
import type { ObjectValue, Value } from "./schema/shape.ts";

export type LabelSelectorObject = ObjectValue<typeof LABEL_SELECTOR>;

type Affinity = Value<(typeof PLACEMENT_FIELDS)["affinity"]>;
type NodeSelector = NonNullable<
  NonNullable<Affinity["nodeAffinity"]>["requiredDuringSchedulingIgnoredDuringExecution"]
>;
export type NodeSelectorTerm = NodeSelector["nodeSelectorTerms"][number];
type Requirement = NonNullable<NodeSelectorTerm["matchExpressions"]>[number];

/** All requirements hold; an empty selector takes everything, an absent one nothing. */
export function matchesSelector(selector: LabelSelectorObject | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labelOf(labels, key) === value) &&
    matchExpressions.every((one) => holds(one, labelOf(labels, one.key)))
  );
}

/**
 * A selector with what `matchLabelKeys` and `mismatchLabelKeys` add to it: the values that the pod itself has; keys that it has
 * no label for add nothing (PodAffinityTerm, TopologySpreadConstraint).
 */
export function withLabelKeys(
  selector: LabelSelectorObject | undefined,
  keys: { readonly matchLabelKeys?: readonly string[]; readonly mismatchLabelKeys?: readonly string[] },
  own: Labels,
): LabelSelectorObject | undefined {
  if (selector === undefined) return undefined;
  const added = (list: readonly string[] = [], operator: "In" | "NotIn") =>
    list.flatMap((key) => {
      const value = labelOf(own, key);
      return value === undefined ? [] : [{ key, operator, values: [value] }];
    });
  return {
    ...selector,
    matchExpressions: [
      ...(selector.matchExpressions ?? []),
      ...added(keys.matchLabelKeys, "In"),
      ...added(keys.mismatchLabelKeys, "NotIn"),
    ],
  };
}

/** All of a term's requirements hold; a term without any takes no node. */
export function matchesNodeTerm(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  node: { readonly name: string; readonly labels: Labels },
): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((one) => holds(one, labelOf(node.labels, one.key))) &&
    matchFields.every((one) => holds(one, one.key === "metadata.name" ? node.name : undefined))
  );
}

/** NotIn and DoesNotExist take what lacks the label. */
function holds({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
      return compare(value, values[0]) > 0;
    case "Lt":
      return compare(value, values[0]) < 0;
  }
}

/** NaN, which is neither more nor less, for what is no whole number. */
const compare = (value: string | undefined, limit: string | undefined): number =>
  /^-?\d+$/.test(value ?? "") && /^-?\d+$/.test(limit ?? "") ? Number(value) - Number(limit) : Number.NaN;

const labelOf = (labels: Labels, key: string): string | undefined =>
  Object.hasOwn(labels, key) ? labels[key] : undefined;
