// `npm run check`: everything about the sources that can be said without running them. Every step runs even when an earlier
// one failed, so that one run shows all there is to mend.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { undocumentedErrors } from "./check/errors.ts";
import { layerProblems } from "./check/layers.ts";
import { reportSizes } from "./check/sizes.ts";

const ROOT = join(import.meta.dirname, "..");

/** One thing to check: the problems found, none when all is well. A tool that prints its own findings returns its verdict. */
interface Step {
  readonly name: string;
  readonly run: () => readonly string[];
}

const tool = (command: string, ...args: string[]): readonly string[] => {
  const { status, signal, error } = spawnSync(command, args, { cwd: ROOT, stdio: "inherit" });
  if (error) return [`${command}: ${error.message}`];
  return status === 0 ? [] : [`${command} ${args.join(" ")}: ${signal ?? `exit code ${status}`}`];
};

const bin = (name: string): string => join(ROOT, "node_modules/.bin", name);

const STEPS: readonly Step[] = [
  { name: "types", run: () => tool(bin("tsc"), "--noEmit", "-p", ".") },
  { name: "lint and format", run: () => tool(bin("biome"), "check", "--error-on-warnings", ".") },
  { name: "layers and cycles", run: () => layerProblems(join(ROOT, "src")) },
  { name: "generated codecs", run: () => tool(process.execPath, "scripts/generate.ts", "--check") },
  { name: "generated fields", run: () => tool(process.execPath, "scripts/generate-fields.ts", "--check") },
  { name: "errors documented", run: () => undocumentedErrors(ROOT) },
  { name: "file sizes", run: () => reportSizes(ROOT) },
];

let failed = 0;
for (const { name, run } of STEPS) {
  const start = performance.now();
  const problems = run();
  for (const problem of problems) console.log(`  ${problem}`);
  if (problems.length > 0) failed++;
  const took = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${problems.length === 0 ? "ok    " : "FAILED"} ${name} (${took} s)`);
}
process.exitCode = failed === 0 ? 0 : 1;
