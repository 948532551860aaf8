// `npm test [-- [--unit | --system] [PART OF A PATH]…]`: the native tests, the unit tests, then the system tests (as root, on
// this machine's kernel). `--vm` is for scripts/test-vm.ts. What they need has been installed and built by then: see "test" in package.json.
// The last line is always `N passed, N failed`, and it counts assertions.
import { globSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runNativeTests } from "./test/native.ts";
import { printOutcome } from "./test/print.ts";
import { type Outcome, runTestFile } from "./test/run-file.ts";

const ROOT = join(import.meta.dirname, "..");

const { values: flags, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    unit: { type: "boolean", default: false },
    system: { type: "boolean", default: false },
    vm: { type: "boolean", default: false },
  },
});
const everything = !flags.unit && !flags.system && !flags.vm;

/** Test files of a folder whose path contains one of the filters. */
function testFiles(folder: string): readonly string[] {
  const wanted = (file: string): boolean => filters.length === 0 || filters.some((filter) => file.includes(filter));
  return globSync(`test/${folder}/**/*.test.ts`, { cwd: ROOT }).filter(wanted).sort();
}

/** System tests that count or fill what all of the machine shares; every other one has an instance of podrun to itself. */
function filesThatRunAlone(): ReadonlySet<string> {
  const lines = readFileSync(join(ROOT, "test/system/alone.txt"), "utf8").split("\n");
  return new Set(lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => `test/system/${line}`));
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
if (flags.vm) outcomes.push(...(await runAll(testFiles("vm"), 1, 300)));
if (everything || flags.system) {
  const alone = filesThatRunAlone();
  const files = testFiles("system");
  const together = files.filter((file) => !alone.has(file));
  // An emulated machine has no time to spare, and its cores are ours.
  const atOnce = process.env["PODRUN_TEST_SLOWNESS"] === undefined ? Math.min(2, availableParallelism()) : 1;
  const disturbed = ({ failures }: Outcome): boolean => failures.length > 0 && atOnce > 1;
  const first = await runAll(together, atOnce, 300);
  outcomes.push(...first.filter((outcome) => !disturbed(outcome)));
  // Two at once share the processors, the kernel's tables and the disk: what fails so must hold when it has them to itself.
  const again = first.filter(disturbed).map(({ file }) => file);
  if (again.length > 0) console.log(`\nonce more, alone: ${again.join(" ")}`);
  outcomes.push(...(await runAll([...again, ...files.filter((file) => alone.has(file))], 1, 300)));
}

if (outcomes.length === 0) console.log(`no test file matches: ${filters.join(" ")}`);
const sum = (of: (outcome: Outcome) => number): number => outcomes.reduce((total, outcome) => total + of(outcome), 0);
const failed = sum(({ failures }) => failures.length) + (outcomes.length === 0 ? 1 : 0);
const skipped = sum((outcome) => outcome.skipped.length);
const bad = outcomes.filter(({ failures }) => failures.length > 0).map(({ file }) => file);
if (skipped > 0) console.log(`\n${skipped} skipped, each with its reason above`);
if (bad.length > 0) console.log(`\nfailed in: ${bad.join(" ")}`);
console.log(`\n${sum(({ passed }) => passed)} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
