import { isTerminalPhase, type Pod, type PodCondition, type PodPhase } from "../spec/index.ts";
import { TERMINATED_BY } from "./eviction/messages.ts";
import { ALL_RESTARTING, type StatedContainer } from "./phase.ts";
import { GATED } from "./placement.ts";
import { couldRestartAll } from "./restart.ts";

type Draft = Omit<PodCondition, "lastTransitionTime" | "lastProbeTime">;
type Verdict = Omit<Draft, "type">;

/** A resize that goes on; `error`: why it could not be done yet. */
export interface ResizeProgress {
  readonly error?: string | undefined;
}

export interface ConditionFacts {
  readonly phase: PodPhase;
  readonly containers: readonly StatedContainer[];
  /** All of its containers are being ended, to begin with the first again. */
  readonly startsOver: boolean;
  /** One of the pod's own containers has had its turn in the present sandbox. */
  readonly hasBegun: boolean;
  readonly sandboxReady: boolean;
  readonly now: string;
  /** Why it has to go for others' sake. */
  readonly disruption?: string | undefined;
  readonly resize?: ResizeProgress | undefined;
}

/** Of a pod that has no place yet: the scheduler's only word about it. */
export function unscheduledCondition(pod: Pod, message: string, now: string): PodCondition {
  const before = pod.status.conditions?.find(({ type }) => type === "PodScheduled");
  const since = before?.status === "False" ? before.lastTransitionTime : undefined;
  const verdict = {
    status: "False",
    reason: message === GATED ? "SchedulingGated" : "Unschedulable",
    message,
  } as const;
  return { type: "PodScheduled", ...verdict, lastProbeTime: null, lastTransitionTime: since ?? now };
}

/** A pod's conditions in the kubelet's words; a time of transition stays while the status does. Pure. */
export function buildConditions(pod: Pod, facts: ConditionFacts): PodCondition[] {
  const containersReady = readiness(facts);
  const drafts: Draft[] = [
    { type: "PodReadyToStartContainers", status: facts.sandboxReady ? "True" : "False" },
    { type: "Initialized", ...initialization(pod, facts) },
    { type: "Ready", ...podReadiness(pod, containersReady) },
    { type: "ContainersReady", ...containersReady },
    { type: "PodScheduled", status: "True" },
    ...allRestarting(facts),
    ...resizeConditions(pod, facts),
  ];
  const own = drafts.map((draft) => {
    const before = pod.status.conditions?.find(({ type }) => type === draft.type);
    const since = before?.status === draft.status ? before.lastTransitionTime : undefined;
    return { ...draft, lastProbeTime: null, lastTransitionTime: since ?? facts.now };
  });
  return [...own, ...disruptionOf(pod, facts), ...(pod.status.conditions ?? []).filter(isForeign)];
}

/** Said for good, once it is said. */
function disruptionOf({ status }: Pod, { disruption, now }: ConditionFacts): PodCondition[] {
  const known = status.conditions?.filter(({ type }) => type === "DisruptionTarget") ?? [];
  if (known.length > 0 || disruption === undefined) return known;
  return [disruptionCondition({ reason: TERMINATED_BY, message: disruption }, now)];
}

/** They are there only as long as they are true. Whether a resize is pending is decided where it is asked for. */
function resizeConditions({ metadata, status }: Pod, { phase, resize }: ConditionFacts): Draft[] {
  if (isTerminalPhase(phase)) return [];
  const pending = status.conditions?.find(({ type }) => type === "PodResizePending");
  const generation = metadata.generation === undefined ? {} : { observedGeneration: metadata.generation };
  const error = resize?.error === undefined ? {} : { reason: "Error", message: resize.error };
  return [
    ...(pending ? [pending] : []),
    ...(resize ? [{ type: "PodResizeInProgress", status: "True", ...error, ...generation } as const] : []),
  ];
}

/** Of pods with a container whose end could make all of them start over (KEP-5532), in the kubelet's words. */
function allRestarting({ phase, containers, startsOver }: ConditionFacts): Draft[] {
  const type = ALL_RESTARTING;
  if (!containers.some(({ container }) => couldRestartAll(container))) return [];
  if (phase === "Succeeded") return [{ type, status: "False", reason: "PodCompleted" }];
  if (phase === "Failed") return [{ type, status: "False", reason: "PodFailed" }];
  if (!startsOver) return [{ type, status: "False" }];
  const message = "container exited with restart policy rule";
  return [{ type, status: "True", reason: "RestartAllContainersStarted", message }];
}

function initialization(pod: Pod, { phase, containers, hasBegun }: ConditionFacts): Verdict {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  if (hasBegun) return { status: "True" };
  const incomplete = containers.filter(({ role, status }) =>
    role === "init" ? !status.ready : role === "sidecar" && status.started !== true,
  );
  if (incomplete.length === 0) return { status: "True" };
  // What was initialized once stays so when it is over, for its sidecars have ended since, and when it starts over (KEP-5532).
  const before = pod.status.conditions?.find(({ type }) => type === "Initialized");
  const mayStartOver = containers.some(({ container }) => couldRestartAll(container));
  if ((phase === "Failed" || mayStartOver) && before?.status === "True") return { status: "True" };
  const names = incomplete.map(({ container }) => container.name).join(" ");
  return {
    status: "False",
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${names}]`,
  };
}

/** Of all that go on beside one another: the pod's own containers and its sidecars. */
function readiness({ phase, containers }: ConditionFacts): Verdict {
  if (phase === "Succeeded") return { status: "False", reason: "PodCompleted" };
  if (phase === "Failed") return { status: "False", reason: "PodFailed" };
  const unready = containers
    .filter(({ role, status }) => role !== "init" && !status.ready)
    .map(({ container }) => container.name);
  if (unready.length === 0) return { status: "True" };
  return {
    status: "False",
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}

/** The containers' readiness, and each readiness gate's (PodSpec.readinessGates). */
function podReadiness({ spec, status }: Pod, containersReady: Verdict): Verdict {
  if (containersReady.status !== "True") return containersReady;
  const problems = (spec.readinessGates ?? []).flatMap(({ conditionType }) => {
    const gate = status.conditions?.find(({ type }) => type === conditionType);
    if (!gate) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (gate.status === "True") return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`];
  });
  if (problems.length === 0) return { status: "True" };
  return { status: "False", reason: "ReadinessGatesNotReady", message: problems.join(", ") };
}

/** Conditions that podrun works out by itself. Others are whoever writes them's, and stay as they are. */
const OWN_TYPES: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
  ALL_RESTARTING,
  "DisruptionTarget",
  "PodResizePending",
  "PodResizeInProgress",
]);

export const isForeign = ({ type }: Pick<PodCondition, "type">): boolean => !OWN_TYPES.has(type);

/** Why a pod is deleted for what is no fault of its own (KEP-3329). */
export interface Disruption {
  readonly reason: string;
  readonly message: string;
}

/** The API server's words for an eviction that somebody has asked for. */
export const EVICTED_BY_API: Disruption = { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };

/** The pod with its condition; it has one of this type. */
export function withDisruption(pod: Pod, why: Disruption, now: string): Pod {
  const condition = disruptionCondition(why, now);
  const others = (pod.status.conditions ?? []).filter(({ type }) => type !== condition.type);
  return { ...pod, status: { ...pod.status, conditions: [...others, condition] } };
}

const disruptionCondition = (why: Disruption, now: string): PodCondition => ({
  type: "DisruptionTarget",
  status: "True",
  lastProbeTime: null,
  lastTransitionTime: now,
  ...why,
});

/** All conditions once those of others have been written: `given` are all of theirs; podrun's own stay as they are. */
export function mergeConditions(
  before: readonly PodCondition[],
  given: readonly PodCondition[],
  now: string,
): PodCondition[] {
  const theirs = given.filter(isForeign).map((one) => {
    const known = before.find(({ type }) => type === one.type);
    const since = known?.status === one.status ? known.lastTransitionTime : undefined;
    return { ...one, lastProbeTime: null, lastTransitionTime: since ?? now };
  });
  return [...before.filter((one) => !isForeign(one)), ...theirs];
}
