// `get` of all kinds but pods.
import type { ObjectClient, OtherKind, OtherObject } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import { formatAge } from "../base/age.ts";
import { PodrunError } from "../base/errors.ts";
import { isClusterScoped } from "../spec/kinds.ts";
import { NODE_COLUMNS, WIDE_NODE_COLUMNS } from "./node/node-columns.ts";
import { type Column, makeTable, type TableOptions } from "./output/object-table.ts";
import { formatObject, listOf, type PrintFormat } from "./output/print.ts";
import { sortObjects } from "./output/sort-by.ts";
import { CLAIM_COLUMNS, CLASS_COLUMNS, VOLUME_COLUMNS, VOLUME_MODE_COLUMN } from "./output/storage-columns.ts";
import { wordError } from "./report.ts";

export interface GetRequest {
  readonly kind: OtherKind;
  readonly names: readonly string[];
  readonly namespace: string;
  readonly allNamespaces: boolean;
  readonly selector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly sortBy: string | undefined;
  readonly ignoreNotFound: boolean;
  readonly format: PrintFormat;
  readonly isTable: boolean;
  readonly table: TableOptions;
}

const age = ({ metadata }: OtherObject): string => formatAge(metadata.creationTimestamp, Date.now());

/** The columns of each kind's table, as kubectl has them. */
const COLUMNS: { readonly [K in OtherKind]: readonly Column<Extract<OtherObject, { kind: K }>>[] } = {
  ConfigMap: [
    ["NAME", ({ metadata }) => metadata.name],
    ["DATA", ({ data = {}, binaryData = {} }) => String(Object.keys(data).length + Object.keys(binaryData).length)],
    ["AGE", age],
  ],
  Namespace: [
    ["NAME", ({ metadata }) => metadata.name],
    ["STATUS", ({ status }) => status.phase],
    ["AGE", age],
  ],
  Node: NODE_COLUMNS,
  PersistentVolume: VOLUME_COLUMNS,
  PersistentVolumeClaim: CLAIM_COLUMNS,
  PriorityClass: [
    ["NAME", ({ metadata }) => metadata.name],
    ["VALUE", ({ value }) => String(value)],
    ["GLOBAL-DEFAULT", ({ globalDefault = false }) => String(globalDefault)],
    ["AGE", age],
    ["PREEMPTIONPOLICY", ({ preemptionPolicy }) => preemptionPolicy],
  ],
  Secret: [
    ["NAME", ({ metadata }) => metadata.name],
    ["TYPE", ({ type }) => type],
    ["DATA", ({ data = {} }) => String(Object.keys(data).length)],
    ["AGE", age],
  ],
  StorageClass: CLASS_COLUMNS,
};

/** Those of `-o wide` besides. */
const WIDE: { readonly [K in OtherKind]?: readonly Column<Extract<OtherObject, { kind: K }>>[] } = {
  Node: WIDE_NODE_COLUMNS,
  PersistentVolume: [VOLUME_MODE_COLUMN],
  PersistentVolumeClaim: [VOLUME_MODE_COLUMN],
};

/** Its objects are all of the kind. */
export const columnsOf = (kind: OtherKind, wide: boolean): readonly Column<OtherObject>[] => [
  ...(COLUMNS[kind] as readonly Column<OtherObject>[]),
  ...(((wide && WIDE[kind]) || []) as readonly Column<OtherObject>[]),
];

/** Prints a list, or the objects that were named; answers the exit code. */
export async function getObjects(client: ObjectClient, request: GetRequest): Promise<number> {
  const { names, format, namespace } = request;
  const { objects: found, errors } = await fetch(client, request);
  const objects = request.sortBy === undefined ? found : sortObjects(found, request.sortBy);
  if (request.isTable && objects.length > 0)
    process.stdout.write(
      makeTable<OtherObject>(request.table, columnsOf(request.kind, request.table.wide)).list(objects),
    );
  const [only] = objects;
  // Nothing was found of what was named: the errors say it.
  if (!request.isTable && (names.length === 0 || only !== undefined))
    process.stdout.write(await formatObject(format, names.length === 1 && only ? only : listOf(objects)));
  for (const error of errors) process.stderr.write(`${wordError(error)}\n`);
  if (errors.length > 0) return 1;
  if (objects.length === 0 && names.length === 0 && request.isTable)
    process.stderr.write(
      request.allNamespaces || isClusterScoped(request.kind)
        ? "No resources found\n"
        : `No resources found in ${namespace} namespace.\n`,
    );
  return 0;
}

/** `get -w`: every change, after the objects as they are (unless `onlyChanges`). */
export async function watchObjects(
  client: ObjectClient,
  request: GetRequest,
  options: { readonly onlyChanges: boolean; readonly signal: AbortSignal },
): Promise<never> {
  const { kind, namespace, allNamespaces, selector, format, names } = request;
  const query = {
    namespace: allNamespaces ? undefined : namespace,
    labelSelector: selector,
    fieldSelector: names[0] === undefined ? request.fieldSelector : `metadata.name=${names[0]}`,
  };
  const table = makeTable<OtherObject>(request.table, columnsOf(request.kind, request.table.wide));
  const resourceVersion = options.onlyChanges ? await client.resourceVersion(kind) : undefined;
  for await (const { object } of client.watch(kind, { ...query, resourceVersion }, options.signal))
    process.stdout.write(request.isTable ? table.change(object) : await formatObject(format, object));
  throw new PodrunError("DaemonUnreachable", "the podrun daemon left; run the command again");
}

async function fetch(client: ObjectClient, request: GetRequest) {
  const { kind, names, namespace } = request;
  const errors: ApiError[] = [];
  if (names.length === 0) {
    const { selector: labelSelector, fieldSelector } = request;
    const query = { namespace: request.allNamespaces ? undefined : namespace, labelSelector, fieldSelector };
    return { objects: await client.list(kind, query), errors };
  }
  const objects: OtherObject[] = [];
  for (const name of names)
    try {
      objects.push(await client.get(kind, namespace, name));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status.reason !== "NotFound") throw error;
      if (!request.ignoreNotFound) errors.push(error);
    }
  return { objects, errors };
}
