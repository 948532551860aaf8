import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Longer files are split: what does not fit into a few screens is not one thing. */
const LINES_AT_MOST = 400;
const MEDIAN_WANTED = 120;

const SOURCES = ["src/**/*.ts", "scripts/**/*.ts", "test/**/*.ts", "bench/**/*.ts", "native/**/*.{c,h}"];
const isGenerated = (file: string): boolean => file.endsWith(".gen.ts") || /(^|\/)(gen|build)\//.test(file);

/** Prints the median and the longest of the hand-written files, and returns those that are too long. */
export function reportSizes(root: string): readonly string[] {
  const sizes = SOURCES.flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((file) => !isGenerated(file))
    .map((file) => ({ file, lines: readFileSync(join(root, file), "utf8").split("\n").length - 1 }))
    .sort((a, b) => b.lines - a.lines);
  const median = sizes[Math.floor(sizes.length / 2)]?.lines ?? 0;
  const longest = sizes.slice(0, 3).map(({ file, lines }) => `${file} ${lines}`);
  console.log(
    `  ${sizes.length} files, median ${median} lines (wanted: at most ${MEDIAN_WANTED}), longest: ${longest.join(", ")}`,
  );
  return sizes
    .filter(({ lines }) => lines > LINES_AT_MOST)
    .map(
      ({ file, lines }) => `${file} has ${lines} lines; at most ${LINES_AT_MOST} are allowed: split it by what it does`,
    );
}
