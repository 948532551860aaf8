// Fields of a pod that say where it may run (Kubernetes core/v1 PodSpec): on one node they decide whether it may.

import { integer, list, map, object, objectType, oneOf, text } from "./shape.ts";

const HERE = "the only node is this machine";

const NODE_SELECTOR_REQUIREMENT = objectType({
  name: "NodeSelectorRequirement",
  fields: {
    key: text({ required: true, format: "labelKey" }),
    operator: oneOf(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"], { required: true }),
    values: list(text()),
  },
});

const NODE_SELECTOR_TERM = objectType({
  name: "NodeSelectorTerm",
  fields: {
    matchExpressions: list(object(NODE_SELECTOR_REQUIREMENT)),
    matchFields: list(object(NODE_SELECTOR_REQUIREMENT), { note: "metadata.name with In or NotIn" }),
  },
});

export const NODE_SELECTOR = objectType({
  name: "NodeSelector",
  fields: { nodeSelectorTerms: list(object(NODE_SELECTOR_TERM), { required: true }) },
});

const NODE_AFFINITY = objectType({
  name: "NodeAffinity",
  fields: {
    requiredDuringSchedulingIgnoredDuringExecution: object(NODE_SELECTOR),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      object(
        objectType({
          name: "PreferredSchedulingTerm",
          fields: {
            weight: integer({ required: true, min: 1, max: 100 }),
            preference: object(NODE_SELECTOR_TERM, { required: true }),
          },
        }),
      ),
      { note: `without an effect: ${HERE}` },
    ),
  },
});

export const LABEL_SELECTOR = objectType({
  name: "LabelSelector",
  fields: {
    matchLabels: map(text({ format: "labelValue" }), { keyFormat: "labelKey" }),
    matchExpressions: list(
      object(
        objectType({
          name: "LabelSelectorRequirement",
          fields: {
            key: text({ required: true, format: "labelKey" }),
            operator: oneOf(["In", "NotIn", "Exists", "DoesNotExist"], { required: true }),
            values: list(text({ format: "labelValue" })),
          },
        }),
      ),
    ),
  },
});

export const POD_AFFINITY_TERM = objectType({
  name: "PodAffinityTerm",
  fields: {
    labelSelector: object(LABEL_SELECTOR),
    namespaces: list(text({ format: "dnsLabel" })),
    namespaceSelector: object(LABEL_SELECTOR),
    topologyKey: text({ required: true, format: "labelKey" }),
    matchLabelKeys: list(text({ format: "labelKey" }), { note: "of those that the pod has a label for, as it is now" }),
    mismatchLabelKeys: list(text({ format: "labelKey" })),
  },
});

const podAffinity = <const N extends string>(name: N) =>
  objectType({
    name,
    fields: {
      requiredDuringSchedulingIgnoredDuringExecution: list(object(POD_AFFINITY_TERM)),
      preferredDuringSchedulingIgnoredDuringExecution: list(
        object(
          objectType({
            name: "WeightedPodAffinityTerm",
            fields: {
              weight: integer({ required: true, min: 1, max: 100 }),
              podAffinityTerm: object(POD_AFFINITY_TERM, { required: true }),
            },
          }),
        ),
        { note: `without an effect: ${HERE}` },
      ),
    },
  });

/** They stand in PodSpec. */
export const PLACEMENT_FIELDS = {
  priorityClassName: text({ format: "dnsSubdomain", note: "the default PriorityClass's when absent, if there is one" }),
  priority: integer({
    min: -2147483648,
    max: 2147483647,
    note: "worked out from the class; a given one must be the same",
  }),
  preemptionPolicy: oneOf(["PreemptLowerPriority", "Never"], {
    emptyIsWrong: true,
    note: "worked out from the class; a given one must be the same",
  }),
  nodeName: text({ format: "dnsSubdomain", note: `with another name than this machine's the pod stays Pending` }),
  nodeSelector: map(text({ format: "labelValue" }), { keyFormat: "labelKey" }),
  affinity: object(
    objectType({
      name: "Affinity",
      fields: {
        nodeAffinity: object(NODE_AFFINITY),
        podAffinity: object(podAffinity("PodAffinity")),
        podAntiAffinity: object(podAffinity("PodAntiAffinity")),
      },
    }),
  ),
  tolerations: list(
    object(
      objectType({
        name: "Toleration",
        fields: {
          key: text({ format: "labelKey" }),
          operator: oneOf(["Equal", "Exists", "Lt", "Gt"], {
            note: "Equal when absent",
            only: ["Equal", "Exists"],
            because: "taints are not compared as numbers",
          }),
          value: text({ format: "labelValue" }),
          effect: oneOf(["NoSchedule", "PreferNoSchedule", "NoExecute"], { note: "absent: every effect" }),
          tolerationSeconds: integer({ note: "from when the taint came, or the pod got its place" }),
        },
      }),
    ),
    { note: "more may be added to a pod that exists" },
  ),
  topologySpreadConstraints: list(
    object(
      objectType({
        name: "TopologySpreadConstraint",
        fields: {
          maxSkew: integer({ required: true, min: 1 }),
          topologyKey: text({ required: true, format: "labelKey" }),
          whenUnsatisfiable: oneOf(["DoNotSchedule", "ScheduleAnyway"], { required: true }),
          labelSelector: object(LABEL_SELECTOR),
          minDomains: integer({ min: 1, note: `${HERE}: one domain` }),
          nodeAffinityPolicy: oneOf(["Honor", "Ignore"], { emptyIsWrong: true, note: `without an effect: ${HERE}` }),
          nodeTaintsPolicy: oneOf(["Honor", "Ignore"], { emptyIsWrong: true, note: `without an effect: ${HERE}` }),
          matchLabelKeys: list(text({ format: "labelKey" }), {
            note: "of those that the pod has a label for, as it is now",
          }),
        },
      }),
    ),
  ),
  schedulingGates: list(
    object(
      objectType({
        name: "PodSchedulingGate",
        fields: { name: text({ required: true, format: "labelKey" }) },
      }),
    ),
    { key: "name", note: "may be taken away from a pod that exists, never added" },
  ),
} as const;
