// Results as a table for people and as an object for programs.
import { MEASURES, type Results } from "./measures.ts";
import { median, quantile } from "./statistics.ts";

export interface Row {
  readonly measure: string;
  readonly contender: string;
  readonly samples: number;
  /** The smallest sample: what a busy machine cannot make worse. */
  readonly least: number;
  readonly median: number;
  readonly p95: number;
  /** Medians divided: floor's is 1; absent where floor has none. */
  readonly toFloor?: number;
}

/** Section 10 of the design, as far as one median against another says it. */
const WANTED: Readonly<Record<string, string>> = {
  [MEASURES.start]: "at most 2x floor, a tenth of containerd",
  [MEASURES.exec]: "a fifth of containerd",
  [MEASURES.execProcess]: "half of podman",
  [MEASURES.delete]: "a tenth of containerd",
  [MEASURES.memory]: "at most 0.25",
  [MEASURES.scaleLast]: "at most 1.3x the first",
  [MEASURES.pull]: "at most podman's and containerd's",
  [MEASURES.startLarge]: "as with one layer",
};

export function rowsOf(results: Results): Row[] {
  return [...results].flatMap(([measure, byContender]) => {
    const floor = byContender.get("floor");
    return [...byContender].map(([contender, samples]) => ({
      measure,
      contender,
      samples: samples.length,
      least: Math.min(...samples),
      median: median(samples),
      p95: quantile(samples, 0.95),
      ...(floor && { toFloor: median(samples) / median(floor) }),
    }));
  });
}

export function printTable(rows: readonly Row[]): void {
  const lines = rows.map((row) => [
    row.measure,
    row.contender,
    row.least.toFixed(2),
    row.median.toFixed(2),
    row.p95.toFixed(2),
    row.toFloor === undefined ? "-" : `${row.toFloor.toFixed(2)}x`,
    String(row.samples),
    (row.contender === "podrun" && WANTED[row.measure]) || "",
  ]);
  const head = ["MEASURE (ms)", "WHO", "LEAST", "MEDIAN", "P95", "TO FLOOR", "SAMPLES", "WANTED"];
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of [head, ...lines]) {
    const cells = line.map((cell, column) =>
      column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    console.log(
      cells
        .slice(0, -1)
        .concat(line.at(-1) ?? "")
        .join("  ")
        .trimEnd(),
    );
  }
  printGrowth(rows);
  printPulls(rows);
}

/** What podrun's pull costs against each peer's, and a start from the large image against one from the small. */
function printPulls(rows: readonly Row[]): void {
  const medianOf = (measure: string, contender: string): number | undefined =>
    rows.find((row) => row.measure === measure && row.contender === contender)?.median;
  for (const measure of [MEASURES.pull, MEASURES.pullSynced])
    for (const { contender, median } of rows.filter((row) => row.measure === measure && row.contender !== "podrun"))
      console.log(
        `${measure}: podrun's is ${((medianOf(measure, "podrun") ?? Number.NaN) / median).toFixed(2)} of ${contender}'s`,
      );
  const [small, large] = [MEASURES.startSmall, MEASURES.startLarge].map((measure) => medianOf(measure, "podrun"));
  if (small !== undefined && large !== undefined)
    console.log(`a start from the large image takes ${(large / small).toFixed(2)} times one from the small`);
}

/** The cost of the last pods against the first, contender by contender. */
function printGrowth(rows: readonly Row[]): void {
  for (const last of rows.filter(({ measure }) => measure === MEASURES.scaleLast)) {
    const first = rows.find(
      ({ measure, contender }) => measure === MEASURES.scaleFirst && contender === last.contender,
    );
    if (first)
      console.log(`${last.contender}: the last pods cost ${(last.median / first.median).toFixed(2)} times the first`);
  }
}
