// Rules between the fields of a pod, as Kubernetes' API server has them (pkg/apis/core/validation). What concerns one field
// alone stands in the tables of fields.

import { elementPath } from "./path.ts";
import type { Pod } from "./pod.ts";
import type { Problem } from "./problem.ts";
import { validateContainer } from "./validate-container.ts";

/** All broken rules of a decoded and defaulted pod; an empty list when it is right. */
export function validatePod(pod: Pod): Problem[] {
  const volumes = new Set((pod.spec.volumes ?? []).map((volume) => volume.name));
  return pod.spec.containers.flatMap((container, index) => validateContainer(container, elementPath("spec.containers", index), { pod, volumes }));
}
