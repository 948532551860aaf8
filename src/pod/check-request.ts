// What a request for a pod may not ask, whatever the pod is like.
import { PodrunError } from "../base/errors.ts";
import { type Pod, throwProblems } from "../spec/index.ts";

/** Nobody can look into a pod that there is not yet. */
export function refuseEphemeral({ spec }: Pod): void {
  if ((spec.ephemeralContainers ?? []).length === 0) return;
  const text = "can't be given to a new pod; create it first, then use podrun debug";
  throwProblems([{ code: "InvalidObject", path: "spec.ephemeralContainers", text }]);
}

/** An update may say which object and which state of it is meant (metadata.uid, metadata.resourceVersion); "" says nothing. */
export function checkSame(before: Pod, wanted: Pod): void {
  const { name, namespace } = before.metadata;
  for (const field of ["uid", "resourceVersion"] as const) {
    const value = wanted.metadata[field];
    if (value === "" || value === undefined || value === before.metadata[field]) continue;
    throw new PodrunError(
      "Conflict",
      `pod "${name}" has been changed since it was read (${field} ${value}, now ${before.metadata[field]}); read it again`,
      { details: { kind: "pods", name, namespace } },
    );
  }
}

/** What is wrong with the pod that a request names, in the API server's words. */
export const podError = (
  code: "AlreadyExists" | "NotFound",
  what: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): PodrunError => new PodrunError(code, `pods "${name}" ${what}`, { details: { kind: "pods", name, namespace } });
