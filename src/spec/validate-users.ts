// Rules on a pod with a user namespace of its own (hostUsers: false).

import { placedContainers } from "./containers.ts";
import { elementPath } from "./path.ts";
import type { PodSpec } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";

/** The ids that such a pod has are 0 to this one (kubelet, userNamespaces.idsPerPod). */
const LAST_ID = 65_535;

/** Where the API server has the rule, in its words (validateHostUsers, validateContainerSecurityContext). */
export function validateHostUsers(spec: PodSpec): Problem[] {
  if (spec.hostUsers !== false) return validateProcMount(spec);
  const namespaces = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => spec[field] === true);
  return [
    ...namespaces.map((field) => invalid(`spec.${field}`, "Forbidden: when `hostUsers` is false")),
    ...validateIds(spec),
    ...validatePropagation(spec),
  ];
}

function validateProcMount(spec: PodSpec): Problem[] {
  return placedContainers(spec).flatMap(({ container, path }) =>
    container.securityContext?.procMount === "Unmasked"
      ? [invalid(`${path}.securityContext.procMount`, '"Unmasked": `hostUsers` must be false to use `Unmasked`')]
      : [],
  );
}

/** The API server takes them, and then no container of the pod could ever start. */
function validateIds(spec: PodSpec): Problem[] {
  const { runAsUser, runAsGroup, fsGroup, supplementalGroups = [] } = spec.securityContext;
  const ids: [string, number | undefined][] = [
    ...Object.entries({ runAsUser, runAsGroup, fsGroup }),
    ...supplementalGroups.map((id, index): [string, number] => [elementPath("supplementalGroups", index), id]),
  ].map(([field, id]) => [`spec.securityContext.${field}`, id]);
  for (const { container, path } of placedContainers(spec))
    for (const field of ["runAsUser", "runAsGroup"] as const)
      ids.push([`${path}.securityContext.${field}`, container.securityContext?.[field]]);
  return ids.flatMap(([path, id]) =>
    id !== undefined && id > LAST_ID
      ? [invalid(path, `${id} is none of the pod's ids: with hostUsers: false they are 0 to ${LAST_ID}`)]
      : [],
  );
}

/** Whatever is mounted in another user namespace stays there (mount_namespaces(7)): it would be ignored. */
function validatePropagation(spec: PodSpec): Problem[] {
  return placedContainers(spec).flatMap(({ container, path }) =>
    (container.volumeMounts ?? []).flatMap(({ mountPropagation }, index) =>
      mountPropagation === "Bidirectional"
        ? [
            invalid(
              `${elementPath(`${path}.volumeMounts`, index)}.mountPropagation`,
              "Bidirectional can't be had with hostUsers: false, for the kernel keeps mounts of other users from the host; use HostToContainer, or remove hostUsers",
            ),
          ]
        : [],
    ),
  );
}
