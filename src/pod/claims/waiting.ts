// Why a pod's claims keep it from its place, in the scheduler's words (plugins VolumeBinding, VolumeRestrictions).
import type { PersistentVolumeClaim, Pod } from "../../spec/index.ts";
import { type BindContext, whyNotMade } from "./bind.ts";
import { findVolume, isHere } from "./match.ts";
import { claimOf, claimsOf, isOwnedBy } from "./pod-claims.ts";

/** `others`: pods that have their place. Undefined: its claims are bound, or will be when it comes. Pure. */
export function whyWaiting(
  pod: Pod,
  context: Pick<BindContext, "storage" | "objects" | "node">,
  others: () => readonly Pod[],
): string | undefined {
  for (const volume of pod.spec.volumes ?? []) {
    const name = claimOf(pod, volume);
    if (name === undefined) continue;
    const { namespace } = pod.metadata;
    const claim = context.storage.claim(namespace, name);
    // That of an ephemeral volume is made with its pod.
    if (claim === undefined && volume.ephemeral) continue;
    const why =
      claim === undefined
        ? `persistentvolumeclaim "${name}" not found`
        : volume.ephemeral && !isOwnedBy(claim, pod)
          ? notOwner(pod, claim)
          : (whyNotBound(claim, context) ?? whyTaken(pod, claim, others));
    if (why !== undefined) return `0/1 nodes are available: ${why}.`;
  }
  return undefined;
}

export const notOwner = ({ metadata }: Pod, claim: PersistentVolumeClaim): string =>
  `PVC ${claim.metadata.namespace}/${claim.metadata.name} was not created for pod ${metadata.namespace}/${metadata.name} (pod is not owner)`;

function whyNotBound(
  claim: PersistentVolumeClaim,
  { storage, objects, node }: Pick<BindContext, "storage" | "objects" | "node">,
): string | undefined {
  const { name, deletionTimestamp } = claim.metadata;
  const { volumeName, storageClassName } = claim.spec;
  if (deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
  if (claim.status.phase === "Lost")
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volumeName}"`;
  if (claim.status.phase === "Bound") {
    const volume = storage.volume(volumeName);
    return volume && !isHere(volume, node) ? "1 node(s) had volume node affinity conflict" : undefined;
  }
  const named = objects.find("StorageClass", "", storageClassName ?? "");
  if (named?.volumeBindingMode !== "WaitForFirstConsumer" || volumeName !== undefined)
    return "pod has unbound immediate PersistentVolumeClaims";
  if (findVolume(claim, storage.volumes, node) || whyNotMade(claim, named) === undefined) return undefined;
  return "1 node(s) didn't find available persistent volumes to bind";
}

function whyTaken(pod: Pod, claim: PersistentVolumeClaim, others: () => readonly Pod[]): string | undefined {
  if (!claim.spec.accessModes.includes("ReadWriteOncePod")) return undefined;
  const { namespace, name } = claim.metadata;
  const holder = others().find(
    (other) =>
      other.metadata.uid !== pod.metadata.uid &&
      other.metadata.namespace === namespace &&
      claimsOf(other).includes(name),
  );
  return (
    holder &&
    `1 node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode (${holder.metadata.name})`
  );
}
