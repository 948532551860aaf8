// Rules on ephemeral containers (pkg/apis/core/validation, validateEphemeralContainers, ValidatePodEphemeralContainersUpdate).

import { isDeepStrictEqual } from "node:util";
import { elementPath } from "./path.ts";
import type { PodSpec } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";
import { quote } from "./schema/format.ts";

export function validateEphemeral(spec: PodSpec): Problem[] {
  const names = [...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name);
  return (spec.ephemeralContainers ?? []).flatMap((container, index) => {
    const path = elementPath("spec.ephemeralContainers", index);
    const problems: Problem[] = [];
    const { targetContainerName: target, resources, volumeMounts = [] } = container;
    if (target !== undefined && !names.includes(target))
      problems.push(
        invalid(`${path}.targetContainerName`, `the pod has no container ${quote(target)}; it has ${names.join(", ")}`),
      );
    if (Object.keys(resources).length > 0)
      problems.push(invalid(`${path}.resources`, "an ephemeral container uses what its pod has; remove it"));
    volumeMounts.forEach((mount, at) => {
      if (mount.subPath !== undefined || mount.subPathExpr !== undefined)
        problems.push(
          invalid(
            `${elementPath(`${path}.volumeMounts`, at)}.subPath`,
            "not in an ephemeral container; mount the whole volume",
          ),
        );
    });
    return problems;
  });
}

/** Ephemeral containers are added to a pod, and stay as they are. */
export function validateEphemeralUpdate(from: PodSpec, to: PodSpec): Problem[] {
  return (from.ephemeralContainers ?? []).flatMap((container) => {
    const index = to.ephemeralContainers?.findIndex(({ name }) => name === container.name) ?? -1;
    if (index < 0)
      return [invalid("spec.ephemeralContainers", `${quote(container.name)} is there and can't be removed; keep it`)];
    if (isDeepStrictEqual(container, to.ephemeralContainers?.[index])) return [];
    return [
      invalid(
        elementPath("spec.ephemeralContainers", index),
        `${quote(container.name)} is there and can't be changed; add another one`,
      ),
    ];
  });
}
