// What a pod has been given of its node. Its spec says what it is to have; as long as a resize has not been accepted
// (condition PodResizePending) it has what its status says (KEP-1287: desired, allocated and actual resources).
import type { Resources } from "../sandbox/types.ts";
import {
  type Amounts,
  amountOf,
  type Container,
  type ContainerStatus,
  formatAmount,
  type Pod,
  type PodCondition,
  podRequests,
  RESIZABLE,
  type ResourceRequirements,
} from "../spec/index.ts";
import { containerResources } from "./resources.ts";

/** The resize that the pod waits for, or that it can't have; undefined: it has what its spec says. */
export const pendingResize = ({ status }: Pod): PodCondition | undefined =>
  status.conditions?.find(({ type, status: word }) => type === "PodResizePending" && word === "True");

/** The pod with the resources that it has been given: what containers are made from, limited to, and told of. */
export function allocatedPod(pod: Pod): Pod {
  if (!pendingResize(pod)) return pod;
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  const given = new Map([...containerStatuses, ...initContainerStatuses].map((status) => [status.name, status]));
  const withGiven = (container: Container): Container => {
    const resources = given.get(container.name)?.resources;
    return resources === undefined ? container : { ...container, resources };
  };
  return withContainers(pod, withGiven);
}

/** The pod with some of its containers replaced. */
export function withContainers(pod: Pod, replace: (container: Container) => Container): Pod {
  const { containers, initContainers } = pod.spec;
  const init = initContainers && { initContainers: initContainers.map(replace) };
  return { ...pod, spec: { ...pod.spec, containers: containers.map(replace), ...init } };
}

type Requests = NonNullable<ResourceRequirements["requests"]>;

/** By container, those of its requests that a resize is to make smaller and has not yet: what is in force is more. */
export function unfinishedRequests(pod: Pod): ReadonlyMap<string, Requests> {
  const { containers, initContainers = [] } = allocatedPod(pod).spec;
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status;
  const found = new Map<string, Requests>();
  const statuses = [...initContainerStatuses, ...containerStatuses];
  for (const { name, resources } of [...initContainers, ...containers]) {
    const inForce = statuses.find((status) => status.name === name)?.resources?.requests ?? {};
    const more = RESIZABLE.filter((one) => isMore(one, inForce[one], resources.requests?.[one]));
    if (more.length > 0) found.set(name, Object.fromEntries(more.map((one) => [one, inForce[one]])));
  }
  return found;
}

const isMore = (name: "cpu" | "memory", a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && a !== b && amountOf(name, a) > amountOf(name, b ?? "0");

/**
 * What nobody else can have: what the pod has been given, and for as long as a smaller resize is not done what its containers
 * still have (kube-scheduler counts the most of both).
 */
export function occupiedRequests(pod: Pod): Amounts {
  const given = allocatedPod(pod);
  const unfinished = unfinishedRequests(pod);
  if (unfinished.size === 0) return podRequests(given);
  const withMore = (container: Container): Container => {
    const requests = { ...container.resources.requests, ...unfinished.get(container.name) };
    return { ...container, resources: { ...container.resources, requests } };
  };
  return podRequests(withContainers(given, withMore));
}

/** What a container's status says of its resources: what it has been given, and what is in force. Pure. */
export function shownResources(
  pod: Pod,
  allocated: Container,
  inForce: Resources | undefined,
): Pick<ContainerStatus, "allocatedResources" | "resources"> {
  const { requests } = allocated.resources;
  return {
    ...(requests && { allocatedResources: requests }),
    // While a resize is pending it is what the pod falls back on, and must not be what an earlier one was about to leave.
    resources: inForce && !pendingResize(pod) ? toRequirements(inForce, allocated, pod) : allocated.resources,
  };
}

/**
 * Amounts as quantities, of those that the container names, in its own words where they say the same. What it has of its pod
 * as a whole (PodSpec.resources) it does not name.
 */
export function toRequirements(resources: Resources, container: Container, pod: Pod): ResourceRequirements {
  const said = containerResources(container, pod);
  const { limits, requests, ...others } = container.resources;
  const word = (name: "cpu" | "memory", text: string | undefined, amount: Amount) => {
    const value = resources[amount];
    if (text === undefined || value === undefined) return {};
    return { [name]: value === said[amount] ? text : formatAmount(name, value) };
  };
  const list = (given: Limits, cpu: Amount, memory: Amount): Limits => {
    const { cpu: cpuText, memory: memoryText, ...rest } = given;
    return { ...rest, ...word("cpu", cpuText, cpu), ...word("memory", memoryText, memory) };
  };
  return {
    ...others,
    ...(limits && { limits: list(limits, "cpuLimitMillis", "memoryLimitBytes") }),
    ...(requests && { requests: list(requests, "cpuRequestMillis", "memoryRequestBytes") }),
  };
}

type Limits = NonNullable<ResourceRequirements["limits"]>;

type Amount = "cpuRequestMillis" | "cpuLimitMillis" | "memoryRequestBytes" | "memoryLimitBytes";
