// `npm run test:vm [-- core | boot | PART OF A PATH…]`: the system tests in a Debian VM with cgroup v2, AppArmor and kernel 6.1
// (scripts/vm/run), those of SELinux in another boot, with SELinux and a small policy of ours. `core` takes those that test/system/core.txt lists. `boot` is test/vm/: one machine with a real systemd
// that is started, loses its power, is started again, shut down in good order, and started once more. The VM is emulated: every timeout is multiplied.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { buildProgram } from "../test/system/support/programs.ts";
import { compilePolicy } from "./vm/selinux-policy.ts";

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

/** Runs test files in the VM; `machine` says what kind of VM it is, `before` what is done first in it. Returns the exit code. */
function runInVm(
  args: readonly string[],
  machine: Readonly<Record<string, string>> = {},
  before: readonly string[] = [],
): number {
  const node = process.execPath.replace(ROOT, "/repo");
  // The state of the tests must not lie on the shared folder: overlay cannot have its upper folder on virtiofs.
  const command = [
    ...before,
    `export PODRUN_TEST_SLOWNESS=${SLOWNESS} TMPDIR=/tmp PATH=/repo/node_modules/.bin:$PATH`,
    `exec ${quote(node)} scripts/test.ts ${args.map(quote).join(" ")}`,
  ].join("\n");
  const { status } = spawnSync(join(ROOT, "scripts/vm/run"), [command], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { VM_TIMEOUT: TIME_LIMIT_SECONDS, ...process.env, ...machine },
  });
  return status ?? 125;
}

/** The boots of one machine, in turn; one that fails leaves nothing for the next to look at. */
function runBoots(): number {
  const folder = mkdtempSync(join(tmpdir(), "podrun-boot-"));
  try {
    for (const boot of ["first-boot", "second-boot", "third-boot"]) {
      const status = runInVm(["--vm", boot], { VM_INIT: "systemd", VM_DISK: join(folder, "disk") });
      if (status !== 0) return status;
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const POLICY = "build/selinux.policy";

/** A boot of its own, for a kernel has AppArmor or SELinux: this one has a policy before the tests begin, and enforces it. */
function runSeLinuxTests(): number {
  compilePolicy(join(ROOT, POLICY));
  const load = [
    "set -e",
    "mount -t selinuxfs selinuxfs /sys/fs/selinux",
    `cat ${POLICY} >/sys/fs/selinux/load`,
    "echo 1 >/sys/fs/selinux/enforce",
  ];
  return runInVm(["--system", "selinux"], { VM_SECURITY: "selinux" }, load);
}

function runSystemTests(filters: readonly string[]): number {
  // The VM has no compiler.
  for (const source of globSync("test/system/programs/*.c", { cwd: ROOT })) buildProgram(basename(source, ".c"));
  const isSeLinux = (test: string): boolean => test.includes("selinux");
  const tests = filters.flatMap((word) => (word === "core" ? coreTests() : [word]));
  const others = tests.filter((test) => !isSeLinux(test));
  const status = others.length > 0 || tests.length === 0 ? runInVm(["--system", ...others]) : 0;
  return tests.length === 0 || tests.some(isSeLinux) ? runSeLinuxTests() || status : status;
}

const filters = process.argv.slice(2);
process.exitCode = filters.join() === "boot" ? runBoots() : runSystemTests(filters);
