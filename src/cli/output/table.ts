// Tables as kubectl prints them: three spaces between columns, nothing behind the last.

export type Row = readonly string[];

/** Widths of the columns, so that rows that come later (`get -w`) stand under the first. */
export function columnWidths(rows: readonly Row[]): readonly number[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return widths;
}

export function formatRow(row: Row, widths: readonly number[]): string {
  const cells = row.map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)));
  return `${cells.join("   ").trimEnd()}\n`;
}

export function formatTable(rows: readonly Row[]): string {
  const widths = columnWidths(rows);
  return rows.map((row) => formatRow(row, widths)).join("");
}
