// `get` as a table, for any kind, and the rows that `-w` adds to it.
import { type KindName, kindNames } from "../../spec/kinds.ts";
import { UsageError } from "../arguments.ts";
import { evaluatePath, formatValue } from "./jsonpath.ts";
import { columnWidths, formatRow, type Row } from "./table.ts";

export interface TableOptions {
  readonly wide: boolean;
  /** `NAME:.metadata.name,IP:.status.podIP` */
  readonly columns: string | undefined;
  readonly namespaces: boolean;
  readonly labels: boolean;
  /** Labels that have a column of their own. */
  readonly labelColumns?: readonly string[];
  readonly headers: boolean;
  /** Beside objects of other types: `pod/web`. */
  readonly typed?: boolean;
}

export interface ObjectTable<T> {
  list(objects: readonly T[]): string;
  /** A row under those printed before; with the heading when it is the first. */
  change(object: T): string;
}

export type Column<T> = readonly [heading: string, cell: (object: T) => string];

interface Labelled {
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
}

/** `own`: the kind's own columns, from NAME on. Throws UsageError for custom columns that can't be read. */
export function makeTable<T extends Labelled>(options: TableOptions, own: readonly Column<T>[]): ObjectTable<T> {
  const columns = options.columns === undefined ? withCommon(options, own) : customColumns<T>(options.columns);
  const heading = columns.map(([name]) => name);
  const rowOf = (object: T): Row => columns.map(([, cell]) => cell(object));
  let widths: readonly number[] | undefined;
  const print = (objects: readonly T[]): string => {
    const first = widths === undefined;
    const rows = [...(first && options.headers ? [heading] : []), ...objects.map(rowOf)];
    const fitting = widths ?? columnWidths(rows);
    widths = fitting;
    return rows.map((row) => formatRow(row, fitting)).join("");
  };
  return { list: print, change: (object) => print([object]) };
}

function withCommon<T extends Labelled>(options: TableOptions, own: readonly Column<T>[]): readonly Column<T>[] {
  return [
    ...(options.namespaces ? [["NAMESPACE", (object: T) => object.metadata.namespace] as const] : []),
    ...(options.typed ? own.map(withType) : own),
    ...(options.labelColumns ?? []).map(labelColumn<T>),
    ...(options.labels ? [["LABELS", (object: T) => formatLabels(object.metadata.labels)] as const] : []),
  ];
}

/** `app.kubernetes.io/name` is NAME. */
const labelColumn = <T extends Labelled>(key: string): Column<T> => [
  key.slice(key.lastIndexOf("/") + 1).toUpperCase(),
  ({ metadata }) => metadata.labels[key] ?? "",
];

const withType = <T extends Labelled>(column: Column<T>): Column<T> =>
  column[0] === "NAME"
    ? ["NAME", (object) => `${kindNames(object.kind as KindName).singular}/${column[1](object)}`]
    : column;

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const text = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  return text === "" ? "<none>" : text;
}

function customColumns<T>(text: string): readonly Column<T>[] {
  return text.split(/,(?=[^,:]+:)/).map((column) => {
    const colon = column.indexOf(":");
    if (colon <= 0 || colon === column.length - 1)
      throw new UsageError(`unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`);
    const path = column.slice(colon + 1);
    // Read once now, so that a wrong path is told before anything is printed.
    evaluatePath(path, {});
    return [
      column.slice(0, colon),
      (object: T) => {
        const found = evaluatePath(path, object);
        return found.length === 0 ? "<none>" : found.map(formatValue).join(",");
      },
    ] as const;
  });
}
