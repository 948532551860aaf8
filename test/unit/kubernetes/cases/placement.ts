// Where a pod may run.
import { each, type Settings } from "./case.ts";

const IN = [{ key: "a", operator: "In", values: ["b"] }];

const NODE_TERMS = [
  [],
  [{}],
  [{ matchExpressions: [] }],
  [{ matchExpressions: IN }],
  ...[
    {},
    { key: "a" },
    { key: "a b", operator: "Exists" },
    { key: "a", operator: "Is" },
    { key: "a", operator: "In" },
    { key: "a", operator: "In", values: [] },
    { key: "a", operator: "NotIn", values: ["b", "c"] },
    { key: "a", operator: "In", values: ["b c"] },
    { key: "a", operator: "In", values: [""] },
    { key: "a", operator: "Exists" },
    { key: "a", operator: "Exists", values: ["b"] },
    { key: "a", operator: "DoesNotExist" },
    { key: "a", operator: "DoesNotExist", values: ["b"] },
    { key: "a", operator: "Gt", values: ["1"] },
    { key: "a", operator: "Gt", values: ["b"] },
    { key: "a", operator: "Lt", values: ["1", "2"] },
    { key: "a", operator: "Gt" },
    { operator: "Exists" },
    { key: "", operator: "Exists" },
  ].map((one) => [{ matchExpressions: [one] }]),
  ...[
    { key: "metadata.name", operator: "In", values: ["a"] },
    { key: "metadata.name", operator: "NotIn", values: ["a"] },
    { key: "metadata.name", operator: "In", values: ["a", "b"] },
    { key: "metadata.name", operator: "In", values: [] },
    { key: "metadata.name", operator: "Exists" },
    { key: "metadata.uid", operator: "In", values: ["a"] },
    { key: "metadata.name", operator: "In", values: ["A_"] },
  ].map((one) => [{ matchFields: [one] }]),
];

const TERM = { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { a: "b" } } };

const POD_TERMS = [
  [],
  [TERM],
  [{}],
  [{ topologyKey: "" }],
  [{ topologyKey: "a b" }],
  [{ topologyKey: "a" }],
  [{ ...TERM, labelSelector: null }],
  [{ ...TERM, labelSelector: {} }],
  [{ ...TERM, labelSelector: { matchLabels: { "a b": "c" } } }],
  [{ ...TERM, labelSelector: { matchLabels: { a: "b c" } } }],
  ...[
    { key: "a", operator: "In", values: ["b"] },
    { key: "a", operator: "In" },
    { key: "a", operator: "Exists", values: ["b"] },
    { key: "a", operator: "Gt", values: ["1"] },
    { key: "", operator: "Exists" },
    { key: "a b", operator: "Exists" },
    { key: "a", operator: "In", values: ["b c"] },
    { key: "a" },
  ].map((one) => [{ ...TERM, labelSelector: { matchExpressions: [one] } }]),
  [{ ...TERM, namespaces: ["a"] }],
  [{ ...TERM, namespaces: ["A"] }],
  [{ ...TERM, namespaces: [""] }],
  [{ ...TERM, namespaceSelector: {} }],
  [{ ...TERM, namespaceSelector: { matchLabels: { a: "b c" } } }],
  [{ ...TERM, matchLabelKeys: ["c"] }],
  [{ ...TERM, matchLabelKeys: ["a"] }],
  [{ ...TERM, matchLabelKeys: ["c d"] }],
  [{ topologyKey: "a", matchLabelKeys: ["c"] }],
  [{ ...TERM, mismatchLabelKeys: ["c"] }],
  [{ ...TERM, matchLabelKeys: ["c"], mismatchLabelKeys: ["c"] }],
];

const SPREAD = {
  maxSkew: 1,
  topologyKey: "kubernetes.io/hostname",
  whenUnsatisfiable: "DoNotSchedule",
  labelSelector: { matchLabels: { a: "b" } },
};

const PLACEMENT: Settings[] = [
  ...each("spec.affinity", [null, {}, { nodeAffinity: {} }, { podAffinity: {} }, { nodeAffinty: {} }]),
  ...each("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution", [
    null,
    {},
    ...NODE_TERMS.map((nodeSelectorTerms) => ({ nodeSelectorTerms })),
  ]),
  ...each("spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution", [
    [],
    [{}],
    [{ weight: 1 }],
    [{ weight: 1, preference: {} }],
    [{ weight: 0, preference: { matchExpressions: IN } }],
    [{ weight: 100, preference: { matchExpressions: IN } }],
    [{ weight: 101, preference: { matchExpressions: IN } }],
    [{ preference: { matchExpressions: IN } }],
    [{ weight: 1, preference: { matchExpressions: [{ key: "a", operator: "In" }] } }],
  ]),
  ...["podAffinity", "podAntiAffinity"].flatMap((name) =>
    each(`spec.affinity.${name}.requiredDuringSchedulingIgnoredDuringExecution`, POD_TERMS, [
      ["metadata.labels", { c: "d" }],
    ]),
  ),
  ...each("spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution", [
    [],
    [{}],
    [{ weight: 1 }],
    [{ weight: 0, podAffinityTerm: TERM }],
    [{ weight: 1, podAffinityTerm: TERM }],
    [{ weight: 100, podAffinityTerm: TERM }],
    [{ weight: 101, podAffinityTerm: TERM }],
    [{ podAffinityTerm: TERM }],
    [{ weight: 1, podAffinityTerm: { topologyKey: "" } }],
  ]),
  ...each(
    "spec.topologySpreadConstraints",
    [
      [],
      [SPREAD],
      [{}],
      [{ ...SPREAD, maxSkew: 0 }],
      [{ ...SPREAD, maxSkew: -1 }],
      [{ ...SPREAD, topologyKey: "" }],
      [{ ...SPREAD, topologyKey: "a b" }],
      [{ ...SPREAD, whenUnsatisfiable: "ScheduleAnyway" }],
      [{ ...SPREAD, whenUnsatisfiable: "" }],
      [{ ...SPREAD, whenUnsatisfiable: "Ignore" }],
      [{ ...SPREAD, minDomains: 1 }],
      [{ ...SPREAD, minDomains: 0 }],
      [{ ...SPREAD, minDomains: 1, whenUnsatisfiable: "ScheduleAnyway" }],
      [{ ...SPREAD, nodeAffinityPolicy: "Honor" }],
      [{ ...SPREAD, nodeAffinityPolicy: "honor" }],
      [{ ...SPREAD, nodeTaintsPolicy: "Ignore" }],
      [{ ...SPREAD, nodeTaintsPolicy: "a" }],
      [SPREAD, SPREAD],
      [SPREAD, { ...SPREAD, whenUnsatisfiable: "ScheduleAnyway" }],
      [{ ...SPREAD, labelSelector: null }],
      [{ ...SPREAD, labelSelector: { matchLabels: { "a b": "c" } } }],
      [{ ...SPREAD, matchLabelKeys: ["c"] }],
      [{ ...SPREAD, matchLabelKeys: ["a"] }],
      [{ ...SPREAD, labelSelector: null, matchLabelKeys: ["c"] }],
      [{ ...SPREAD, matchLabelKeys: ["c d"] }],
    ],
    [["metadata.labels", { c: "d" }]],
  ),
];

export const PLACEMENT_CASES: readonly Settings[] = PLACEMENT;
