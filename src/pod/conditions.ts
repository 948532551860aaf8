import type { Pod, PodCondition, PodPhase } from "../spec/index.ts";
import type { StatedContainer } from "./phase.ts";
import { GATED } from "./placement.ts";

type Draft = Omit<PodCondition, "lastTransitionTime" | "lastProbeTime">;
type Verdict = Omit<Draft, "type">;

export interface ConditionFacts {
  readonly phase: PodPhase;
  readonly containers: readonly StatedContainer[];
  /** One of the pod's own containers has had its turn in the present sandbox. */
  readonly hasBegun: boolean;
  readonly sandboxReady: boolean;
  readonly now: string;
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
  ];
  return drafts.map((draft) => {
    const before = pod.status.conditions?.find(({ type }) => type === draft.type);
    const since = before?.status === draft.status ? before.lastTransitionTime : undefined;
    return { ...draft, lastProbeTime: null, lastTransitionTime: since ?? facts.now };
  });
}

function initialization(pod: Pod, { phase, containers, hasBegun }: ConditionFacts): Verdict {
  if (phase === "Succeeded") return { status: "True", reason: "PodCompleted" };
  if (hasBegun) return { status: "True" };
  const incomplete = containers.filter(({ role, status }) =>
    role === "init" ? !status.ready : role === "sidecar" && status.started !== true,
  );
  if (incomplete.length === 0) return { status: "True" };
  // What was initialized once and is over: its sidecars have ended since.
  const before = pod.status.conditions?.find(({ type }) => type === "Initialized");
  if (phase === "Failed" && before?.status === "True") return { status: "True" };
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

const podReadiness = (_pod: Pod, containersReady: Verdict): Verdict => containersReady;
