// `npm run test:vm [-- core | PART OF A PATH…]`: the system tests in a Debian VM with cgroup v2, AppArmor and kernel 6.1
// (scripts/vm/run). `core` takes those that test/system/core.txt lists. The VM is emulated: every timeout is multiplied.
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { buildProgram } from "../test/system/support/programs.ts";

const ROOT = join(import.meta.dirname, "..");

/** Multiplies the time that a test file may take, which is generous already. */
const SLOWNESS = "4";
const TIME_LIMIT_SECONDS = "3600";

/** The lines of the list, without comments. */
const coreTests = (): readonly string[] =>
  readFileSync(join(ROOT, "test/system/core.txt"), "utf8")
    .split("\n")
    .map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "");

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

// The VM has no compiler.
for (const source of globSync("test/system/programs/*.c", { cwd: ROOT })) buildProgram(basename(source, ".c"));

const filters = process.argv.slice(2).flatMap((word) => (word === "core" ? coreTests() : [word]));
const node = process.execPath.replace(ROOT, "/repo");
// The state of the tests must not lie on the shared folder: overlay cannot have its upper folder on virtiofs.
const command = [
  `export PODRUN_TEST_SLOWNESS=${SLOWNESS} TMPDIR=/tmp PATH=/repo/node_modules/.bin:$PATH`,
  `exec ${quote(node)} scripts/test.ts --system ${filters.map(quote).join(" ")}`,
].join("\n");

const { status } = spawnSync(join(ROOT, "scripts/vm/run"), [command], {
  stdio: ["ignore", "inherit", "inherit"],
  env: { VM_TIMEOUT: TIME_LIMIT_SECONDS, ...process.env },
});
process.exitCode = status ?? 125;
