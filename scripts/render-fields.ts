// docs/fields.md from the tables of fields.

import type { ObjectType, Row } from "../src/spec/schema/shape.ts";

const HEAD = `# Fields of a manifest

Generated from the tables in \`src/spec/schema/\` by \`scripts/generate-fields.ts\`; do not edit.

Every field of Kubernetes' Pod, ConfigMap, Secret, Namespace, PersistentVolumeClaim, PersistentVolume, StorageClass and PriorityClass is here or is refused by name; nothing is silently ignored but what is marked *ignored*.

- **supported**: as in Kubernetes, but for what the note says.
- **supported in part**: only the values named; others are refused as \`UnsupportedField\`, for the reason given.
- **ignored**: accepted and dropped, as the API server does with what only it may set.
- **refused**: Kubernetes has it, podrun has not: \`UnsupportedField\`, with what to do instead.
- **not applicable**: has no meaning on one node without a cluster: \`UnsupportedField\`, with the reason.

Any other name is refused as \`UnknownField\`, with the nearest right name.
`;

/** The whole page: one section a type, one line a field. */
export function renderFieldsPage(types: readonly ObjectType[]): string {
  return `${HEAD}\n${types.map(renderType).join("\n")}`;
}

function renderType(type: ObjectType): string {
  const rows = Object.entries(type.fields).map(([name, row]) => renderRow(name, row));
  const refused = Object.entries(type.refused ?? {}).map(([name, hint]) => line(name, "", "refused", "", hint));
  const others = Object.entries(type.notApplicable ?? {}).map(([name, why]) =>
    line(name, "", "not applicable", "", why),
  );
  const head = "| field | type | state | default | notes |\n|---|---|---|---|---|";
  return `## ${type.name}\n\n${[head, ...rows, ...refused, ...others].join("\n")}\n`;
}

function renderRow(name: string, row: Row): string {
  const state =
    row.kind === "ignored" || row.server ? "ignored" : row.only !== undefined ? "supported in part" : "supported";
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
