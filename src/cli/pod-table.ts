// `get pods` as a table, and the rows that `-w` adds to it.
import { hostname } from "node:os";
import type { Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { evaluatePath, formatValue } from "./jsonpath.ts";
import { summarizePod } from "./pod-summary.ts";
import { columnWidths, formatRow, type Row } from "./table.ts";

export interface PodTableOptions {
  readonly wide: boolean;
  /** `NAME:.metadata.name,IP:.status.podIP` */
  readonly columns: string | undefined;
  readonly namespaces: boolean;
  readonly labels: boolean;
  readonly headers: boolean;
}

export interface PodTable {
  list(pods: readonly Pod[]): string;
  /** A row under those printed before; with the heading when it is the first. */
  change(pod: Pod): string;
}

type Column = readonly [heading: string, cell: (pod: Pod) => string];

/** Throws UsageError for custom columns that can't be read. */
export function makePodTable(options: PodTableOptions): PodTable {
  const columns = options.columns === undefined ? podColumns(options) : customColumns(options.columns);
  const heading = columns.map(([name]) => name);
  const rowOf = (pod: Pod): Row => columns.map(([, cell]) => cell(pod));
  let widths: readonly number[] | undefined;
  const print = (pods: readonly Pod[]): string => {
    const first = widths === undefined;
    const rows = [...(first && options.headers ? [heading] : []), ...pods.map(rowOf)];
    const fitting = widths ?? columnWidths(rows);
    widths = fitting;
    return rows.map((row) => formatRow(row, fitting)).join("");
  };
  return { list: print, change: (pod) => print([pod]) };
}

function podColumns(options: PodTableOptions): readonly Column[] {
  const summary = (pod: Pod) => summarizePod(pod, Date.now());
  const columns: Column[] = [];
  if (options.namespaces) columns.push(["NAMESPACE", (pod) => pod.metadata.namespace]);
  columns.push(
    ["NAME", (pod) => pod.metadata.name],
    ["READY", (pod) => summary(pod).ready],
    ["STATUS", (pod) => summary(pod).status],
    ["RESTARTS", (pod) => summary(pod).restarts],
    ["AGE", (pod) => summary(pod).age],
  );
  // There is one machine: every pod's node is this one.
  if (options.wide) columns.push(["IP", (pod) => pod.status.podIP ?? "<none>"], ["NODE", () => hostname()]);
  if (options.labels) columns.push(["LABELS", (pod) => formatLabels(pod.metadata.labels)]);
  return columns;
}

export function formatLabels(labels: Readonly<Record<string, string>>): string {
  const text = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  return text === "" ? "<none>" : text;
}

function customColumns(text: string): readonly Column[] {
  return text.split(/,(?=[^,:]+:)/).map((column) => {
    const colon = column.indexOf(":");
    if (colon <= 0 || colon === column.length - 1)
      throw new UsageError(`unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`);
    const path = column.slice(colon + 1);
    // Read once now, so that a wrong path is told before anything is printed.
    evaluatePath(path, {});
    return [
      column.slice(0, colon),
      (pod: Pod) => {
        const found = evaluatePath(path, pod);
        return found.length === 0 ? "<none>" : found.map(formatValue).join(",");
      },
    ] as const;
  });
}
