// `get pvc`, `get pv`, `get sc`: kubectl's columns.

import { formatAge } from "../../base/age.ts";
import {
  isDefaultClass,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type StorageClass,
} from "../../spec/storage.ts";
import type { Column } from "./object-table.ts";

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

export const formatModes = (modes: readonly string[] = []): string =>
  modes.map((mode) => MODES[mode] ?? mode).join(",");

/** kubectl's word for what no volume here has: VolumeAttributesClasses. */
const UNSET = "<unset>";

/** The phase, or Terminating while it is kept by who uses it. */
export const phaseOf = ({ metadata, status }: PersistentVolume | PersistentVolumeClaim): string =>
  metadata.deletionTimestamp === undefined ? status.phase : "Terminating";

const age = ({ metadata }: { readonly metadata: { readonly creationTimestamp: string } }): string =>
  formatAge(metadata.creationTimestamp, Date.now());

export const CLAIM_COLUMNS: readonly Column<PersistentVolumeClaim>[] = [
  ["NAME", ({ metadata }) => metadata.name],
  ["STATUS", phaseOf],
  ["VOLUME", ({ spec }) => spec.volumeName ?? ""],
  ["CAPACITY", ({ spec, status }) => (spec.volumeName === undefined ? "" : (status.capacity?.storage ?? "0"))],
  ["ACCESS MODES", ({ status }) => formatModes(status.accessModes)],
  ["STORAGECLASS", ({ spec }) => spec.storageClassName ?? ""],
  ["VOLUMEATTRIBUTESCLASS", () => UNSET],
  ["AGE", age],
];

export const VOLUME_COLUMNS: readonly Column<PersistentVolume>[] = [
  ["NAME", ({ metadata }) => metadata.name],
  ["CAPACITY", ({ spec }) => spec.capacity.storage],
  ["ACCESS MODES", ({ spec }) => formatModes(spec.accessModes)],
  ["RECLAIM POLICY", ({ spec }) => spec.persistentVolumeReclaimPolicy],
  ["STATUS", phaseOf],
  ["CLAIM", claimOf],
  ["STORAGECLASS", ({ spec }) => spec.storageClassName],
  ["VOLUMEATTRIBUTESCLASS", () => UNSET],
  ["REASON", ({ status }) => status.reason ?? ""],
  ["AGE", age],
];

/** `NAMESPACE/NAME`, or "". */
export function claimOf({ spec: { claimRef } }: PersistentVolume): string {
  return claimRef === undefined ? "" : `${claimRef.namespace}/${claimRef.name}`;
}

export const CLASS_COLUMNS: readonly Column<StorageClass>[] = [
  ["NAME", (one) => `${one.metadata.name}${isDefaultClass(one) ? " (default)" : ""}`],
  ["PROVISIONER", ({ provisioner }) => provisioner],
  ["RECLAIMPOLICY", ({ reclaimPolicy }) => reclaimPolicy],
  ["VOLUMEBINDINGMODE", ({ volumeBindingMode }) => volumeBindingMode],
  ["ALLOWVOLUMEEXPANSION", ({ allowVolumeExpansion = false }) => String(allowVolumeExpansion)],
  ["AGE", age],
];

export const VOLUME_MODE_COLUMN: Column<object> = ["VOLUMEMODE", () => "Filesystem"];
