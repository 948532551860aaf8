// docs/fields.md from the tables of fields.

import type { ObjectType, Row } from "../src/spec/schema/shape.ts";

const HEAD = `# Fields of a manifest

Generated from the tables in \`src/spec/schema/\` by \`scripts/generate-fields.ts\`; do not edit.

Every field of Kubernetes' Pod, ConfigMap, Secret, Namespace, PersistentVolumeClaim, PersistentVolume, StorageClass and PriorityClass is here or is refused by name; nothing is silently ignored but what is marked *ignored*.

- **supported**: as in Kubernetes, but for what the note says.
- **in part**: only the values named; others are refused as \`UnsupportedField\`.
- **ignored**: accepted and dropped, as the API server does with what only it may set.
- **not yet**: Kubernetes has it, podrun refuses it as \`UnsupportedField\` for now.
- **never**: has no meaning on one machine without a cluster; refused as \`UnsupportedField\`.

Any other name is refused as \`UnknownField\`, with the nearest right name.
`;

/** The whole page: one section a type, one line a field. */
export function renderFieldsPage(types: readonly ObjectType[], fields: ReadonlyMap<string, readonly string[]>): string {
  return `${HEAD}\n${types.map((type) => renderType(type, fields.get(type.name) ?? [])).join("\n")}`;
}

function renderType(type: ObjectType, names: readonly string[]): string {
  const rows = Object.entries(type.fields).map(([name, row]) => renderRow(name, row));
  const never = Object.entries(type.notApplicable ?? {}).map(([name, why]) => line(name, "", "never", "", why));
  const known = new Set([...Object.keys(type.fields), ...Object.keys(type.notApplicable ?? {})]);
  const later = [...new Set([...Object.keys(type.notYet ?? {}), ...names])].filter((name) => !known.has(name));
  const notYet = later.map((name) => line(name, "", "not yet", "", type.notYet?.[name] ?? ""));
  const head = "| field | type | state | default | notes |\n|---|---|---|---|---|";
  return `## ${type.name}\n\n${[head, ...rows, ...notYet, ...never].join("\n")}\n`;
}

function renderRow(name: string, row: Row): string {
  const state = row.kind === "ignored" || row.server ? "ignored" : row.only !== undefined ? "in part" : "supported";
  const fallback =
    row.default !== undefined ? `\`${JSON.stringify(row.default)}\`` : row.required ? "required" : (row.computed ?? "");
  const only =
    row.only === undefined ? [] : [`only ${row.only.map((value) => `\`${JSON.stringify(value)}\``).join(", ")}`];
  const values =
    row.kind === "text" && row.values
      ? [`one of ${row.values.map((value) => `\`${JSON.stringify(value)}\``).join(", ")}`]
      : [];
  const range =
    row.kind === "integer" && row.min !== undefined
      ? [row.max === undefined ? `from ${row.min}` : `${row.min}–${row.max}`]
      : [];
  const key = row.kind === "list" && row.key !== undefined ? [`no two with the same \`${row.key}\``] : [];
  const notes = [...values, ...range, ...key, ...only, row.because, row.note].filter((note) => note);
  return line(name, describeKind(row), state, fallback, notes.join("; "));
}

function describeKind(row: Row): string {
  if (row.kind === "object") return link(row.type.name);
  if (row.kind === "list") return `list of ${describeKind(row.of)}`;
  if (row.kind === "map") return `map to ${describeKind(row.of)}`;
  return { text: "text", integer: "integer", port: "port", flag: "true or false", quantity: "quantity", ignored: "" }[
    row.kind
  ];
}

const link = (type: string): string => `[${type}](#${type.toLowerCase()})`;

const line = (...cells: string[]): string => `| \`${cells[0]}\` | ${cells.slice(1).join(" | ")} |`;
