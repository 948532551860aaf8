// A pod in one line. The STATUS word follows kubectl's printer (kubernetes pkg/printers/internalversion, printPod).

import { formatAge, formatDuration } from "../base/age.ts";
import { isSidecar } from "./containers.ts";
import { isTerminalPhase } from "./phase.ts";
import type { ContainerStatus, Pod } from "./pod.ts";

export interface PodSummary {
  readonly ready: string;
  readonly status: string;
  readonly restarts: string;
  readonly age: string;
}

/** `now`: milliseconds since the epoch. */
export function summarizePod(pod: Pod, now: number): PodSummary {
  const init = pod.status.initContainerStatuses ?? [];
  const own = pod.status.containerStatuses ?? [];
  const names = new Set(pod.spec.initContainers?.filter(isSidecar).map(({ name }) => name));
  const sidecars = init.filter(({ name }) => names.has(name));
  const begins = initWord(pod, names);
  const isInitializing = begins !== undefined && !hasCondition(pod, "Initialized");
  // Sidecars count once they have started, in the row or behind it.
  const ready = isInitializing ? startedReady(sidecars) : [...startedReady(sidecars), ...own.filter(isReady)];
  return {
    ready: `${ready.length}/${pod.spec.containers.length + names.size}`,
    status: statusWord(pod, isInitializing ? begins : containersWord(pod, own, begins)),
    restarts: formatRestarts(isInitializing ? init : [...sidecars, ...own], now),
    age: formatAge(pod.metadata.creationTimestamp, now),
  };
}

const isReady = (status: ContainerStatus): boolean => status.ready && status.state.running !== undefined;

const startedReady = (statuses: readonly ContainerStatus[]): readonly ContainerStatus[] =>
  statuses.filter((status) => status.started === true && status.ready);

const hasCondition = (pod: Pod, wanted: string): boolean =>
  pod.status.conditions?.some(({ type, status }) => type === wanted && status === "True") ?? false;

const isGated = (pod: Pod): boolean =>
  pod.status.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated") ?? false;

function statusWord(pod: Pod, word: string): string {
  return pod.metadata.deletionTimestamp !== undefined && !isTerminalPhase(pod.status.phase) ? "Terminating" : word;
}

/** The first container, in the manifest's order, that has a reason tells; else an init container's word, when there is one. */
function containersWord(pod: Pod, statuses: readonly ContainerStatus[], begins: string | undefined): string {
  if (isGated(pod)) return "SchedulingGated";
  // kubectl shows how the containers ended; that they were made to is what one wants to know.
  if (pod.status.reason === "Evicted") return pod.status.reason;
  const told = statuses.map(containerWord).find((word) => word !== undefined);
  const word = told ?? begins ?? pod.status.reason ?? pod.status.phase;
  if (word !== "Completed") return word;
  const isRunning = statuses.some(isReady);
  if (isRunning && hasCondition(pod, "Ready")) return "Running";
  const failed = statuses.find(({ state }) => state.terminated !== undefined && state.terminated.exitCode !== 0);
  return (failed && containerWord(failed)) ?? (isRunning ? "NotReady" : word);
}

/** `Init:1/2`, `Init:Error`, `Init:CrashLoopBackOff`; undefined once all init containers are done and sidecars started. */
function initWord(pod: Pod, sidecars: ReadonlySet<string>): string | undefined {
  const statuses = pod.status.initContainerStatuses ?? [];
  for (const [index, status] of statuses.entries()) {
    const { terminated, waiting } = status.state;
    if (terminated?.exitCode === 0 || (sidecars.has(status.name) && status.started === true)) continue;
    if (terminated !== undefined) return `Init:${terminatedWord(terminated)}`;
    if (waiting?.reason !== undefined && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
    return `Init:${index}/${pod.spec.initContainers?.length ?? 0}`;
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
