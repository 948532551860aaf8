import { type Pod, priorityOf } from "../../spec/index.ts";

/** Priority of system-cluster-critical; users' own classes end at half of it (scheduling.SystemCriticalPriority). */
const SYSTEM_CRITICAL = 2_000_000_000;

/**
 * Whether a pod was made from a manifest's file. The uid tells it, which nobody can choose and no update changes: a hash of
 * 32 digits, where all others have UUIDs.
 */
export const isStatic = ({ metadata }: Pod): boolean => /^[0-9a-f]{32}$/.test(metadata.uid ?? "");

/** Never evicted, and admitted under pressure (kubelet, IsCriticalPod): nobody would start a static pod again. */
export const isCritical = (pod: Pod): boolean => isStatic(pod) || priorityOf(pod) >= SYSTEM_CRITICAL;
