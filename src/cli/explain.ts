// What docs/fields.md has, of one field: the tables that manifests are checked by.
import { KINDS, type KindName, type KindNames, kindNames, kindOfWord } from "../spec/kinds.ts";
import { nearest } from "../spec/nearest.ts";
import type { ObjectType, Row } from "../spec/schema/shape.ts";
import { TABLES } from "../spec/schema/tables.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";

const OPTIONS = {
  recursive: { kind: "boolean", help: "the fields of fields, too" },
} as const;

export const command = defineCommand({
  usage: ["explain TYPE[.FIELD…] [flags]"],
  about: "Show the fields that a manifest may have, and what podrun does with them.",
  examples: [
    ["the fields of a container", "podrun explain pod.spec.containers"],
    ["all that a Secret may have", "podrun explain secret --recursive"],
  ],
  options: OPTIONS,
  run: async ({ options, positionals }: Invocation<typeof OPTIONS>) => {
    const [text, ...more] = positionals;
    if (text === undefined || more.length > 0) throw new UsageError("want one TYPE.FIELD, such as pod.spec.containers");
    process.stdout.write(explain(text, options.recursive));
    return 0;
  },
});

/** Throws UsageError for a type or a field that there is not. */
export function explain(text: string, recursive: boolean): string {
  const [word = "", ...keys] = text.replace(/\.$/, "").split(".");
  const kind = kindOfWord(word);
  const table = kind === undefined ? undefined : TABLES[kind];
  if (kind === undefined || table === undefined) {
    const words = KINDS.filter((one: KindNames) => TABLES[one.kind as KindName]).map(({ singular }) => singular);
    throw new UsageError(`couldn't find a type "${word}" with fields: it knows ${words.join(", ")}`);
  }
  let type: ObjectType | undefined = table;
  let row: Row | undefined;
  for (const [index, key] of keys.entries()) {
    if (type === undefined) throw new UsageError(`${[word, ...keys.slice(0, index)].join(".")} has no fields`);
    const why = type.notApplicable?.[key] ?? type.refused?.[key];
    if (why !== undefined) return `FIELD: ${key}\n\nNot supported by podrun: ${why}.\n`;
    row = fieldOf(type, key);
    type = typeOf(row);
  }
  const head = `KIND:       ${kind}\nVERSION:    ${kindNames(kind).apiVersion}\n`;
  const said = row === undefined ? [] : remarks(row);
  const field = row === undefined ? "" : `\nFIELD: ${keys.at(-1)} ${kindText(row)}\n`;
  const description = said.length === 0 ? "" : `\nDESCRIPTION:${indent(said, 4)}\n`;
  return `${head}${field}${description}${type === undefined ? "" : `\nFIELDS:\n${fieldLines(type, recursive, 2)}`}`;
}

function fieldOf(type: ObjectType, key: string): Row {
  const row = Object.hasOwn(type.fields, key) ? type.fields[key] : undefined;
  if (row !== undefined) return row;
  const near = nearest(key, Object.keys(type.fields));
  throw new UsageError(
    `${type.name} has no field "${key}"${near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`}`,
  );
}

function fieldLines(type: ObjectType, recursive: boolean, depth: number): string {
  return Object.entries(type.fields)
    .filter(([, row]) => row.kind !== "ignored" && !row.server)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, row]) => {
      const inner = typeOf(row);
      const line = `${" ".repeat(depth)}${key}  ${kindText(row)}`;
      if (!recursive) return `${line}${indent(remarks(row), depth + 2)}\n`;
      return `${line}\n${inner === undefined ? "" : fieldLines(inner, true, depth + 2)}`;
    })
    .join("");
}

const typeOf = (row: Row): ObjectType | undefined =>
  row.kind === "object" ? row.type : row.kind === "list" || row.kind === "map" ? typeOf(row.of) : undefined;

const WORDS = { text: "string", integer: "integer", port: "IntOrString", flag: "boolean", quantity: "Quantity" };

function kindText(row: Row): string {
  return `<${goKind(row)}>${row.required ? " -required-" : ""}`;
}

function goKind(row: Row): string {
  if (row.kind === "object") return row.type.name;
  if (row.kind === "list") return `[]${goKind(row.of)}`;
  if (row.kind === "map") return `map[string]${goKind(row.of)}`;
  return row.kind === "ignored" ? "Object" : WORDS[row.kind];
}

/** As docs/fields.md has them. */
function remarks(row: Row): readonly string[] {
  const values = row.only ?? (row.kind === "text" ? row.values : undefined);
  return [
    ...(values === undefined ? [] : [`one of ${values.map((value) => JSON.stringify(value)).join(", ")}`]),
    ...(row.default === undefined ? [] : [`default ${JSON.stringify(row.default)}`]),
    ...(row.computed === undefined ? [] : [`when absent: ${row.computed}`]),
    ...[row.because, row.note].filter((text): text is string => text !== undefined && text !== ""),
  ];
}

const indent = (lines: readonly string[], depth: number): string =>
  lines.map((line) => `\n${" ".repeat(depth)}${line}`).join("");
