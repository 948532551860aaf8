// Fields of a PriorityClass (Kubernetes scheduling.k8s.io/v1).

import { OBJECT_META } from "./metadata-fields.ts";
import { flag, integer, object, objectType, oneOf, text } from "./shape.ts";

const { namespace: _, ...WITHOUT_NAMESPACE } = OBJECT_META.fields;

export const PRIORITY_CLASS = objectType({
  name: "PriorityClass",
  fields: {
    apiVersion: oneOf(["scheduling.k8s.io/v1"], { required: true }),
    kind: oneOf(["PriorityClass"], { required: true }),
    metadata: object(
      objectType({
        name: "ObjectMeta",
        fields: WITHOUT_NAMESPACE,
        refused: { ...OBJECT_META.refused },
        notApplicable: { namespace: "a class lies in none" },
      }),
      { required: true },
    ),
    value: integer({ required: true, min: -2147483648, max: 2147483647, note: "at most 1000000000; never changes" }),
    globalDefault: flag({
      zeroIsAbsent: true,
      note: "of pods that name no class; of several the one with the lowest value counts",
    }),
    description: text(),
    preemptionPolicy: oneOf(["PreemptLowerPriority", "Never"], {
      default: "PreemptLowerPriority",
      emptyIsWrong: true,
      note: "never changes",
    }),
  },
});
