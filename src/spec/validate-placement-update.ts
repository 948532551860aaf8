// What may change of where a pod that exists may run (pkg/apis/core/validation: ValidatePodUpdate, validateOnlyAddedTolerations,
// validateNodeSelectorMutation, validateNodeAffinityMutation).

import { isDeepStrictEqual } from "node:util";
import type { NodeSelectorTerm } from "./label-selector.ts";
import { elementPath } from "./path.ts";
import type { PodSpec } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";

/** A pod that waits at its gates may still be told more narrowly where it may run. */
const isGated = ({ schedulingGates = [] }: PodSpec): boolean => schedulingGates.length > 0;

/** The spec without what {@link validatePlacementUpdate} is for; `from`: the pod as it is. */
export function withoutPlacement(spec: PodSpec, from: PodSpec): unknown {
  const { tolerations: _tolerations, schedulingGates: _gates, ...rest } = spec;
  if (!isGated(from)) return rest;
  const { nodeSelector: _selector, affinity, ...others } = rest;
  const { nodeAffinity: _affinity, ...podAffinities } = affinity ?? {};
  return Object.keys(podAffinities).length === 0 ? others : { ...others, affinity: podAffinities };
}

/** Broken rules; an empty list when all of it may change so. */
export const validatePlacementUpdate = (from: PodSpec, to: PodSpec): Problem[] => [
  ...validateTolerations(from, to),
  ...validateGates(from, to),
  ...(isGated(from) ? [...validateNodeSelector(from, to), ...validateNodeAffinity(from, to)] : []),
];

/** More may come, and how long one holds may change. */
function validateTolerations({ tolerations: before = [] }: PodSpec, { tolerations: after = [] }: PodSpec): Problem[] {
  const withoutTime = ({ tolerationSeconds: _, ...rest }: (typeof before)[number]): object => rest;
  const isKept = before.every((old) => after.some((one) => isDeepStrictEqual(withoutTime(one), withoutTime(old))));
  if (isKept) return [];
  return [invalid("spec.tolerations", "a toleration that is there can't be changed, but for its tolerationSeconds")];
}

function validateGates({ schedulingGates: before = [] }: PodSpec, { schedulingGates: after = [] }: PodSpec): Problem[] {
  const names = new Set(before.map(({ name }) => name));
  return after.flatMap(({ name }, index) =>
    names.has(name)
      ? []
      : [invalid(elementPath("spec.schedulingGates", index), "gates can be taken away, not added; remove it")],
  );
}

function validateNodeSelector(
  { nodeSelector: before = {} }: PodSpec,
  { nodeSelector: after = {} }: PodSpec,
): Problem[] {
  if (Object.entries(before).every(([key, value]) => after[key] === value)) return [];
  return [invalid("spec.nodeSelector", "labels can be added, not changed or taken away")];
}

const AFFINITY = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";

function validateNodeAffinity(from: PodSpec, to: PodSpec): Problem[] {
  const [before = [], after = []] = [from, to].map(
    ({ affinity }) => affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms,
  );
  if (before.length === 0) return [];
  if (before.length !== after.length) return [invalid(AFFINITY, "terms can't be added or taken away")];
  return before.flatMap((old, index) =>
    onlyAdds(old, after[index] ?? {})
      ? []
      : [
          invalid(
            elementPath(AFFINITY, index),
            "expressions can be added behind those that there are, and nothing else",
          ),
        ],
  );
}

function onlyAdds(old: NodeSelectorTerm, term: NodeSelectorTerm): boolean {
  const size = ({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm) =>
    matchExpressions.length + matchFields.length;
  // A term without anything matches no node: it would match some then.
  if (size(old) === 0) return size(term) === 0;
  return (["matchExpressions", "matchFields"] as const).every((list) => {
    const before = old[list] ?? [];
    return isDeepStrictEqual((term[list] ?? []).slice(0, before.length), before);
  });
}
