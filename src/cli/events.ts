import type { ApiClient, KubeEvent } from "../api/client.ts";
import { formatAge } from "../base/age.ts";
import { PodrunError } from "../base/errors.ts";
import { kindOfWord } from "../spec/kinds.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { type Column, makeTable, type TableOptions } from "./output/object-table.ts";
import { formatObject, type PrintFormat, parseFormat } from "./output/print.ts";
import { sortObjects } from "./output/sort-by.ts";

const OPTIONS = {
  "all-namespaces": { kind: "boolean", short: "A", help: "events of all namespaces" },
  for: { kind: "text", value: "TYPE/NAME", help: "of this object only: pod/web" },
  types: { kind: "text", value: "TYPE,…", help: "Normal, Warning, or both" },
  watch: { kind: "boolean", short: "w", help: "list, then go on with every event" },
  "no-headers": { kind: "boolean", help: "no heading line" },
  output: { kind: "text", short: "o", value: "FORMAT", help: "json, yaml, name, jsonpath=… or custom-columns=…" },
} as const;

export const command = defineCommand({
  usage: ["events [--for TYPE/NAME] [--types=TYPE,…] [-w] [flags]"],
  about: "Show what happened in the last hour, the latest at the end.",
  examples: [
    ["in the default namespace", "podrun events"],
    ["what went wrong, everywhere", "podrun events -A --types=Warning"],
    ["of one pod, as it happens", "podrun events --for pod/web -w"],
  ],
  options: OPTIONS,
  run: async (invocation) => {
    if (invocation.positionals.length > 0)
      throw new UsageError(`unexpected arguments: ${invocation.positionals.join(" ")}; want --for TYPE/NAME`);
    const { options } = invocation;
    return printEvents(invocation, {
      fields: [...readFor(options.for), ...readTypes(options.types)],
      watch: options.watch,
      columns: COLUMNS,
      table: {
        wide: false,
        columns: undefined,
        namespaces: options["all-namespaces"],
        labels: false,
        headers: !options["no-headers"],
      },
      none: options["all-namespaces"] ? "No events found.\n" : `No events found in ${options.namespace} namespace.\n`,
    });
  },
});

export interface EventsRequest {
  /** Field selectors: `type=Warning`. */
  readonly fields: readonly string[];
  readonly watch: boolean;
  /** No list first. */
  readonly onlyChanges?: boolean;
  readonly table: TableOptions;
  readonly columns: readonly Column<Shown>[];
  readonly sortBy?: string | undefined;
  /** Said when there is none. */
  readonly none: string;
}

/** What `get` has of it, too. */
interface EventsInvocation extends Pick<Invocation<typeof OPTIONS>, "connect" | "signal"> {
  readonly options: Pick<Invocation<typeof OPTIONS>["options"], "namespace" | "all-namespaces" | "output">;
}

export type Shown = KubeEvent & { readonly metadata: { readonly labels: Readonly<Record<string, string>> } };

/** Of `podrun events`, as `kubectl events` has them. */
const COLUMNS: readonly Column<Shown>[] = [
  ["LAST SEEN", (event) => lastSeen(event, Date.now())],
  ["TYPE", ({ type }) => type],
  ["REASON", ({ reason }) => reason],
  ["OBJECT", ({ involvedObject }) => `${involvedObject.kind}/${involvedObject.name}`],
  ["MESSAGE", messageOf],
];

/** One event is one line. */
export function messageOf({ message }: KubeEvent): string {
  return message.trim().replaceAll(/\s*\n\s*/g, " ");
}

/** Also for `get events`. Answers the exit code. */
export async function printEvents(
  { options, connect, signal }: EventsInvocation,
  request: EventsRequest,
): Promise<number> {
  const format = parseFormat(options.output);
  const client = await connect();
  const namespace = options["all-namespaces"] ? undefined : options.namespace;
  const fieldSelector = request.fields.length === 0 ? undefined : request.fields.join(",");
  const { items, metadata } = await client.eventList(namespace, fieldSelector);
  const print = makePrinter(format, request);
  const events = request.sortBy === undefined ? items : sortObjects(items, request.sortBy);
  if (!request.onlyChanges && (items.length > 0 || !print.isTable)) process.stdout.write(await print.list(events));
  if (request.watch) await watch(client, { namespace, fieldSelector, ...metadata }, signal, print.one);
  else if (items.length === 0 && print.isTable) process.stderr.write(request.none);
  return 0;
}

function makePrinter(format: PrintFormat, { table: options, columns: own }: EventsRequest) {
  const isTable = ["table", "wide", "custom-columns"].includes(format.kind);
  const columns = format.kind === "custom-columns" ? format.text : undefined;
  const table = isTable ? makeTable<Shown>({ ...options, columns }, own) : undefined;
  return {
    isTable,
    list: async (events: readonly KubeEvent[]) =>
      table?.list(events.map(withLabels)) ??
      formatObject(format, { apiVersion: "v1", items: events, kind: "List", metadata: { resourceVersion: "" } }),
    one: async (event: KubeEvent) => table?.change(withLabels(event)) ?? formatObject(format, event),
  };
}

const withLabels = (event: KubeEvent): Shown => ({ ...event, metadata: { labels: {}, ...event.metadata } });

async function watch(
  client: ApiClient,
  query: Parameters<ApiClient["watchEvents"]>[0],
  signal: AbortSignal,
  print: (event: KubeEvent) => Promise<string>,
): Promise<never> {
  for await (const { object } of client.watchEvents(query, signal)) process.stdout.write(await print(object));
  throw new PodrunError("DaemonUnreachable", "the podrun daemon left; pods go on: run the command again");
}

/** `12s`, or `12s (x3 over 4m)` for what happened several times. */
function lastSeen({ lastTimestamp, firstTimestamp, count }: KubeEvent, now: number): string {
  const last = formatAge(lastTimestamp, now);
  return count > 1 ? `${last} (x${count} over ${formatAge(firstTimestamp, now)})` : last;
}

function readFor(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const [type = "", name = "", ...more] = text.split("/");
  if (type === "" || name === "" || more.length > 0)
    throw new UsageError(`--for must be in resource/name form, as pod/web, and is "${text}"`);
  const kind = kindOfWord(type);
  if (kind === undefined)
    throw new UsageError(`the server doesn't have a resource type "${type}"; want for example pod/${name}`);
  return [`involvedObject.kind=${kind}`, `involvedObject.name=${name}`];
}

function readTypes(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const types = text.split(",").map((type) => type.trim().toLowerCase());
  if (types.some((type) => type !== "normal" && type !== "warning"))
    throw new UsageError(`valid --types are Normal or Warning, and it is "${text}"`);
  const [first] = types;
  if (new Set(types).size > 1 || first === undefined) return [];
  return [first === "normal" ? "type=Normal" : "type=Warning"];
}
