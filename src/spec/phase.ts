import type { PodPhase } from "./pod.ts";

/** Whether a pod of this phase has ended for good (Kubernetes, "Pod phase"; its own IsPodPhaseTerminal). */
export const isTerminalPhase = (phase: PodPhase): boolean => phase === "Succeeded" || phase === "Failed";
