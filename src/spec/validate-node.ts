import { isDeepStrictEqual } from "node:util";
import type { KubeNode } from "./node.ts";
import { elementPath } from "./path.ts";
import { invalid, type Problem } from "./problem.ts";

/** Broken rules of a node (ValidateNode): taints are told apart by key and effect. */
export function validateNode({ spec }: KubeNode): Problem[] {
  const taints = spec.taints ?? [];
  return taints.flatMap(({ key, effect }, index) =>
    taints.findIndex((one) => one.key === key && one.effect === effect) === index
      ? []
      : [
          invalid(
            elementPath("spec.taints", index),
            `${key}:${effect} is there twice; taints must be unique by key and effect`,
          ),
        ],
  );
}

/** What of a node can't be changed (ValidateNodeUpdate). What the manifest does not say stays. */
export const validateNodeUpdate = (before: KubeNode, after: KubeNode): Problem[] =>
  (["podCIDR", "podCIDRs"] as const).flatMap((field) =>
    after.spec[field] === undefined || isDeepStrictEqual(after.spec[field], before.spec[field])
      ? []
      : [
          invalid(
            `spec.${field}`,
            `can't be changed from ${JSON.stringify(before.spec[field])}; it is a setting (PODRUN_CIDR4, PODRUN_CIDR6)`,
          ),
        ],
  );
