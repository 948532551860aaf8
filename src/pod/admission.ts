// What the API server adds to objects that come, keeps of them when they change, and refuses.

import { PodrunError } from "../base/errors.ts";
import {
  DEFAULT_CLASS,
  isDefaultClass,
  isSystemClass,
  makeNamespace,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Problem,
  validateClaimUpdate,
  validateClassUpdate,
  validateConfigMapUpdate,
  validatePriorityClassUpdate,
  validateSecretUpdate,
  validateVolumeUpdate,
} from "../spec/index.ts";
import type { KeptObject, KeptOf, ObjectLists } from "./types.ts";

/** Kubernetes' names of what keeps a claim while pods use it, and a volume while it is bound. */
const PROTECTION = {
  PersistentVolumeClaim: "kubernetes.io/pvc-protection",
  PersistentVolume: "kubernetes.io/pv-protection",
} as const;

/** A new object as it is stored. */
export function admitObject(object: KeptObject, objects: ObjectLists): KeptObject {
  if (object.kind === "Namespace") return makeNamespace(object.metadata);
  if (object.kind === "PersistentVolume") {
    const metadata = { ...object.metadata, finalizers: [PROTECTION.PersistentVolume] };
    return { ...object, metadata, status: { phase: "Pending" } };
  }
  if (object.kind === "PriorityClass") requireOneDefault(object, objects);
  if (object.kind !== "PersistentVolumeClaim") return object;
  const metadata = { ...object.metadata, finalizers: [PROTECTION.PersistentVolumeClaim] };
  const storageClassName = object.spec.storageClassName ?? defaultClass(objects);
  const spec = { ...object.spec, ...(storageClassName !== undefined && { storageClassName }) };
  return { ...object, metadata, spec, status: { phase: "Pending" } };
}

/** Name of the class of claims that name none, the newest of several (admission plugin DefaultStorageClass). */
export function defaultClass(objects: ObjectLists): string | undefined {
  const classes = objects.list("StorageClass").filter(isDefaultClass);
  const newest = classes.sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? 1 : -1))[0];
  return newest?.metadata.name;
}

/** Whether a deletion only marks it. */
export const isProtected = (object: KeptObject): boolean => object.kind in PROTECTION;

/** Throws Forbidden: there is a default class already, and it is another one. */
function requireOneDefault({ metadata, globalDefault }: KeptOf<"PriorityClass">, objects: ObjectLists): void {
  if (!globalDefault) return;
  const other = objects.list("PriorityClass").find((one) => one.globalDefault && one.metadata.name !== metadata.name);
  if (other === undefined) return;
  const text = `priorityclasses.scheduling.k8s.io "${metadata.name}" is forbidden: PriorityClass ${other.metadata.name} is already marked as default. Only one default can exist`;
  throw new PodrunError("Forbidden", text, { details: { kind: "priorityclasses", name: metadata.name } });
}

/** Throws Forbidden for the system's own priority classes. */
export function requireDeletablePriority(name: string): void {
  if (!isSystemClass(name)) return;
  const text = `priorityclasses.scheduling.k8s.io "${name}" is forbidden: this is a system priority class and cannot be deleted`;
  throw new PodrunError("Forbidden", text, { details: { kind: "priorityclasses", name } });
}

/** Throws Forbidden for the class that is always there. */
export function requireDeletableClass(name: string): void {
  if (name !== DEFAULT_CLASS) return;
  const text = `storageclasses.storage.k8s.io "${name}" is forbidden: it is podrun's own; annotate it with storageclass.kubernetes.io/is-default-class=false to have another default`;
  throw new PodrunError("Forbidden", text, { details: { kind: "storageclasses", name } });
}

/** A changed object with what only podrun writes as it was. `exact`: see ReplaceKeptOptions. */
export function keepServerOwned(before: KeptObject, wanted: KeptObject, exact: boolean): KeptObject {
  const { uid, creationTimestamp, resourceVersion, deletionTimestamp } = before.metadata;
  const marks = { uid, creationTimestamp, resourceVersion, ...(deletionTimestamp && { deletionTimestamp }) };
  const after = { ...wanted, metadata: { ...wanted.metadata, ...marks } } as KeptObject;
  if (after.kind === "Namespace" && before.kind === "Namespace") after.status = before.status;
  if (after.kind === "PersistentVolume" && before.kind === "PersistentVolume") {
    after.metadata = { ...after.metadata, ...kept(before) };
    after.status = before.status;
    const claimRef = mergeClaimRef(before.spec.claimRef, after.spec.claimRef);
    if (!exact && claimRef !== undefined) after.spec = { ...after.spec, claimRef };
  }
  if (after.kind === "PersistentVolumeClaim" && before.kind === "PersistentVolumeClaim") {
    after.metadata = { ...after.metadata, ...kept(before) };
    after.status = before.status;
    after.spec = { ...filledIn(before), ...after.spec };
  }
  return after;
}

type ClaimRef = PersistentVolume["spec"]["claimRef"];

/** A manifest that names the claim does not know its uid. */
function mergeClaimRef(before: ClaimRef, after: ClaimRef): ClaimRef {
  const isSame = before?.name === after?.name && before?.namespace === after?.namespace;
  return before && after && isSame ? { ...before, ...after } : (after ?? before);
}

const kept = ({ metadata: { finalizers, ownerReferences } }: KeptOf<"PersistentVolume" | "PersistentVolumeClaim">) => ({
  ...(finalizers && { finalizers }),
  ...(ownerReferences && { ownerReferences }),
});

function filledIn({ spec: { volumeName, storageClassName } }: PersistentVolumeClaim) {
  return {
    ...(volumeName !== undefined && { volumeName }),
    ...(storageClassName !== undefined && { storageClassName }),
  };
}

/** The rules of a change. */
export function validateChange(before: KeptObject, after: KeptObject, objects: ObjectLists): Problem[] {
  if (before.kind === "Namespace") return [];
  if (before.kind === "Secret" && after.kind === "Secret") return validateSecretUpdate(before, after);
  if (before.kind === "ConfigMap" && after.kind === "ConfigMap") return validateConfigMapUpdate(before, after);
  if (before.kind === "PriorityClass" && after.kind === "PriorityClass") {
    requireOneDefault(after, objects);
    return validatePriorityClassUpdate(before, after);
  }
  if (before.kind === "StorageClass" && after.kind === "StorageClass") return validateClassUpdate(before, after);
  if (before.kind === "PersistentVolume" && after.kind === "PersistentVolume")
    return validateVolumeUpdate(before, after);
  if (before.kind === "PersistentVolumeClaim" && after.kind === "PersistentVolumeClaim") {
    const named = objects.find("StorageClass", "", before.spec.storageClassName ?? "");
    const canGrow = named?.allowVolumeExpansion === true && named.provisioner === "podrun.io/local";
    return validateClaimUpdate(before, after, canGrow);
  }
  throw new TypeError(`a ${before.kind} does not become a ${after.kind}`);
}
