// What a pod may take of the disk, and what it has asked for of it.
import { bytes, type Container, type Pod, placedContainers, podLimits, type Volume } from "../../spec/index.ts";
import { isOnDisk } from "../volumes.ts";
import { containerStorageMessage, emptyDirMessage, podStorageMessage } from "./messages.ts";
import type { PodStorage } from "./types.ts";

/** A container's `ephemeral-storage` as its manifest has it; undefined: none, or 0, which is none. */
export function storageOf({ resources }: Container, kind: "limits" | "requests"): string | undefined {
  const text = resources[kind]?.["ephemeral-storage"];
  return text === undefined || bytes(text) === 0 ? undefined : text;
}

/** Of all of a pod's containers together, those without a limit left out; undefined: none has any. */
const podLimit = (pod: Pod): number | undefined => podLimits(pod)["ephemeral-storage"] || undefined;

/** Undefined: without one, or with 0, which is none. */
export function sizeLimitOf(volume: Volume): string | undefined {
  const limit = isOnDisk(volume) ? volume.emptyDir?.sizeLimit : undefined;
  return limit === undefined || bytes(limit) === 0 ? undefined : limit;
}

export const hasStorageLimit = (pod: Pod): boolean =>
  podLimit(pod) !== undefined || (pod.spec.volumes ?? []).some((volume) => sizeLimitOf(volume) !== undefined);

/** Which limit of a pod's is crossed, in the kubelet's words and order; undefined: none. Pure. */
export function crossedLimit(pod: Pod, { volumes, containers, total }: PodStorage): string | undefined {
  for (const volume of pod.spec.volumes ?? []) {
    const limit = sizeLimitOf(volume);
    if (limit !== undefined && (volumes.get(volume.name)?.usedBytes ?? 0) > bytes(limit))
      return emptyDirMessage(volume.name, limit);
  }
  const whole = podLimit(pod);
  if (whole !== undefined && total.usedBytes > whole) return podStorageMessage(whole);
  for (const { container } of placedContainers(pod.spec)) {
    const limit = storageOf(container, "limits");
    if (limit !== undefined && (containers.get(container.name)?.usedBytes ?? 0) > bytes(limit))
      return containerStorageMessage(container.name, limit);
  }
  return undefined;
}
