import { timestamp } from "../base/clock.ts";
import type { ContainerStatus as RuntimeContainer } from "../sandbox/types.ts";
import {
  type Container,
  type ContainerState,
  type ContainerStatus,
  isTerminalPhase,
  type PlacedContainer,
  type Pod,
  type PodStatus,
  placedContainers,
  qosClass,
} from "../spec/index.ts";
import { allocatedPod, shownResources } from "./allocation.ts";
import { buildConditions, type ResizeProgress, unscheduledCondition } from "./conditions.ts";
import { podPhase, startsOver, statedContainers } from "./phase.ts";

export type Terminated = NonNullable<ContainerState["terminated"]>;
export type Waiting = { readonly reason: string; readonly message?: string };

/** What is known of one container. */
export interface ContainerFacts {
  /** Its newest run, when there is one. */
  readonly run?: RuntimeContainer | undefined;
  /** Why nothing runs although something should. Wins over an ended run, which then is the last state. */
  readonly waiting?: Waiting | undefined;
  /** The end of the run before the newest. */
  readonly last?: Terminated | undefined;
  /** The end of a run that the runtime knows no longer: it is gone with a reboot, or the pod is over. */
  readonly ended?: Terminated | undefined;
  readonly restartCount: number;
  /** What the newest run was made from; the pod may name another image since. */
  readonly image?: string | undefined;
  /** That image's digest: `REPOSITORY@sha256:…`, or its config's. */
  readonly imageID?: string | undefined;
  /** Its postStart hook runs: it is not shown as running yet. */
  readonly isHooked?: boolean | undefined;
  /** Words of its startup and readiness probes; undefined: it has none. */
  readonly startup?: boolean | undefined;
  readonly readiness?: boolean | undefined;
  /** Whether its newest run is to be followed by another one, whatever its restart policy. */
  readonly isOutdated?: (container: Container) => boolean;
}

/** What is known of a pod; its status is worked out from this alone. */
export interface PodFacts {
  readonly containers: ReadonlyMap<string, ContainerFacts>;
  /** Addresses of the sandbox; undefined: there is none. */
  readonly addresses?: readonly string[] | undefined;
  /** The sandbox has its network, so containers may be made. */
  readonly sandboxReady: boolean;
  readonly hostAddresses: readonly string[];
  /** When the pod was accepted, RFC 3339. */
  readonly startTime: string;
  readonly now: string;
  /** Why the pod as a whole failed: PodStatus.reason and message. */
  readonly failure?: Waiting | undefined;
  /** Why it had to go for others' sake: its condition DisruptionTarget. */
  readonly disruption?: string | undefined;
  /** Why the pod has no place on this node yet; nothing of it has begun then. */
  readonly unschedulable?: string | undefined;
  /** A resize that goes on. */
  readonly resize?: ResizeProgress | undefined;
}

/** A Pod's status from facts, as the kubelet words it. Pure. `pod.status` is the one before: transition times are kept. */
export function buildStatus(pod: Pod, facts: PodFacts): PodStatus {
  if (facts.unschedulable !== undefined)
    return {
      phase: "Pending",
      conditions: [unscheduledCondition(pod, facts.unschedulable, facts.now)],
      ...(pod.status.nominatedNodeName !== undefined && { nominatedNodeName: pod.status.nominatedNodeName }),
      qosClass: qosClass(pod),
    };
  const placed = placedContainers(allocatedPod(pod).spec);
  const waits = placed.some(({ role }) => role === "init" || role === "sidecar")
    ? "PodInitializing"
    : "ContainerCreating";
  const all = placed.map((one) => buildContainer(pod, one, facts.containers.get(one.container.name), waits));
  const containers = statedContainers(pod, all).map((one) => {
    const known = facts.containers.get(one.container.name);
    const isOutdated = known?.run?.state === "exited" && (known.isOutdated?.(one.container) ?? false);
    const isReplaced = isOutdated || isToStartAgain(known);
    return { ...one, isReplaced, isRunning: hasProcess(known) };
  });
  const hasBegun = containers.some(
    ({ role, container }) => role === "main" && facts.containers.get(container.name)?.run !== undefined,
  );
  const isEnded = all.every(({ name }) => !hasProcess(facts.containers.get(name)));
  const byContainers = podPhase(pod, containers, hasBegun);
  const isAgain = facts.failure === undefined && startsOver(pod, containers, byContainers);
  const phase =
    facts.failure && isEnded ? "Failed" : isAgain && isTerminalPhase(byContainers) ? pod.status.phase : byContainers;
  const addresses = facts.addresses ?? [];
  const [podIP] = addresses;
  const [hostIP] = facts.hostAddresses;
  const { now, sandboxReady, disruption, resize } = facts;
  const names = new Set(pod.spec.ephemeralContainers?.map(({ name }) => name));
  const ephemeral = all.filter(({ name }) => names.has(name));
  const init = containers.filter(({ role }) => role !== "main").map(({ status }) => status);
  return {
    phase,
    conditions: buildConditions(pod, {
      phase,
      containers,
      startsOver: isAgain,
      hasBegun,
      sandboxReady,
      now,
      disruption,
      resize,
    }),
    // Said before it has failed, so that the next daemon knows what has begun.
    ...(facts.failure ?? keptFailure(pod)),
    ...(hostIP !== undefined && { hostIP, hostIPs: facts.hostAddresses.map((ip) => ({ ip })) }),
    ...(podIP !== undefined && { podIP, podIPs: addresses.map((ip) => ({ ip })) }),
    startTime: facts.startTime,
    ...(init.length > 0 && { initContainerStatuses: init }),
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
    // The kubelet sorts them, so that the order says nothing.
    containerStatuses: containers
      .filter(({ role }) => role === "main")
      .map(({ status }) => status)
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    qosClass: qosClass(pod),
  };
}

/** Whether something of a container may run, whatever is shown of it: while its postStart hook runs it is not shown as running. */
const hasProcess = (known: ContainerFacts | undefined): boolean =>
  known?.run?.state === "running" || known?.run?.state === "starting";

/** The end of its newest run has been dealt with, and the next one has not come yet. */
const isToStartAgain = (known: ContainerFacts | undefined): boolean =>
  known?.last !== undefined && known.run === undefined && known.ended === undefined;

/** What a pod that is over failed of is said for good. */
function keptFailure({ status: { phase, reason, message } }: Pod): Partial<Waiting> {
  if (phase !== "Failed") return {};
  return { ...(reason !== undefined && { reason }), ...(message !== undefined && { message }) };
}

const STATUSES = {
  init: "initContainerStatuses",
  sidecar: "initContainerStatuses",
  main: "containerStatuses",
  ephemeral: "ephemeralContainerStatuses",
} as const;

function buildContainer(
  pod: Pod,
  { container, role }: PlacedContainer,
  known: ContainerFacts | undefined,
  waits: string,
): ContainerStatus {
  const { name, image } = container;
  const { state, lastState } = containerStates(known, waits);
  const run = known?.run;
  const isRunning = state.running !== undefined;
  const started = isRunning && (known?.startup ?? true);
  const list = pod.status[STATUSES[role]];
  const before = list?.find((status) => status.name === name);
  const containerID = run ? containerUrl(run.id) : before?.containerID;
  return {
    name,
    image: known?.image ?? image,
    imageID: known?.imageID ?? run?.imageId ?? before?.imageID ?? "",
    ...(containerID !== undefined && { containerID }),
    // An init container is ready when it has done its work; without a readiness probe what has started is ready.
    ready:
      role === "init"
        ? state.terminated?.exitCode === 0
        : role !== "ephemeral" && started && (known?.readiness ?? true),
    started,
    restartCount: known?.restartCount ?? 0,
    state,
    lastState,
    ...(role !== "ephemeral" && shownResources(pod, container, isRunning ? run?.resources : undefined)),
  };
}

function containerStates(
  known: ContainerFacts | undefined,
  waits: string,
): { state: ContainerState; lastState: ContainerState } {
  const ended = known?.run?.state === "exited" ? terminatedOf(known.run) : known?.ended;
  const before = known?.last ? { terminated: known.last } : {};
  if (known?.waiting)
    return { state: { waiting: { ...known.waiting } }, lastState: ended ? { terminated: ended } : before };
  if (known?.run?.state === "running" && !known.isHooked)
    return {
      state: { running: { startedAt: wholeSeconds(known.run.startedAt ?? known.run.createdAt) } },
      lastState: before,
    };
  if (ended) return { state: { terminated: ended }, lastState: before };
  return { state: { waiting: { reason: waits } }, lastState: before };
}

/** Kubernetes' times have no fractions (metav1.Time). */
const wholeSeconds = (time: string): string => timestamp(Date.parse(time));

/** ContainerStatus.containerID: `RUNTIME://ID`. */
export const containerUrl = (id: string): string => `podrun://${id}`;

/** How a run ended (ContainerStateTerminated). */
export function terminatedOf(run: RuntimeContainer): Terminated {
  const exitCode = run.exitCode ?? 255;
  return {
    exitCode,
    ...(run.signal !== undefined && { signal: run.signal }),
    reason: run.reason ?? (exitCode === 0 ? "Completed" : "Error"),
    ...(run.message !== undefined && run.message !== "" && { message: run.message }),
    startedAt: wholeSeconds(run.startedAt ?? run.createdAt),
    finishedAt: wholeSeconds(run.finishedAt ?? run.startedAt ?? run.createdAt),
    containerID: containerUrl(run.id),
  };
}
