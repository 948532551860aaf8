// `npm test [-- [--unit | --system] [PART OF A PATH]…]`: the native tests, the unit tests, then the system tests (as root, on
// this machine's kernel). What they need has been installed and built by then: see "test" in package.json.
// The last line is always `N passed, N failed`, and it counts assertions.
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runNativeTests } from "./test/native.ts";
import { printOutcome } from "./test/print.ts";
import { type Outcome, runTestFile } from "./test/run-file.ts";

const ROOT = join(import.meta.dirname, "..");

const { values: flags, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: { unit: { type: "boolean", default: false }, system: { type: "boolean", default: false } },
});
const everything = !flags.unit && !flags.system;

/** Test files of a folder whose path contains one of the filters. */
function testFiles(folder: string): readonly string[] {
  const wanted = (file: string): boolean => filters.length === 0 || filters.some((filter) => file.includes(filter));
  return globSync(`test/${folder}/**/*.test.ts`, { cwd: ROOT }).filter(wanted).sort();
}

/** Runs the files, `atOnce` of them side by side, and prints each outcome as it comes. */
async function runAll(files: readonly string[], atOnce: number, timeoutSeconds: number): Promise<readonly Outcome[]> {
  const waiting = [...files];
  const outcomes: Outcome[] = [];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const outcome = await runTestFile(ROOT, file, timeoutSeconds);
      outcomes.push(outcome);
      printOutcome(outcome);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return outcomes;
}

const outcomes: Outcome[] = [];
if (everything && filters.length === 0) {
  const native = await runNativeTests(ROOT);
  printOutcome(native);
  outcomes.push(native);
}
if (everything || flags.unit) outcomes.push(...(await runAll(testFiles("unit"), availableParallelism(), 120)));
// One at a time: they measure and count what is on the machine (links, cgroups, processes).
if (everything || flags.system) outcomes.push(...(await runAll(testFiles("system"), 1, 300)));

if (outcomes.length === 0) console.log(`no test file matches: ${filters.join(" ")}`);
const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0);
const failed = sum(({ failures }) => failures.length) + (outcomes.length === 0 ? 1 : 0);
const skipped = sum((outcome) => outcome.skipped.length);
const bad = outcomes.filter(({ failures }) => failures.length > 0).map(({ file }) => file);
if (skipped > 0) console.log(`\n${skipped} skipped, each with its reason above`);
if (bad.length > 0) console.log(`\nfailed in: ${bad.join(" ")}`);
console.log(`\n${sum(({ passed }) => passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
