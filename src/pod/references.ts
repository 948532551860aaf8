import { type Pod, placedContainers } from "../spec/index.ts";
import { claimsOf } from "./claims/pod-claims.ts";
import { volumeObjects } from "./volume-content.ts";

export interface References {
  /** `KIND/NAME` of what containers' variables and volumes are filled from. */
  readonly asked: ReadonlySet<string>;
  /** Names of Secrets that hold accounts of registries. */
  readonly pulls: ReadonlySet<string>;
}

/** The objects of its namespace that a pod names. */
export function referencesOf({ metadata, spec }: Pod): References {
  const asked = new Set<string>();
  for (const { container } of placedContainers(spec)) {
    const { env = [], envFrom = [] } = container;
    for (const { configMapRef, secretRef } of envFrom) {
      if (configMapRef) asked.add(`ConfigMap/${configMapRef.name}`);
      if (secretRef) asked.add(`Secret/${secretRef.name}`);
    }
    for (const { valueFrom } of env) {
      if (valueFrom?.configMapKeyRef) asked.add(`ConfigMap/${valueFrom.configMapKeyRef.name}`);
      if (valueFrom?.secretKeyRef) asked.add(`Secret/${valueFrom.secretKeyRef.name}`);
    }
  }
  for (const name of claimsOf({ metadata, spec })) asked.add(`PersistentVolumeClaim/${name}`);
  for (const volume of spec.volumes ?? [])
    for (const [kind, name] of volumeObjects(volume)) asked.add(`${kind}/${name}`);
  return { asked, pulls: new Set(spec.imagePullSecrets?.map(({ name }) => name)) };
}
