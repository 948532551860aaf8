// Who has to go for a pod of higher priority (Kubernetes, "Pod Priority and Preemption"; kube-scheduler's SelectVictimsOnNode).
import { type Pod, priorityOf } from "../spec/index.ts";

/** Whether the pod would have its place without those of these uids. */
export type FitsWithout = (uids: ReadonlySet<string>) => boolean;

/**
 * Those who have to go, of `lower`, the pods here of lower priority that may be asked to: the fewest from the lowest
 * priority up that kube-scheduler's way finds. It thinks all of them gone, then lets stay who may, the most important first.
 * Those who are going already are not asked again, so the list may be empty: then they are waited for. Undefined: it would not help.
 */
export function chooseVictims(lower: readonly Pod[], fitsWithout: FitsWithout): readonly Pod[] | undefined {
  if (lower.length === 0) return undefined;
  const gone = new Set(lower.map(({ metadata }) => metadata.uid));
  if (!fitsWithout(gone)) return undefined;
  return lower
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .sort(byImportance)
    .filter(({ metadata }) => {
      gone.delete(metadata.uid);
      if (fitsWithout(gone)) return false;
      gone.add(metadata.uid);
      return true;
    });
}

/** The more important first: of equals, who has been there longer. */
const byImportance = (a: Pod, b: Pod): number =>
  priorityOf(b) - priorityOf(a) || compare(a.status.startTime ?? "", b.status.startTime ?? "");

/** In the order in which waiting pods are served: the highest priority first, then who came first (PrioritySort). */
export const byTurn = (a: Pod, b: Pod): number =>
  priorityOf(b) - priorityOf(a) || compare(a.metadata.creationTimestamp, b.metadata.creationTimestamp);

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What its event says. */
export const preemptedBy = ({ metadata }: Pod, node: string): string =>
  `Preempted by pod ${metadata.namespace}/${metadata.name} on node ${node}`;

/** Why a victim has to go. */
export const PREEMPTED = {
  reason: "PreemptionByScheduler",
  message: "default-scheduler: preempting to accommodate a higher priority pod",
} as const;

/** The pod for which others go on this node; undefined: nobody does. */
export function withNomination(pod: Pod, node: string | undefined): Pod {
  const { nominatedNodeName: _, ...status } = pod.status;
  return { ...pod, status: { ...status, ...(node !== undefined && { nominatedNodeName: node }) } };
}
