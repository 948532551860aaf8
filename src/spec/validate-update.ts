// What may change in a pod that exists (Kubernetes, ValidatePodUpdate): labels, annotations and the images of containers.

import { isDeepStrictEqual } from "node:util";
import { elementPath, fieldPath } from "./path.ts";
import type { Pod } from "./pod.ts";
import { invalid, type Problem } from "./problem.ts";

/** Broken rules of an update from one decoded and defaulted pod to another; an empty list when it is allowed. */
export function validatePodUpdate(oldPod: Pod, newPod: Pod): Problem[] {
  const problems: Problem[] = [];
  for (const key of ["name", "namespace"] as const) {
    if (oldPod.metadata[key] !== newPod.metadata[key]) {
      problems.push(invalid(`metadata.${key}`, `can't be changed from ${JSON.stringify(oldPod.metadata[key])}`));
    }
  }
  const changed: string[] = [];
  collectChanges(oldPod.spec, newPod.spec, "spec", changed);
  for (const path of changed) {
    if (MAY_CHANGE.test(path) || (path === "spec.activeDeadlineSeconds" && isSooner(oldPod.spec, newPod.spec)))
      continue;
    if (mayChangePlace(path, oldPod.spec, newPod.spec)) continue;
    problems.push(invalid(path, RESOURCES.test(path) ? wordResize(newPod.metadata) : NOT_HERE));
  }
  return problems;
}

const NOT_HERE = "can't be changed in a pod that exists (only images can); delete the pod and apply it again";

/** cpu and memory have a request of their own (KEP-1287). */
const RESOURCES = /^spec\.(containers|initContainers)\[\d+\]\.resources(\.(limits|requests)(\.(cpu|memory))?)?$/;

const wordResize = ({ name, namespace }: Pod["metadata"]): string =>
  "pod updates may not change fields other than images, activeDeadlineSeconds and tolerations; resources change with " +
  `podrun patch pod ${name}${namespace === "default" ? "" : ` -n ${namespace}`} --subresource resize -p …`;

/** Gates may be taken away, and tolerations added behind those that there are (ValidatePodUpdate). */
function mayChangePlace(path: string, from: Pod["spec"], to: Pod["spec"]): boolean {
  if (path.startsWith("spec.schedulingGates")) {
    const names = new Set(from.schedulingGates?.map(({ name }) => name));
    return (to.schedulingGates ?? []).every(({ name }) => names.has(name));
  }
  const before = from.tolerations ?? [];
  return path === "spec.tolerations" && isDeepStrictEqual(to.tolerations?.slice(0, before.length) ?? [], before);
}

/** A deadline may be given, and brought forward. */
const isSooner = (from: Pod["spec"], to: Pod["spec"]): boolean =>
  to.activeDeadlineSeconds !== undefined &&
  to.activeDeadlineSeconds < (from.activeDeadlineSeconds ?? Number.POSITIVE_INFINITY);

/** The pull policy is there because its default follows from the image's tag. */
const MAY_CHANGE = /^spec\.(containers|initContainers)\[\d+\]\.(image|imagePullPolicy)$/;

/** Paths of the smallest values that differ. */
export function collectChanges(from: unknown, to: unknown, path: string, changed: string[]): void {
  if (isDeepStrictEqual(from, to)) return;
  const sameList = Array.isArray(from) && Array.isArray(to) && from.length === to.length;
  if (sameList) {
    for (const [index, element] of from.entries())
      collectChanges(element, to[index], elementPath(path, index), changed);
  } else if (isFields(from) && isFields(to)) {
    for (const key of new Set([...Object.keys(from), ...Object.keys(to)]))
      collectChanges(from[key], to[key], fieldPath(path, key), changed);
  } else changed.push(path);
}

const isFields = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
