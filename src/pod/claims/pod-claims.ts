import type { PersistentVolumeClaim, Pod, Volume } from "../../spec/index.ts";

/** The claim of one of a pod's volumes; undefined: it has none. Of ephemeral ones it is POD-VOLUME. */
export function claimOf({ metadata }: Pick<Pod, "metadata">, volume: Volume): string | undefined {
  return volume.ephemeral ? `${metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName;
}

/** The names of all claims of a pod, in its own namespace. */
export const claimsOf = (pod: Pick<Pod, "metadata" | "spec">): readonly string[] =>
  (pod.spec.volumes ?? []).flatMap((volume) => claimOf(pod, volume) ?? []);

/** Whether a claim was made for one of a pod's ephemeral volumes. */
export const isOwnedBy = ({ metadata }: PersistentVolumeClaim, pod: Pod): boolean =>
  metadata.ownerReferences?.some(({ uid }) => uid === pod.metadata.uid) ?? false;

/** What the template of an ephemeral volume makes. */
export function claimFor(pod: Pod, volume: Volume): PersistentVolumeClaim {
  const { metadata, spec } = (volume.ephemeral as NonNullable<Volume["ephemeral"]>).volumeClaimTemplate;
  const owner = { apiVersion: "v1", kind: "Pod", name: pod.metadata.name, uid: pod.metadata.uid };
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name: claimOf(pod, volume) as string,
      namespace: pod.metadata.namespace,
      labels: metadata?.labels ?? {},
      annotations: metadata?.annotations ?? {},
      uid: "",
      creationTimestamp: "",
      resourceVersion: "",
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    },
    spec,
    status: { phase: "Pending" },
  };
}
