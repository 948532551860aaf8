// What an evicted pod and its event say: the kubelet's words, space at the end included (pkg/kubelet/eviction/helpers.go).
import { formatAmount } from "../../spec/index.ts";
import type { Resource, Threshold } from "./thresholds.ts";
import { type Observations, quantityOf, resourceOf } from "./thresholds.ts";

/** PodStatus.reason, and the event's. */
export const EVICTED = "Evicted";

/** Reason of the condition DisruptionTarget. */
export const TERMINATED_BY = "TerminationByKubelet";

export const emptyDirMessage = (volume: string, limit: string): string =>
  `Usage of EmptyDir volume "${volume}" exceeds the limit "${limit}". `;

export const podStorageMessage = (limit: number): string =>
  `Pod ephemeral local storage usage exceeds the total limit of containers ${formatQuantity(limit)}. `;

export const containerStorageMessage = (container: string, limit: string): string =>
  `Container ${container} exceeded its local ephemeral storage limit "${limit}". `;

/** A container that used more than it had asked for. */
export interface Excess {
  readonly container: string;
  readonly used: number;
  /** As its manifest has it; undefined: it asked for nothing. */
  readonly request: string | undefined;
}

/** Why a pod had to go for the others' sake. */
export function pressureMessage(
  { signal, ...threshold }: Threshold,
  observations: Observations,
  excesses: readonly Excess[],
): string {
  const resource = resourceOf(signal);
  const seen = observations.get(signal);
  const wanted = seen && quantityOf({ signal, ...threshold }, seen.capacity);
  const numbers =
    wanted === undefined
      ? ""
      : `Threshold quantity: ${formatScarce(wanted, resource)}, available: ${formatScarce(seen?.available ?? 0, resource)}. `;
  const users = excesses.map(
    ({ container, used, request = "0" }) =>
      `Container ${container} was using ${formatScarce(used, resource)}, request is ${request}, has larger consumption of ${resource}. `,
  );
  return `The node was low on resource: ${resource}. ${numbers}${users.join("")}`;
}

/** Bytes as a Quantity writes them: the largest binary suffix that leaves a whole number. */
const formatQuantity = (bytes: number): string => formatAmount("memory", Math.floor(bytes));

const THOUSANDS = ["", "k", "M", "G"];

/** Inodes and processes are counted in thousands. */
function formatScarce(amount: number, resource: Resource): string {
  if (resource !== "inodes" && resource !== "pids") return formatQuantity(amount);
  const fits = THOUSANDS.filter((_, power) => amount > 0 && amount % 1000 ** power === 0);
  return `${amount / 1000 ** Math.max(0, fits.length - 1)}${fits.at(-1) ?? ""}`;
}
