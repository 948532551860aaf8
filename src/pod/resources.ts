import type { Resources } from "../sandbox/types.ts";
import {
  amountOf,
  type Container,
  findPlaced,
  HUGEPAGE_BYTES,
  type HugepageName,
  type Pod,
  placedContainers,
  podLimits,
  podRequests,
  type QosClass,
  qosClass,
} from "../spec/index.ts";

type Own = "cpu" | "memory";

/**
 * A container's requests and limits in the runtime's units. Without a limit of its own it has the pod's (KEP-2837), and
 * without a request as much weight as that.
 */
export function containerResources(container: Container, pod: Pod): Resources {
  const { requests = {}, limits = {} } = container.resources;
  const whole = pod.spec.resources?.limits ?? {};
  const amount = (name: Own, quantity: string | undefined): number | undefined =>
    quantity === undefined ? undefined : amountOf(name, quantity);
  // Without a request it has the least weight that there is, beside those that asked (kubelet, MilliCPUToShares).
  const cpuRequestMillis = amount("cpu", requests.cpu ?? whole.cpu) ?? 0;
  const cpuLimitMillis = amount("cpu", limits.cpu ?? whole.cpu);
  const memoryRequestBytes = amount("memory", requests.memory);
  const memoryLimitBytes = amount("memory", limits.memory ?? whole.memory);
  const hugepageLimitBytes = pagesOf((name) => {
    const limit = limits[name];
    return limit === undefined ? undefined : amountOf(name, limit);
  });
  return {
    cpuRequestMillis,
    ...(cpuLimitMillis !== undefined && { cpuLimitMillis }),
    ...(memoryRequestBytes !== undefined && { memoryRequestBytes }),
    ...(memoryLimitBytes !== undefined && { memoryLimitBytes }),
    ...(hugepageLimitBytes && { hugepageLimitBytes }),
  };
}

/** What a node says of every pod on it. */
export interface PodLimits {
  /** Most processes in one pod; undefined: no limit (kubelet podPidsLimit). */
  readonly pidsLimit?: number | undefined;
  /** Huge pages that the node has: a pod that asks for none of them gets none. */
  readonly hugepages?: readonly HugepageName[] | undefined;
}

/**
 * What the pod as a whole needs, for its own cgroup. A limit holds for the pod only when it says so itself or every
 * container has one, as in the kubelet's ResourceConfigForPod.
 */
export function podResources(pod: Pod, { pidsLimit, hugepages = [] }: PodLimits = {}): Resources {
  const { cpu = 0, memory = 0 } = podRequests(pod);
  const limits = podLimits(pod);
  const containers = placedContainers(pod.spec).filter(({ role }) => role !== "ephemeral");
  const isLimited = (name: Own): boolean =>
    pod.spec.resources?.limits?.[name] !== undefined ||
    containers.every(({ container }) => container.resources.limits?.[name] !== undefined);
  const hugepageLimitBytes = pagesOf((name) => limits[name] ?? (hugepages.includes(name) ? 0 : undefined));
  return {
    cpuRequestMillis: cpu,
    memoryRequestBytes: memory,
    ...(isLimited("cpu") && limits.cpu !== undefined && { cpuLimitMillis: limits.cpu }),
    ...(isLimited("memory") && limits.memory !== undefined && { memoryLimitBytes: limits.memory }),
    ...(hugepageLimitBytes && { hugepageLimitBytes }),
    ...(pidsLimit !== undefined && { pidsLimit }),
  };
}

/** By size as Kubernetes writes it, `2Mi`; undefined: nothing is said of any. */
function pagesOf(limitOf: (name: HugepageName) => number | undefined): Record<string, number> | undefined {
  const entries = (Object.keys(HUGEPAGE_BYTES) as HugepageName[]).flatMap((name) => {
    const limit = limitOf(name);
    return limit === undefined ? [] : [[name.slice("hugepages-".length), limit] as const];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
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

/**
 * oom_score_adj of one of a pod's containers. A sidecar is never killed before the containers that it serves (KEP-753). What a
 * pod asks for as a whole and none of its containers does, they have in equal parts (KEP-2837).
 */
export function containerOomScore(pod: Pod, container: Container, machineMemoryBytes: number): number {
  const qos = qosClass(pod);
  const rest = restOfEach(pod);
  const scoreOf = (one: Container): number => oomScoreAdj(qos, memoryRequest(one) + rest, machineMemoryBytes);
  const own = scoreOf(container);
  const role = findPlaced(pod.spec, container.name)?.role;
  return role === "sidecar" ? Math.min(own, ...pod.spec.containers.map(scoreOf)) : own;
}

const memoryRequest = ({ resources }: Container): number => amountOf("memory", resources.requests?.memory ?? "0");

function restOfEach({ spec }: Pod): number {
  const whole = spec.resources?.requests?.memory;
  if (whole === undefined) return 0;
  const staying = placedContainers(spec).filter(({ role }) => role === "main" || role === "sidecar");
  const asked = staying.reduce((sum, { container }) => sum + memoryRequest(container), 0);
  return Math.max(0, Math.floor((amountOf("memory", whole) - asked) / staying.length));
}
