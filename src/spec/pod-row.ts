// `get pods`: one row a pod, in kubectl's columns.
import { hostname } from "node:os";
import type { Pod } from "./pod.ts";
import { summarizePod } from "./pod-summary.ts";

export interface PodColumn {
  readonly name: string;
  readonly description: string;
  /** Shown with `-o wide` only. */
  readonly isWide?: true;
}

export const POD_COLUMNS: readonly PodColumn[] = [
  { name: "Name", description: "The pod's name, one of its kind in the namespace." },
  { name: "Ready", description: "How many of the pod's containers are ready, of how many." },
  { name: "Status", description: "What the pod and its containers are at, in a word." },
  { name: "Restarts", description: "How often its containers have started again, and when the last one ended." },
  { name: "Age", description: "The time since it was made." },
  { name: "IP", description: "The pod's address.", isWide: true },
  { name: "Node", description: "The machine that it is on.", isWide: true },
  { name: "Nominated Node", description: "The machine on which room is being made for it.", isWide: true },
  { name: "Readiness Gates", description: "How many of its readiness gates are open, of how many.", isWide: true },
];

/** A pod that has its place has it `here`; undefined: it has none yet. */
export function nodeOf({ spec, status }: Pod, here: string): string | undefined {
  const isPlaced = status.conditions?.some((one) => one.type === "PodScheduled" && one.status === "True") ?? false;
  return spec.nodeName ?? (isPlaced ? here : undefined);
}

/** `now`: milliseconds since the epoch; `node`: there is one machine, and every pod that has a place has it there. */
export interface RowFacts {
  readonly now: number;
  readonly node: string;
}

/** Read once for all rows: the machine's name is a system call. */
export const rowFacts = (): RowFacts => ({ now: Date.now(), node: hostname() });

/** A cell for each of {@link POD_COLUMNS}. */
export function podRow(pod: Pod, { now, node }: RowFacts): readonly string[] {
  const { ready, status, restarts, age } = summarizePod(pod, now);
  const { podIP, nominatedNodeName } = pod.status;
  const wide = [podIP, nodeOf(pod, node), nominatedNodeName, gatesOf(pod)].map((cell) => cell ?? "<none>");
  return [pod.metadata.name, ready, status, restarts, age, ...wide];
}

function gatesOf({ spec: { readinessGates = [] }, status }: Pod): string | undefined {
  if (readinessGates.length === 0) return undefined;
  const open = readinessGates.filter(({ conditionType }) =>
    status.conditions?.some(({ type, status: word }) => type === conditionType && word === "True"),
  );
  return `${open.length}/${readinessGates.length}`;
}
