// Lines of `describe`: a label, and a value that stands in one column with the others.
export type Line = readonly [label: string, value: string];

/** Values stand in one column, behind the longest label that has one. */
export function layOut(lines: readonly Line[], indent: number): string {
  const width = Math.max(14, ...lines.filter(([, value]) => value !== "").map(([label]) => label.length + 1));
  const margin = " ".repeat(indent);
  return lines
    .map(([label, value]) => `${margin}${label.padEnd(width)} ${value}`.trimEnd())
    .map((line) => `${line.replaceAll("\n", `\n${margin}  `)}\n`)
    .join("");
}
