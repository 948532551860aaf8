import { KINDS, type KindNames } from "../spec/kinds.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { formatTable } from "./table.ts";

const OPTIONS = {
  output: { kind: "text", short: "o", value: "name", help: "name: the types' names only" },
  "no-headers": { kind: "boolean", help: "no heading line" },
} as const;

export const command = defineCommand({
  usage: ["api-resources [flags]"],
  about: "List the types of objects that podrun knows, with their other names.",
  examples: [["all types", "podrun api-resources"]],
  options: OPTIONS,
  run: async ({ options, positionals }: Invocation<typeof OPTIONS>) => {
    if (positionals.length > 0) throw new UsageError(`api-resources takes no argument, not "${positionals[0]}"`);
    if (options.output !== undefined && options.output !== "name")
      throw new UsageError(`unexpected -o output mode: ${options.output}. We only support '-o name'`);
    process.stdout.write(options.output === "name" ? listNames() : listTypes(!options["no-headers"]));
    return 0;
  },
});

/** Events are read like objects, but nobody makes them. */
const EVENTS = { kind: "Event", apiVersion: "v1", singular: "event", plural: "events", short: ["ev"] };

const types = (): readonly KindNames[] => [...KINDS, EVENTS].sort((a, b) => (a.plural < b.plural ? -1 : 1));

const listNames = (): string =>
  types()
    .map(({ plural }) => `${plural}\n`)
    .join("");

function listTypes(headers: boolean): string {
  const rows = types().map(({ plural, short, apiVersion, kind, scope }) => [
    plural,
    short.join(","),
    apiVersion,
    String(scope !== "Cluster"),
    kind,
  ]);
  return formatTable([...(headers ? [["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"]] : []), ...rows]);
}
