// Rules of claims, volumes and classes as Kubernetes' API server has them (ValidatePersistentVolumeClaim, ValidatePersistentVolume,
// ValidateStorageClassUpdate).

import { isDeepStrictEqual } from "node:util";
import { elementPath } from "./path.ts";
import { invalid, type Problem } from "./problem.ts";
import { compareQuantities, parseQuantity } from "./quantity.ts";
import type { ClaimSpec, PersistentVolume, PersistentVolumeClaim, StorageClass } from "./storage.ts";
import { validateNodeTerms, validateRequirements } from "./validate-placement.ts";

/** All broken rules of a claim; an empty list when it is right. */
export const validateClaim = ({ spec }: PersistentVolumeClaim): Problem[] => validateClaimSpec(spec, "spec");

export function validateClaimSpec(spec: ClaimSpec, path: string): Problem[] {
  const { accessModes, resources, selector } = spec;
  const problems = validateModes(accessModes, `${path}.accessModes`);
  problems.push(...validateStorage(resources.requests.storage, `${path}.resources.requests.storage`));
  const limit = resources.limits?.storage;
  if (limit !== undefined && compareQuantities(limit, resources.requests.storage) < 0)
    problems.push(invalid(`${path}.resources.limits.storage`, "is less than is requested"));
  problems.push(...validateRequirements(selector?.matchExpressions, `${path}.selector.matchExpressions`));
  return problems;
}

/** All broken rules of a volume. */
export function validateVolume({ spec }: PersistentVolume): Problem[] {
  const { accessModes, capacity, hostPath, local, nodeAffinity } = spec;
  const problems = validateModes(accessModes, "spec.accessModes");
  problems.push(...validateStorage(capacity.storage, "spec.capacity.storage"));
  if ((hostPath === undefined) === (local === undefined))
    problems.push(invalid("spec", "must have exactly one of hostPath and local"));
  const terms = nodeAffinity?.required?.nodeSelectorTerms ?? [];
  problems.push(...validateNodeTerms(terms, "spec.nodeAffinity.required.nodeSelectorTerms"));
  return problems;
}

function validateModes(modes: readonly string[], path: string): Problem[] {
  const problems = modes.flatMap((mode, index) =>
    modes.indexOf(mode) === index ? [] : [invalid(elementPath(path, index), `${mode} is there twice`)],
  );
  if (modes.length > 1 && modes.includes("ReadWriteOncePod"))
    problems.push(invalid(path, "may not use ReadWriteOncePod with other access modes"));
  return problems;
}

const validateStorage = (quantity: string, path: string): Problem[] =>
  parseQuantity(quantity).nano > 0n ? [] : [invalid(path, "must be greater than zero")];

/**
 * Broken rules of a change (ValidatePersistentVolumeClaimUpdate): a claim may be given its volume and its class once, and what it
 * asks for may grow where `canGrow` says so.
 */
export function validateClaimUpdate(
  before: PersistentVolumeClaim,
  after: PersistentVolumeClaim,
  canGrow: boolean,
): Problem[] {
  const problems: Problem[] = [];
  const [from, to] = [before.spec, after.spec];
  for (const field of ["accessModes", "volumeMode", "selector", "volumeName", "storageClassName"] as const) {
    if (isDeepStrictEqual(from[field], to[field])) continue;
    const isFirst = (field === "volumeName" || field === "storageClassName") && from[field] === undefined;
    if (!isFirst) problems.push(invalid(`spec.${field}`, "can't be changed in a claim that exists"));
  }
  if (!isDeepStrictEqual(from.resources.limits, to.resources.limits))
    problems.push(invalid("spec.resources.limits", "can't be changed in a claim that exists"));
  const path = "spec.resources.requests.storage";
  const growth = compareQuantities(to.resources.requests.storage, from.resources.requests.storage);
  if (growth < 0) problems.push(invalid(path, "can not be less than previous value"));
  else if (growth > 0 && before.status.phase !== "Bound") problems.push(invalid(path, "only a bound claim can grow"));
  else if (growth > 0 && !canGrow)
    problems.push(
      invalid(
        path,
        "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize",
      ),
    );
  return problems;
}

/** Broken rules of a change: a volume stays where it is. */
export function validateVolumeUpdate(before: PersistentVolume, after: PersistentVolume): Problem[] {
  const problems: Problem[] = [];
  for (const field of ["hostPath", "local", "volumeMode"] as const)
    if (!isDeepStrictEqual(before.spec[field], after.spec[field]))
      problems.push(invalid(`spec.${field}`, "can't be changed in a volume that exists"));
  return problems;
}

/** Broken rules of a change: claims count on what they were made with. */
export function validateClassUpdate(before: StorageClass, after: StorageClass): Problem[] {
  const problems: Problem[] = [];
  for (const field of ["provisioner", "reclaimPolicy", "volumeBindingMode"] as const)
    if (before[field] !== after[field])
      problems.push(invalid(field, "can't be changed; delete the class and create it again"));
  return problems;
}
