import type { Resources } from "../sandbox/types.ts";
import {
  bytes,
  type Container,
  cpuMillis,
  findPlaced,
  type PlacedContainer,
  type Pod,
  placedContainers,
  type QosClass,
  qosClass,
} from "../spec/index.ts";

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

type Amount = "cpuRequestMillis" | "cpuLimitMillis" | "memoryRequestBytes" | "memoryLimitBytes";

/**
 * What the pod as a whole needs, for its own cgroup: its own containers and its sidecars together, or more when an init
 * container, with the sidecars before it, needs more (KEP-753). A limit holds for the pod only when every container
 * has it, as in the kubelet's ResourceConfigForPod. `pidsLimit` is the node's limit for a pod (kubelet podPidsLimit).
 */
export function podResources(pod: Pod, pidsLimit?: number): Resources {
  const all = placedContainers(pod.spec)
    .filter(({ role }) => role !== "ephemeral")
    .map(({ container, role }) => ({ role, needs: containerResources(container) }));
  const limit = (field: Amount): number | undefined =>
    all.every(({ needs }) => needs[field] !== undefined) ? mostAtOnce(all, field) : undefined;
  const cpuLimitMillis = limit("cpuLimitMillis");
  const memoryLimitBytes = limit("memoryLimitBytes");
  return {
    cpuRequestMillis: mostAtOnce(all, "cpuRequestMillis"),
    memoryRequestBytes: mostAtOnce(all, "memoryRequestBytes"),
    ...(cpuLimitMillis !== undefined && { cpuLimitMillis }),
    ...(memoryLimitBytes !== undefined && { memoryLimitBytes }),
    ...(pidsLimit !== undefined && { pidsLimit }),
  };
}

/** In the order of the pod: sidecars stay, each init container is gone when the next one comes. */
function mostAtOnce(
  all: readonly { readonly role: PlacedContainer["role"]; readonly needs: Resources }[],
  field: Amount,
): number {
  let staying = 0;
  let most = 0;
  for (const { role, needs } of all) {
    const amount = needs[field] ?? 0;
    if (role === "init") most = Math.max(most, staying + amount);
    else staying += amount;
  }
  return Math.max(most, staying);
}

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

/** oom_score_adj of one of a pod's containers. A sidecar is never killed before the containers that it serves (KEP-753). */
export function containerOomScore(pod: Pod, container: Container, machineMemoryBytes: number): number {
  const qos = qosClass(pod);
  const scoreOf = (one: Container): number =>
    oomScoreAdj(qos, containerResources(one).memoryRequestBytes ?? 0, machineMemoryBytes);
  const own = scoreOf(container);
  const role = findPlaced(pod.spec, container.name)?.role;
  return role === "sidecar" ? Math.min(own, ...pod.spec.containers.map(scoreOf)) : own;
}
