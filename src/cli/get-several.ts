// `get` of several types at once: a table each, as kubectl prints them, or one list of all.
import type { ObjectClient, OtherKind } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import { isClusterScoped, type KindName } from "../spec/kinds.ts";
import type { KubeObject, Pod } from "../spec/pod.ts";
import { columnsOf } from "./get-objects.ts";
import { makeTable, type TableOptions } from "./output/object-table.ts";
import { makePodTable } from "./output/pod-table.ts";
import { formatObject, listOf, type PrintFormat } from "./output/print.ts";
import { sortObjects } from "./output/sort-by.ts";
import { wordError } from "./report.ts";
import type { Selection } from "./selection.ts";

export interface SeveralRequest {
  readonly groups: readonly Selection[];
  /** Undefined: all. */
  readonly namespace: string | undefined;
  /** The one that was given, or the default. */
  readonly given: string;
  readonly selector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly sortBy: string | undefined;
  readonly ignoreNotFound: boolean;
  readonly format: PrintFormat;
  readonly isTable: boolean;
  readonly table: TableOptions;
}

/** Answers the exit code. */
export async function getSeveralKinds(client: ObjectClient, request: SeveralRequest): Promise<number> {
  const errors: ApiError[] = [];
  const fetched: (readonly [KindName, readonly KubeObject[]])[] = [];
  for (const group of request.groups) fetched.push([group.kind, await fetchGroup(client, group, request, errors)]);
  const all = fetched.flatMap(([, objects]) => objects);
  const sortedAll = request.sortBy === undefined ? all : sortObjects(all, request.sortBy);
  const isNamed = request.groups.some(({ names }) => names.length > 0);
  if (!request.isTable) {
    if (!isNamed || all.length > 0) process.stdout.write(await formatObject(request.format, listOf(sortedAll)));
  } else {
    const tables = fetched.flatMap(([kind]) => {
      const objects = sortedAll.filter((object) => object.kind === kind);
      return objects.length === 0 ? [] : [tableOf(kind, objects, request.table)];
    });
    process.stdout.write(tables.join("\n"));
  }
  for (const error of errors) process.stderr.write(`${wordError(error)}\n`);
  if (errors.length > 0) return 1;
  if (all.length === 0 && !isNamed && request.isTable)
    process.stderr.write(
      request.namespace === undefined ? "No resources found\n" : `No resources found in ${request.given} namespace.\n`,
    );
  return 0;
}

function tableOf(kind: KindName, objects: readonly KubeObject[], options: TableOptions): string {
  const own = { ...options, typed: true, namespaces: options.namespaces && !isClusterScoped(kind) };
  if (kind === "Pod") return makePodTable(own).list(objects as readonly Pod[]);
  return makeTable(own, columnsOf(kind as OtherKind, options.wide)).list(objects as never);
}

async function fetchGroup(
  client: ObjectClient,
  { kind, names }: Selection,
  request: SeveralRequest,
  errors: ApiError[],
): Promise<readonly KubeObject[]> {
  const { namespace, selector: labelSelector, fieldSelector, given } = request;
  if (names.length === 0) return client.list(kind, { namespace, labelSelector, fieldSelector });
  const found: KubeObject[] = [];
  for (const name of names)
    try {
      found.push(await client.get(kind, given, name));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status.reason !== "NotFound") throw error;
      if (!request.ignoreNotFound) errors.push(error);
    }
  return found;
}
