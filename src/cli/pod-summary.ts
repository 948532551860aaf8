// A pod in one line. The STATUS word follows kubectl's printer (kubernetes pkg/printers/internalversion, printPod).
import type { ContainerStatus, Pod } from "../spec/pod.ts";
import { formatAge, formatDuration } from "./age.ts";

export interface PodSummary {
  readonly ready: string;
  readonly status: string;
  readonly restarts: string;
  readonly age: string;
}

/** `now`: milliseconds since the epoch. */
export function summarizePod(pod: Pod, now: number): PodSummary {
  const statuses = pod.status.containerStatuses ?? [];
  const ready = statuses.filter((status) => status.ready && status.state.running !== undefined).length;
  return {
    ready: `${ready}/${pod.spec.containers.length}`,
    status: statusWord(pod, statuses),
    restarts: formatRestarts(statuses, now),
    age: formatAge(pod.metadata.creationTimestamp, now),
  };
}

function statusWord(pod: Pod, statuses: readonly ContainerStatus[]): string {
  const word = initWord(pod) ?? containersWord(pod, statuses);
  const isTerminal = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
  return pod.metadata.deletionTimestamp !== undefined && !isTerminal ? "Terminating" : word;
}

/** The first container, in the manifest's order, that has a reason tells. */
function containersWord(pod: Pod, statuses: readonly ContainerStatus[]): string {
  const told = statuses.map(containerWord).find((word) => word !== undefined);
  const word = told ?? pod.status.reason ?? pod.status.phase;
  const isRunning = statuses.some((status) => status.ready && status.state.running !== undefined);
  if (word !== "Completed" || !isRunning) return word;
  const isReady = pod.status.conditions?.some((one) => one.type === "Ready" && one.status === "True") ?? false;
  return isReady ? "Running" : "NotReady";
}

/** `Init:1/2`, `Init:Error`, `Init:CrashLoopBackOff`; undefined once all init containers are done. */
function initWord(pod: Pod): string | undefined {
  const statuses = pod.status.initContainerStatuses ?? [];
  for (const [index, status] of statuses.entries()) {
    const { terminated, waiting } = status.state;
    if (terminated?.exitCode === 0) continue;
    if (terminated !== undefined) return `Init:${terminatedWord(terminated)}`;
    if (waiting?.reason !== undefined && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
    return `Init:${index}/${statuses.length}`;
  }
  return undefined;
}

function containerWord(status: ContainerStatus): string | undefined {
  const { waiting, terminated } = status.state;
  if (waiting?.reason !== undefined && waiting.reason !== "") return waiting.reason;
  return terminated === undefined ? undefined : terminatedWord(terminated);
}

function terminatedWord(terminated: NonNullable<ContainerStatus["state"]["terminated"]>): string {
  if (terminated.reason !== undefined && terminated.reason !== "") return terminated.reason;
  if (terminated.signal !== undefined && terminated.signal !== 0) return `Signal:${terminated.signal}`;
  return `ExitCode:${terminated.exitCode}`;
}

function formatRestarts(statuses: readonly ContainerStatus[], now: number): string {
  const restarts = statuses.reduce((sum, status) => sum + status.restartCount, 0);
  const ends = statuses.map((status) => Date.parse(status.lastState.terminated?.finishedAt ?? ""));
  const last = Math.max(...ends.filter((end) => !Number.isNaN(end)));
  return restarts === 0 || !Number.isFinite(last)
    ? String(restarts)
    : `${restarts} (${formatDuration(now - last)} ago)`;
}
