// What a request for a pod may not ask, whatever the pod is like.
import { isDeepStrictEqual } from "node:util";
import { PodrunError } from "../base/errors.ts";
import {
  type Pod,
  type Problem,
  recordApplied,
  throwProblems,
  validateEphemeralUpdate,
  validatePodResize,
  validatePodUpdate,
} from "../spec/index.ts";
import type { ReplaceOptions } from "./types.ts";

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

/** Broken rules of an update, by what of the pod it may change. */
export function validateChange(before: Pod, wanted: Pod, options: ReplaceOptions): Problem[] {
  if (options.resize) return validatePodResize(before, wanted);
  if (options.ephemeralContainers) return validateEphemeralUpdate(before.spec, wanted.spec);
  return validatePodUpdate(before, wanted);
}

/** The pod as the update leaves it; a resize takes nothing of its metadata. */
export function changedPod(before: Pod, { metadata, spec }: Pod, { resize, applied }: ReplaceOptions): Pod {
  const { labels, annotations } = resize ? before.metadata : metadata;
  const managed = applied && { managedFields: recordApplied(applied) };
  const generation = (before.metadata.generation ?? 1) + (isDeepStrictEqual(before.spec, spec) ? 0 : 1);
  return { ...before, metadata: { ...before.metadata, labels, annotations, generation, ...managed }, spec };
}
