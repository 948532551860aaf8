// Which volume a claim may have (Kubernetes, pkg/controller/volume/persistentvolume). Pure.
import {
  bytes,
  compareQuantities,
  type Labels,
  matchesNodeTerm,
  matchesSelector,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from "../../spec/index.ts";

export interface ClaimNode {
  readonly name: string;
  readonly labels: Labels;
}

/** Whether a volume is kept for a claim: it names it, and no other one of its name. */
export function isKeptFor({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (claimRef === undefined) return false;
  const isSame = claimRef.namespace === metadata.namespace && claimRef.name === metadata.name;
  return isSame && (claimRef.uid === undefined || claimRef.uid === metadata.uid);
}

/** Whether each of the two names the other. */
export const isBoundTo = (volume: PersistentVolume, claim: PersistentVolumeClaim): boolean =>
  claim.spec.volumeName === volume.metadata.name &&
  volume.spec.claimRef?.uid === claim.metadata.uid &&
  isKeptFor(volume, claim);

/** Whether the volume is in reach of this node (PersistentVolumeSpec.nodeAffinity). */
export function isHere({ spec }: PersistentVolume, node: ClaimNode): boolean {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms;
  return terms === undefined || terms.some((term) => matchesNodeTerm(term, node));
}

/** Why a claim can't have the volume that it names, in Kubernetes' words; undefined: it can. */
export function whyNot(claim: PersistentVolumeClaim, volume: PersistentVolume): string | undefined {
  const wanted = claim.spec.resources.requests.storage;
  if (compareQuantities(volume.spec.capacity.storage, wanted) < 0) return "requested PV is too small";
  if ((claim.spec.storageClassName ?? "") !== volume.spec.storageClassName) return "storageClassName does not match";
  if (!claim.spec.accessModes.every((mode) => volume.spec.accessModes.includes(mode))) return "incompatible accessMode";
  return undefined;
}

/** The volume that a claim gets: one that is kept for it, else the smallest free one that it can have. */
export function findVolume(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  node: ClaimNode,
): PersistentVolume | undefined {
  const { selector } = claim.spec;
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (volume.metadata.deletionTimestamp !== undefined || whyNot(claim, volume) !== undefined) continue;
    if (isKeptFor(volume, claim)) return volume;
    if (volume.spec.claimRef !== undefined || volume.status.phase !== "Available" || !isHere(volume, node)) continue;
    if (selector !== undefined && !matchesSelector(selector, volume.metadata.labels)) continue;
    if (best === undefined || sizeOf(volume) < sizeOf(best)) best = volume;
  }
  return best;
}

const sizeOf = ({ spec }: PersistentVolume): number => bytes(spec.capacity.storage);
