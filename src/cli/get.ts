import type { ApiClient } from "../api/client.ts";
import type { OtherKind } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import { PodrunError } from "../base/errors.ts";
import { isClusterScoped, kindNames } from "../spec/kinds.ts";
import type { Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import type { TableOptions } from "./output/object-table.ts";
import { formatObject, listOf, OUTPUTS, type PrintFormat, parseFormat } from "./output/print.ts";
import { wordError } from "./report.ts";
import { parseSelections, type Selection } from "./selection.ts";

const OPTIONS = {
  output: {
    kind: "text",
    short: "o",
    value: "FORMAT",
    choices: OUTPUTS,
    help: "wide, yaml, json, name, jsonpath=… or custom-columns=…",
  },
  "all-namespaces": { kind: "boolean", short: "A", help: "objects of all namespaces" },
  selector: { kind: "text", short: "l", value: "SELECTOR", help: "objects with these labels: app=web,tier!=db" },
  "field-selector": { kind: "text", value: "SELECTOR", help: "objects with these fields: status.phase=Running" },
  watch: { kind: "boolean", short: "w", help: "list, then go on with every change" },
  "watch-only": { kind: "boolean", help: "changes only, no list first" },
  "no-headers": { kind: "boolean", help: "no heading line" },
  "show-labels": { kind: "boolean", help: "labels as the last column" },
  "label-columns": { kind: "list", short: "L", value: "KEY,…", help: "a column for each of these labels" },
  "show-kind": { kind: "boolean", help: "names with their type: pod/web" },
  "chunk-size": { kind: "text", value: "N", help: "accepted as kubectl does: lists come as a whole" },
  "sort-by": { kind: "text", value: "PATH", help: "order by a field: .metadata.name, {.status.startTime}" },
  ...MANIFEST_OPTIONS,
  raw: { kind: "text", value: "PATH", help: "what the daemon's API answers at this path" },
  "ignore-not-found": { kind: "boolean", help: "an object that does not exist is no error" },
} as const;

export const command = defineCommand({
  usage: ["get TYPE[,TYPE…] [NAME…] [flags]", "get TYPE/NAME… [flags]", "get (all | events) [flags]", "get -f FILE…"],
  about: "List objects: one line each, or whole with -o. Types: podrun api-resources, and all for what runs.",
  examples: [
    ["pods of the default namespace", "podrun get pods"],
    ["with address and node, in all namespaces", "podrun get pods -A -o wide"],
    ["one pod, whole", "podrun get pod web -o yaml"],
    ["one field", "podrun get pod web -o jsonpath='{.status.podIP}'"],
    ["follow changes", "podrun get pods -w"],
    ["several types, the oldest first", "podrun get pods,cm,secrets --sort-by=.metadata.creationTimestamp"],
    ["the ConfigMaps, the Secrets", "podrun get cm; podrun get secrets"],
  ],
  options: OPTIONS,
  run: get,
});

type Get = Invocation<typeof OPTIONS>;

async function get(invocation: Get): Promise<number> {
  const { options, positionals } = invocation;
  if (options.raw !== undefined) return getRaw(invocation, options.raw);
  if (options.filename.length > 0) return getOfFiles(invocation);
  if (/^(events?|ev)$/i.test(positionals[0] ?? "")) return getEvents(invocation);
  const format = parseFormat(options.output);
  const { groups, several } = await parseSelections(positionals);
  const { kind, names, slashed } = groups[0] as Selection;
  if (names.length > 0 && options["all-namespaces"])
    throw new UsageError("a resource cannot be retrieved by name across all namespaces");
  if (names.length > 0 && (options.selector !== undefined || options["field-selector"] !== undefined))
    throw new UsageError("name cannot be provided when a selector is specified");
  const isWatch = options.watch || options["watch-only"];
  if (isWatch && names.length > 1) throw new UsageError("you may only watch one object or all of them");
  if (isWatch && (several || options["sort-by"] !== undefined))
    throw new UsageError(
      "you may only watch a single resource or type of resource at a time, in the order of its changes",
    );
  if (several) return getSeveral(invocation, groups, format);
  if (kind !== "Pod") return getKept(invocation, { kind, names, format });
  const client = await invocation.connect();
  const isPlain = (format.kind === "table" || format.kind === "wide") && options["sort-by"] === undefined && !isWatch;
  if (isPlain && names.length === 0) return printRows(client, invocation, format);
  const { pods: found, errors, resourceVersion } = await fetchPods(client, invocation, names);
  const pods = await sorted(found, options["sort-by"]);
  const print = await makePrinter(invocation, format);
  if (!options["watch-only"] && (pods.length > 0 || !isTable(format))) {
    const one = names.length === 1 && pods.length === 1 ? pods[0] : undefined;
    // Nothing was found of what was named: the errors say it.
    if (names.length === 0 || pods.length > 0) process.stdout.write(await print.list(pods, one));
  }
  for (const error of errors) process.stderr.write(`${wordError(error)}\n`);
  if (errors.length > 0) return 1;
  if (isWatch) await watchPods(client, invocation, names[0], resourceVersion, print.change);
  else if (pods.length === 0 && isTable(format))
    process.stderr.write(noneFound(invocation, slashed || names.length > 0));
  return 0;
}

/** The daemon makes the rows: of a thousand pods they are a thirtieth of the bytes. */
async function printRows(client: ApiClient, invocation: Get, format: PrintFormat): Promise<number> {
  const options = tableOptions(invocation.options, format);
  const metadata = options.namespaces || options.labels || (options.labelColumns ?? []).length > 0;
  const table = await client.tablePods(queryOf(invocation, undefined), { metadata });
  const { printPodRows } = await import("./output/pod-table.ts");
  if (table.rows.length > 0) process.stdout.write(printPodRows(options, table));
  else process.stderr.write(noneFound(invocation, false));
  return 0;
}

/** What the manifests name, as `TYPE/NAME…` would. */
async function getOfFiles(invocation: Get): Promise<number> {
  const { namedObjects } = await import("./chosen-objects.ts");
  const named = (await namedObjects(invocation, invocation.positionals)) ?? [];
  const namespaces = [...new Set(named.map((one) => one.namespace).filter((one) => one !== ""))];
  if (namespaces.length > 1)
    throw new UsageError(`the manifests' objects lie in several namespaces (${namespaces.join(", ")}): name them`);
  const options = { ...invocation.options, filename: [], namespace: namespaces[0] ?? invocation.options.namespace };
  const positionals = named.map(({ kind, name }) => `${kindNames(kind).singular}/${name}`);
  return get({ ...invocation, options, positionals });
}

async function getRaw({ config, positionals, signal }: Get, path: string): Promise<number> {
  if (positionals.length > 0 || !path.startsWith("/"))
    throw new UsageError("--raw takes a path that begins with /, and no other words stand beside it");
  const { HttpClient } = await import("../api/client-http.ts");
  for await (const chunk of new HttpClient(config).stream(path, { signal })) process.stdout.write(chunk);
  return 0;
}

interface Kept {
  readonly kind: OtherKind;
  readonly names: readonly string[];
  readonly format: PrintFormat;
}

/** `get secrets`: loaded only for that, so that `get pods` stays quick. */
async function getKept({ options, config, signal }: Get, { kind, names, format }: Kept): Promise<number> {
  const { getObjects, watchObjects } = await import("./get-objects.ts");
  const { connectObjects } = await import("./objects.ts");
  const request = {
    kind,
    names,
    namespace: options.namespace,
    allNamespaces: options["all-namespaces"],
    selector: options.selector,
    fieldSelector: options["field-selector"],
    sortBy: options["sort-by"],
    ignoreNotFound: options["ignore-not-found"],
    format,
    isTable: isTable(format),
    table: { ...tableOptions(options, format), namespaces: options["all-namespaces"] && !isClusterScoped(kind) },
  };
  const client = connectObjects(config);
  const onlyChanges = options["watch-only"];
  if (options.watch || onlyChanges) return watchObjects(client, request, { onlyChanges, signal });
  return getObjects(client, request);
}

/** `get pods,cm`: a table each, or one list of all. */
async function getSeveral({ options, config }: Get, groups: readonly Selection[], format: PrintFormat) {
  const { getSeveralKinds } = await import("./get-several.ts");
  const { connectObjects } = await import("./objects.ts");
  return getSeveralKinds(connectObjects(config), {
    groups,
    namespace: options["all-namespaces"] ? undefined : options.namespace,
    given: options.namespace,
    selector: options.selector,
    fieldSelector: options["field-selector"],
    sortBy: options["sort-by"],
    ignoreNotFound: options["ignore-not-found"],
    format,
    isTable: isTable(format),
    table: tableOptions(options, format),
  });
}

async function sorted<T extends object>(objects: readonly T[], path: string | undefined): Promise<readonly T[]> {
  if (path === undefined) return objects;
  const { sortObjects } = await import("./output/sort-by.ts");
  return sortObjects(objects, path);
}

async function getEvents(invocation: Get): Promise<number> {
  const { options, positionals } = invocation;
  if (positionals.length > 1 || options.selector !== undefined)
    throw new UsageError("get events takes neither names nor labels: see podrun events --for TYPE/NAME");
  const { printEvents } = await import("./events.ts");
  const { eventColumns } = await import("./get-events.ts");
  return printEvents(invocation, {
    fields: options["field-selector"] === undefined ? [] : [options["field-selector"]],
    watch: options.watch || options["watch-only"],
    onlyChanges: options["watch-only"],
    sortBy: options["sort-by"],
    columns: eventColumns(options.output === "wide"),
    table: tableOptions(options, parseFormat(options.output)),
    none: options["all-namespaces"]
      ? "No resources found\n"
      : `No resources found in ${options.namespace} namespace.\n`,
  });
}

const tableOptions = (options: Get["options"], format: PrintFormat): TableOptions => ({
  wide: format.kind === "wide",
  columns: format.kind === "custom-columns" ? format.text : undefined,
  namespaces: options["all-namespaces"],
  labels: options["show-labels"],
  labelColumns: options["label-columns"].flatMap((keys) => keys.split(",")),
  typed: options["show-kind"],
  headers: !options["no-headers"],
});

const isTable = (format: PrintFormat): boolean =>
  format.kind === "table" || format.kind === "wide" || format.kind === "custom-columns";

function noneFound({ options }: Get, named: boolean): string {
  if (named) return "";
  return options["all-namespaces"] ? "No resources found\n" : `No resources found in ${options.namespace} namespace.\n`;
}

async function fetchPods(client: ApiClient, invocation: Get, names: readonly string[]) {
  const { options } = invocation;
  if (names.length === 0 || options.watch || options["watch-only"]) {
    const { items, metadata } = await client.listPods(queryOf(invocation, names[0]));
    const errors: unknown[] = [];
    // The server's own words for the one that is missing.
    if (names[0] !== undefined && items.length === 0)
      await client.getPod(options.namespace, names[0]).catch((error: unknown) => errors.push(error));
    return { pods: items, errors, resourceVersion: metadata.resourceVersion };
  }
  const pods: Pod[] = [];
  const errors: unknown[] = [];
  for (const name of names)
    try {
      pods.push(await client.getPod(options.namespace, name));
    } catch (error) {
      const isMissing = error instanceof ApiError && error.status.reason === "NotFound";
      if (!isMissing) throw error;
      if (!options["ignore-not-found"]) errors.push(error);
    }
  return { pods, errors, resourceVersion: "" };
}

function queryOf({ options }: Get, name: string | undefined) {
  return {
    namespace: options["all-namespaces"] ? undefined : options.namespace,
    labelSelector: options.selector,
    fieldSelector: name === undefined ? options["field-selector"] : `metadata.name=${name}`,
  };
}

async function watchPods(
  client: ApiClient,
  invocation: Get,
  name: string | undefined,
  resourceVersion: string,
  print: (pod: Pod) => Promise<string>,
): Promise<void> {
  const query = { ...queryOf(invocation, name), resourceVersion };
  for await (const { object } of client.watchPods(query, invocation.signal)) process.stdout.write(await print(object));
  throw new PodrunError("DaemonUnreachable", "the podrun daemon left; pods go on: run the command again");
}

interface Printer {
  /** `one`: exactly this pod was asked for, so it is no list. */
  list(pods: readonly Pod[], one: Pod | undefined): Promise<string>;
  change(pod: Pod): Promise<string>;
}

async function makePrinter({ options }: Get, format: PrintFormat): Promise<Printer> {
  if (!isTable(format))
    return {
      list: (pods, one) => formatObject(format, one ?? listOf(pods)),
      change: (pod) => formatObject(format, pod),
    };
  const { makePodTable } = await import("./output/pod-table.ts");
  const table = makePodTable(tableOptions(options, format));
  return { list: async (pods) => table.list(pods), change: async (pod) => table.change(pod) };
}
