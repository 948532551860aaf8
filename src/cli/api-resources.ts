import { KINDS, type KindNames } from "../spec/kinds.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { formatTable } from "./output/table.ts";

const OPTIONS = {
  output: {
    kind: "text",
    short: "o",
    value: "FORMAT",
    choices: ["name", "wide"],
    help: "name: the types' names only; wide: what can be done with them, too",
  },
  namespaced: {
    kind: "text",
    value: "BOOLEAN",
    choices: ["true", "false"],
    bare: "true",
    help: "only those that lie in namespaces, or with =false the others",
  },
  "no-headers": { kind: "boolean", help: "no heading line" },
} as const;

export const command = defineCommand({
  usage: ["api-resources [flags]"],
  about: "List the types of objects that podrun knows, with their other names.",
  examples: [["all types", "podrun api-resources"]],
  options: OPTIONS,
  run: async ({ options, positionals }: Invocation<typeof OPTIONS>) => {
    if (positionals.length > 0) throw new UsageError(`api-resources takes no argument, not "${positionals[0]}"`);
    const { output, namespaced } = options;
    if (output !== undefined && output !== "name" && output !== "wide")
      throw new UsageError(`--output ${output} is not available: want name or wide`);
    if (namespaced !== undefined && namespaced !== "true" && namespaced !== "false")
      throw new UsageError(`invalid argument "${namespaced}" for "--namespaced" flag: want true or false`);
    const shown = types().filter(
      ({ scope }) => namespaced === undefined || (scope !== "Cluster") === (namespaced === "true"),
    );
    const headers = !options["no-headers"];
    process.stdout.write(output === "name" ? listNames(shown) : listTypes(shown, { headers, wide: output === "wide" }));
    return 0;
  },
});

/** Events are read like objects, but nobody makes them. */
const EVENTS = { kind: "Event", apiVersion: "v1", singular: "event", plural: "events", short: ["ev"] };

const types = (): readonly KindNames[] => [...KINDS, EVENTS].sort((a, b) => (a.plural < b.plural ? -1 : 1));

/** `priorityclasses.scheduling.k8s.io`. */
const listNames = (shown: readonly KindNames[]): string =>
  shown.map(({ plural, apiVersion }) => `${[plural, ...groupOf(apiVersion)].join(".")}\n`).join("");

const groupOf = (apiVersion: string): readonly string[] =>
  apiVersion.includes("/") ? [apiVersion.slice(0, apiVersion.indexOf("/"))] : [];

const ALL_VERBS = "create,delete,get,list,patch,update,watch";

/** What the API does not have for every kind. */
const VERBS: Readonly<Record<string, string>> = { Event: "list,watch", Node: "get,list,patch,update,watch" };

function listTypes(
  shown: readonly KindNames[],
  { headers, wide }: { readonly headers: boolean; readonly wide: boolean },
) {
  const heading = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", ...(wide ? ["VERBS", "CATEGORIES"] : [])];
  const rows = shown.map(({ plural, short, apiVersion, kind, scope }) => [
    plural,
    short.join(","),
    apiVersion,
    String(scope !== "Cluster"),
    kind,
    ...(wide ? [VERBS[kind] ?? ALL_VERBS, kind === "Pod" ? "all" : ""] : []),
  ]);
  return formatTable([...(headers ? [heading] : []), ...rows]);
}
