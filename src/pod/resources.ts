import type { Resources } from "../sandbox/types.ts";
import { bytes, type Container, cpuMillis, type Pod, type QosClass } from "../spec/index.ts";

/** A container's requests and limits in the runtime's units. */
export function containerResources(container: Container): Resources {
  const { requests = {}, limits = {} } = container.resources;
  return {
    ...(requests.cpu !== undefined && { cpuRequestMillis: cpuMillis(requests.cpu) }),
    ...(limits.cpu !== undefined && { cpuLimitMillis: cpuMillis(limits.cpu) }),
    ...(requests.memory !== undefined && { memoryRequestBytes: bytes(requests.memory) }),
    ...(limits.memory !== undefined && { memoryLimitBytes: bytes(limits.memory) }),
  };
}

/**
 * The sum for the pod's own cgroup: requests add up; a limit holds for the pod only when every container has it, as in
 * the kubelet's ResourceConfigForPod. `pidsLimit` is the node's limit for a pod (kubelet podPidsLimit).
 */
export function podResources(pod: Pod, pidsLimit?: number): Resources {
  const all = pod.spec.containers.map(containerResources);
  const limit = (field: "cpuLimitMillis" | "memoryLimitBytes"): number | undefined =>
    all.every((one) => one[field] !== undefined) ? sum(all, field) : undefined;
  const cpuLimitMillis = limit("cpuLimitMillis");
  const memoryLimitBytes = limit("memoryLimitBytes");
  return {
    cpuRequestMillis: sum(all, "cpuRequestMillis"),
    memoryRequestBytes: sum(all, "memoryRequestBytes"),
    ...(cpuLimitMillis !== undefined && { cpuLimitMillis }),
    ...(memoryLimitBytes !== undefined && { memoryLimitBytes }),
    ...(pidsLimit !== undefined && { pidsLimit }),
  };
}

const sum = (all: readonly Resources[], field: keyof Resources): number =>
  all.reduce((total, one) => total + (one[field] ?? 0), 0);

/**
 * oom_score_adj of a container's processes, -1000 … 1000, the kubelet's rule (pkg/kubelet/qos/policy.go): guaranteed pods
 * are killed last, best-effort ones first, burstable ones the later the more of the machine's memory they asked for.
 */
export function oomScoreAdj(qos: QosClass, memoryRequestBytes: number, machineMemoryBytes: number): number {
  if (qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const score = 1000 - Math.floor((1000 * memoryRequestBytes) / machineMemoryBytes);
  return Math.min(999, Math.max(3, score));
}
