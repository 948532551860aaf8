import {
  type ContainerStatus,
  isTerminalPhase,
  type PlacedContainer,
  type Pod,
  type PodPhase,
  placedContainers,
} from "../spec/index.ts";
import { isRestarted, restartsAll } from "./restart.ts";

/** The condition of a pod whose containers all start again (KEP-5532). */
export const ALL_RESTARTING = "AllContainersRestarting";

/** Whether its status says so. */
export const isAllRestarting = ({ status }: Pick<Pod, "status">): boolean =>
  status.conditions?.some(({ type, status }) => type === ALL_RESTARTING && status === "True") ?? false;

/** A container and what its status says. */
export type StatedContainer = PlacedContainer & {
  readonly status: ContainerStatus;
  /** Its run is to be followed by another one, whatever its restart policy says. */
  readonly isReplaced?: boolean;
  /** Something of it may run, although its status does not show it yet. */
  readonly isRunning?: boolean;
};

/** Each container of the pod with its status, but for ephemeral ones: a pod is what it is without them. */
export function statedContainers({ spec }: Pod, statuses: readonly ContainerStatus[]): StatedContainer[] {
  return placedContainers(spec).flatMap((placed) => {
    if (placed.role === "ephemeral") return [];
    const status = statuses.find(({ name }) => name === placed.container.name);
    return status === undefined ? [] : [{ ...placed, status }];
  });
}

/** How the newest run ended that did end; undefined: it runs, or never ran. */
export const endOf = ({ state, lastState }: ContainerStatus) =>
  state.terminated ?? (state.waiting ? lastState.terminated : undefined);

/**
 * PodStatus.phase by the kubelet's getPhase. A phase that is over never changes again, and none is over while something
 * runs. `hasBegun`: one of the pod's own containers has had its turn, so sidecars that restart make it Pending no more.
 */
export function podPhase(pod: Pod, containers: readonly StatedContainer[], hasBegun: boolean): PodPhase {
  const before = pod.status.phase;
  if (isTerminalPhase(before)) return before;
  const own = containers.filter(({ role }) => role === "main");
  const isRunning = containers.some((one) => one.isRunning);
  if (containers.some((one) => hasFailedInit(pod, one))) return isRunning ? before : "Failed";
  if (!hasBegun && containers.some(isPendingInit)) return "Pending";
  if (containers.some(({ role, status }) => role !== "init" && status.state.waiting && !endOf(status)))
    return "Pending";
  if (isRunning || own.some((one) => mayRunAgain(pod, one))) return "Running";
  return own.every(({ status }) => endOf(status)?.exitCode === 0) ? "Succeeded" : "Failed";
}

/**
 * Whether a container's end makes the pod start over, all of whose phase otherwise is `phase`. What ends as the pod does asks for
 * nothing; but a pod that had begun to start over is not over, although nothing of it is to run by its policy.
 */
export function startsOver(pod: Pod, containers: readonly StatedContainer[], phase: PodPhase): boolean {
  if (pod.metadata.deletionTimestamp !== undefined) return false;
  if (isTerminalPhase(phase) && !isAllRestarting(pod)) return false;
  return containers.some(({ container, status, isReplaced }) => {
    const end = isReplaced ? undefined : endOf(status);
    return end !== undefined && restartsAll(container, end.exitCode);
  });
}

function hasFailedInit({ spec }: Pod, one: StatedContainer): boolean {
  const end = endOf(one.status);
  if (one.isReplaced) return false;
  return one.role === "init" && end !== undefined && end.exitCode !== 0 && !isRestarted(spec, one, end.exitCode);
}

function isPendingInit({ role, status, isReplaced }: StatedContainer): boolean {
  if (role === "main") return false;
  return status.state.running ? role === "init" || status.started !== true : isReplaced === true || !endOf(status);
}

function mayRunAgain({ spec }: Pod, one: StatedContainer): boolean {
  const end = endOf(one.status);
  return end === undefined || one.isReplaced === true || isRestarted(spec, one, end.exitCode);
}
