// `get pods` as a table.
import { hostname } from "node:os";
import type { Pod } from "../spec/pod.ts";
import { makeTable, type ObjectTable, type TableOptions } from "./object-table.ts";
import { summarizePod } from "./pod-summary.ts";

/** Throws UsageError for custom columns that can't be read. */
export function makePodTable(options: TableOptions): ObjectTable<Pod> {
  const summary = (pod: Pod) => summarizePod(pod, Date.now());
  return makeTable<Pod>(options, [
    ["NAME", (pod) => pod.metadata.name],
    ["READY", (pod) => summary(pod).ready],
    ["STATUS", (pod) => summary(pod).status],
    ["RESTARTS", (pod) => summary(pod).restarts],
    ["AGE", (pod) => summary(pod).age],
    // There is one machine: every pod's node is this one.
    ...(options.wide
      ? ([
          ["IP", (pod: Pod) => pod.status.podIP ?? "<none>"],
          ["NODE", () => hostname()],
        ] as const)
      : []),
  ]);
}
