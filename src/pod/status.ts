import { timestamp } from "../base/clock.ts";
import type { ContainerStatus as RuntimeContainer } from "../sandbox/types.ts";
import {
  type ContainerState,
  type ContainerStatus,
  type Pod,
  type PodCondition,
  type PodPhase,
  type PodStatus,
  qosClass,
} from "../spec/index.ts";

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
}

/** A Pod's status from facts, as the kubelet words it. Pure. `pod.status` is the one before: transition times are kept. */
export function buildStatus(pod: Pod, facts: PodFacts): PodStatus {
  const containers = pod.spec.containers.map(({ name, image }) => buildContainer(pod, name, image, facts));
  const phase = facts.failure ? "Failed" : podPhase(pod, containers);
  const addresses = facts.addresses ?? [];
  const [podIP] = addresses;
  const [hostIP] = facts.hostAddresses;
  return {
    phase,
    conditions: buildConditions(pod, phase, containers, facts),
    ...facts.failure,
    ...(hostIP !== undefined && { hostIP, hostIPs: facts.hostAddresses.map((ip) => ({ ip })) }),
    ...(podIP !== undefined && { podIP, podIPs: addresses.map((ip) => ({ ip })) }),
    startTime: facts.startTime,
    // The kubelet sorts them, so that the order says nothing.
    containerStatuses: containers.sort((a, b) => (a.name < b.name ? -1 : 1)),
    qosClass: qosClass(pod),
  };
}

function buildContainer(pod: Pod, name: string, image: string, facts: PodFacts): ContainerStatus {
  const known = facts.containers.get(name);
  const { state, lastState } = containerStates(known);
  const run = known?.run;
  const running = state.running !== undefined;
  const before = pod.status.containerStatuses?.find((status) => status.name === name);
  const containerID = run ? containerUrl(run.id) : before?.containerID;
  return {
    name,
    image: known?.image ?? image,
    imageID: known?.imageID ?? run?.imageId ?? before?.imageID ?? "",
    ...(containerID !== undefined && { containerID }),
    // No probes: what runs is ready (the kubelet's rule for a container without a readiness probe).
    ready: running,
    started: running,
    restartCount: known?.restartCount ?? 0,
    state,
    lastState,
  };
}

function containerStates(known: ContainerFacts | undefined): { state: ContainerState; lastState: ContainerState } {
  const ended = known?.run?.state === "exited" ? terminatedOf(known.run) : known?.ended;
  const before = known?.last ? { terminated: known.last } : {};
  if (known?.waiting)
    return { state: { waiting: { ...known.waiting } }, lastState: ended ? { terminated: ended } : before };
  if (known?.run?.state === "running")
    return {
      state: { running: { startedAt: wholeSeconds(known.run.startedAt ?? known.run.createdAt) } },
      lastState: before,
    };
  if (ended) return { state: { terminated: ended }, lastState: before };
  return { state: { waiting: { reason: "ContainerCreating" } }, lastState: before };
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

/** PodStatus.phase by the kubelet's getPhase: a phase that is over never changes again. */
function podPhase(pod: Pod, containers: readonly ContainerStatus[]): PodPhase {
  const before = pod.status.phase;
  if (before === "Succeeded" || before === "Failed") return before;
  const policy = pod.spec.restartPolicy;
  const ends = containers.map(
    ({ state, lastState }) => state.terminated ?? (state.waiting ? lastState.terminated : undefined),
  );
  if (containers.some(({ state }, index) => state.waiting && !ends[index])) return "Pending";
  if (containers.some(({ state }) => state.running) || policy === "Always") return "Running";
  if (ends.every((end) => end?.exitCode === 0)) return "Succeeded";
  return policy === "Never" ? "Failed" : "Running";
}

type ConditionDraft = Omit<PodCondition, "lastTransitionTime" | "lastProbeTime">;

function buildConditions(
  pod: Pod,
  phase: PodPhase,
  containers: readonly ContainerStatus[],
  facts: PodFacts,
): PodCondition[] {
  const drafts: ConditionDraft[] = [
    { type: "PodReadyToStartContainers", status: facts.sandboxReady ? "True" : "False" },
    { type: "Initialized", status: "True", ...(phase === "Succeeded" && { reason: "PodCompleted" }) },
    { type: "Ready", ...readiness(phase, containers) },
    { type: "ContainersReady", ...readiness(phase, containers) },
    { type: "PodScheduled", status: "True" },
  ];
  return drafts.map((draft) => {
    const before = pod.status.conditions?.find(({ type }) => type === draft.type);
    const since = before?.status === draft.status ? before.lastTransitionTime : undefined;
    return { ...draft, lastProbeTime: null, lastTransitionTime: since ?? facts.now };
  });
}

function readiness(phase: PodPhase, containers: readonly ContainerStatus[]): Omit<ConditionDraft, "type"> {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const unready = containers.filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}
