// Volumes that outlive pods, as every module sees them: decoded. What is in `status` only podrun writes.

import type { ObjectMeta } from "./metadata.ts";
import type { ObjectValue } from "./schema/shape.ts";
import type { CLAIM_SPEC, PERSISTENT_VOLUME, STORAGE_CLASS } from "./schema/storage-fields.ts";

/** meta/v1 OwnerReference: the object goes when its owner does. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller: boolean;
  blockOwnerDeletion: boolean;
}

export interface KeptMeta extends ObjectMeta {
  /** While one is there a deletion only marks the object. */
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

export interface ClaimSpec extends ObjectValue<typeof CLAIM_SPEC> {}

/**
 *   Pending ──► Bound ──► Lost
 *
 * - Pending: it has no volume yet; `spec.volumeName` may already name the one that it wants;
 * - Bound: `spec.volumeName` is its own;
 * - Lost: that volume is gone.
 */
export interface PersistentVolumeClaim {
  apiVersion: "v1";
  kind: "PersistentVolumeClaim";
  metadata: KeptMeta;
  spec: ClaimSpec;
  status: {
    phase: "Pending" | "Bound" | "Lost";
    accessModes?: ClaimSpec["accessModes"];
    capacity?: { storage: string };
  };
}

export type VolumeSpec = ObjectValue<typeof PERSISTENT_VOLUME>["spec"];

/**
 *   Pending ──► Available ──► Bound ──► Released ──► gone (reclaimPolicy Delete), or Failed
 *
 * - Released: its claim is gone, and what is in it is still there; Retain leaves it so.
 */
export interface PersistentVolume {
  apiVersion: "v1";
  kind: "PersistentVolume";
  metadata: KeptMeta;
  spec: VolumeSpec;
  status: { phase: "Pending" | "Available" | "Bound" | "Released" | "Failed"; message?: string; reason?: string };
}

export interface StorageClass extends Omit<ObjectValue<typeof STORAGE_CLASS>, "metadata"> {
  metadata: ObjectMeta;
}

/** The class that is always there. */
export const DEFAULT_CLASS = "local";

const DEFAULT_ANNOTATION = "storageclass.kubernetes.io/is-default-class";

/** Whether claims that name no class get it. */
export const isDefaultClass = ({ metadata }: StorageClass): boolean =>
  metadata.annotations[DEFAULT_ANNOTATION] === "true";

/** As podrun makes it: one node has nothing to wait for, so claims are bound at once. */
export function makeDefaultClass(): StorageClass {
  return {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: {
      name: DEFAULT_CLASS,
      namespace: "",
      labels: {},
      annotations: { [DEFAULT_ANNOTATION]: "true" },
      uid: "",
      creationTimestamp: "",
      resourceVersion: "",
    },
    provisioner: "podrun.io/local",
    reclaimPolicy: "Delete",
    volumeBindingMode: "Immediate",
    allowVolumeExpansion: true,
  };
}
