// Lines that are drawn over again in place.

/**
 * What to write so that `after` stands where `before` stood; the cursor is below the last line, before and afterwards.
 * `columns`: a terminal that has become narrower has broken the old lines.
 */
export function redraw(before: readonly string[], after: readonly string[], columns: number): string {
  const rows = before.reduce((sum, line) => sum + Math.max(Math.ceil(line.length / columns), 1), 0);
  const up = rows === 0 ? "" : `\x1b[${rows}A\r`;
  return `${up}${after.map((line) => `${line}\x1b[K\n`).join("")}${rows > 0 ? "\x1b[J" : ""}`;
}
