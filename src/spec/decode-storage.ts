import { withoutEmptyNamespace } from "./decode-namespace.ts";
import { decodeObject, newDecoding } from "./decode-object.ts";
import { defaultMetadata } from "./defaults.ts";
import type { ObjectMeta } from "./metadata.ts";
import type { Problem, Reading } from "./problem.ts";
import type { ObjectType } from "./schema/shape.ts";
import { PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS } from "./schema/storage-fields.ts";
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from "./storage.ts";
import { validateMetadata } from "./validate-metadata.ts";
import { validateClaim, validateVolume } from "./validate-storage.ts";

/** A PersistentVolumeClaim, or its problems. Its status begins anew: only podrun writes it. */
export const readPersistentVolumeClaim = (raw: unknown): Reading<PersistentVolumeClaim> =>
  read(PERSISTENT_VOLUME_CLAIM, raw, (claim: PersistentVolumeClaim) => {
    claim.status = { phase: "Pending" };
    return validateClaim(claim);
  });

/** A PersistentVolume, or its problems. */
export const readPersistentVolume = (raw: unknown): Reading<PersistentVolume> =>
  read(PERSISTENT_VOLUME, withoutEmptyNamespace(raw), (volume: PersistentVolume) => {
    volume.metadata.namespace = "";
    volume.status = { phase: "Pending" };
    return validateVolume(volume);
  });

/** A StorageClass, or its problems. */
export const readStorageClass = (raw: unknown): Reading<StorageClass> =>
  read(STORAGE_CLASS, withoutEmptyNamespace(raw), (one: StorageClass) => {
    one.metadata.namespace = "";
    return [];
  });

function read<T extends { metadata: ObjectMeta }>(
  type: ObjectType,
  raw: unknown,
  complete: (object: T) => Problem[],
): Reading<T> {
  const decoding = newDecoding();
  const object = decodeObject(type, raw, "", decoding) as unknown as T;
  if (!decoding.sound) return { problems: decoding.problems };
  defaultMetadata(object.metadata);
  const problems = [...decoding.problems, ...validateMetadata(object.metadata), ...complete(object)];
  return problems.length > 0 ? { problems } : { object, problems };
}
