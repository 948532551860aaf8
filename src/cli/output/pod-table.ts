// `get pods` as a table.
import type { PodTable, PodTableRow } from "../../api/client.ts";
import type { Pod } from "../../spec/pod.ts";
import { POD_COLUMNS, podRow, rowFacts } from "../../spec/pod-row.ts";
import { type Column, makeTable, type ObjectTable, type TableOptions } from "./object-table.ts";

/** Throws UsageError for custom columns that can't be read. */
export const makePodTable = (options: TableOptions): ObjectTable<Pod> =>
  makeTable(
    options,
    podColumns(options, (pod: Pod) => podRow(pod, rowFacts())),
  );

/** Rows that the daemon has made; they have metadata where namespaces or labels are shown. */
export const printPodRows = (options: TableOptions, { rows }: PodTable): string =>
  makeTable<Row>(
    options,
    podColumns(options, ({ cells }) => cells),
  ).list(rows.map(({ cells, object }) => ({ kind: "Pod", cells, metadata: object?.metadata ?? NO_METADATA })));

interface Row {
  readonly kind: string;
  readonly cells: readonly string[];
  readonly metadata: NonNullable<PodTableRow["object"]>["metadata"];
}

const NO_METADATA = { namespace: "", labels: {} };

const podColumns = <T>({ wide }: TableOptions, cells: (object: T) => readonly string[]): readonly Column<T>[] =>
  POD_COLUMNS.flatMap(({ name, isWide }, at) =>
    wide || !isWide ? [[name.toUpperCase(), (object: T) => cells(object)[at] ?? ""] as const] : [],
  );
