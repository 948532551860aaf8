import { execFileSync } from "node:child_process";
import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { DiskMeter } from "../../../src/linux/disk-meter.ts";
import { type DiskUsage, walkDiskUsage } from "../../../src/linux/disk-usage.ts";

/** A clock that is always late: whoever looks at it has to let others have their turn. */
function lateClock(): () => number {
  let now = 0;
  return () => (now += 1000);
}

/** `between`: what others do whenever they have their turn, which is after each file then. */
function measure(root: string, between?: () => void): DiskUsage | undefined {
  const walk = walkDiskUsage(root, between && lateClock());
  for (let step = walk.next(); ; step = walk.next()) {
    if (step.done) return step.value;
    between?.();
  }
}

const isOpen = (path: string): boolean =>
  readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      // The one that this list was read by.
      return false;
    }
  });

/** What du(1) says of it, without the folder itself. */
const du = (root: string): number =>
  Number(execFileSync("du", ["-s", "--block-size=1", root], { encoding: "utf8" }).split("\t")[0]) -
  Number(execFileSync("stat", ["-c", "%b", root], { encoding: "utf8" })) * 512;

t.test("a tree counts what is allocated, a file with several names once, links not at all", (t) => {
  const root = t.testdir({ sub: { two: "x".repeat(5000) } });
  linkSync(join(root, "sub", "two"), join(root, "again"));
  symlinkSync("/usr", join(root, "usr"));
  const usage = measure(root);
  t.equal(usage?.usedBytes, du(root));
  t.equal(usage?.inodesUsed, 3, "sub, two, usr");
  t.equal(measure(join(root, "gone")), undefined);
  t.end();
});

t.test("names that are no UTF-8 and folders deeper than the longest path hide nothing", (t) => {
  const root = t.testdir();
  writeFileSync(Buffer.from(`${root}/\xff\xfe`, "latin1"), "x".repeat(5000));
  // Shell: Node names everything by its whole path.
  const deep = 'for i in $(seq 60); do mkdir "$NAME" && cd -P "$NAME" || exit 1; done; head -c 100000 /dev/zero > file';
  execFileSync("bash", ["-c", deep], { cwd: root, env: { ...process.env, NAME: "d".repeat(200) } });
  const usage = measure(root);
  t.equal(usage?.inodesUsed, 62);
  t.equal(usage?.usedBytes, du(root));
  execFileSync("rm", ["-rf", ...["d".repeat(200)]], { cwd: root });
  t.end();
});

t.test("a folder costs the same however deep it lies, and others have their turn between any two files", (t) => {
  const root = t.testdir();
  const depth = 20_000;
  let folder = openSync(root, "r");
  for (let n = 0; n < depth; n++) {
    mkdirSync(`/proc/self/fd/${folder}/d`);
    const next = openSync(`/proc/self/fd/${folder}/d`, "r");
    closeSync(folder);
    folder = next;
  }
  closeSync(folder);
  // Each looked up anew from the root this would take more than a minute.
  let turns = 0;
  const usage = measure(root, () => void turns++);
  execFileSync("rm", ["-rf", "d"], { cwd: root });
  t.equal(usage?.inodesUsed, depth);
  t.ok(turns >= depth, `${turns} turns`);
  t.end();
});

t.test("a folder that is changed for a link while it is walked leads nowhere", (t) => {
  const root = t.testdir({ a: { inner: { file: "x" } }, z: { file: "x" } });
  mkdirSync(join(root, "away"));
  const usage = measure(root, () => {
    if (readdirSync(root).includes("b")) return;
    renameSync(join(root, "a"), join(root, "b"));
    symlinkSync("/usr", join(root, "a"));
  });
  t.ok(readdirSync(root).includes("b"));
  t.ok((usage?.inodesUsed ?? 0) <= 7, `${usage?.inodesUsed} files are not those of /usr`);
  rmSync(join(root, "a"));
  t.end();
});

t.test("a folder that is moved out while it is read leads nobody out, and what is left is counted", (t) => {
  const folder = t.testdir({
    outside: { secret: "x", more: { secrets: "x" } },
    root: { a: { b: { c: { file: "x" } } } },
  });
  const root = join(folder, "root");
  writeFileSync(join(root, "a", "b", "last"), "x");
  let moved = false;
  const usage = measure(root, () => {
    // By now it is in c, for there is nothing else to be looked at.
    if (moved || !isOpen(join(root, "a/b/c"))) return;
    moved = true;
    renameSync(join(root, "a/b/c"), join(folder, "outside", "c"));
  });
  t.ok(moved);
  t.equal(usage?.inodesUsed, 5, "a, b, last, c and its file, for it was seen before it left");
  t.end();
});

t.test("a meter answers what a walk says, and an error of one path is no other's", async (t) => {
  const root = t.testdir({ sub: { file: "x".repeat(5000) } });
  const meter = new DiskMeter(join(import.meta.dirname, "../../../src/linux/disk-walker.ts"));
  t.teardown(() => meter.close());
  const [usage, gone] = await Promise.all([meter.measure(root), meter.measure(join(root, "gone"))]);
  t.match(usage, { ...measure(root), millis: Number });
  t.equal(gone, undefined);
  t.equal(meter.measure(root), meter.measure(root), "a folder is measured once at a time");
  const before = await meter.measure(root);
  writeFileSync(join(root, "more"), "");
  t.equal((await meter.measure(root))?.inodesUsed, (before?.inodesUsed ?? 0) + 1, "and anew for who asks later");
  await t.rejects(meter.measure("/no\0path"), { code: "OperationFailed", message: /null bytes/ });
  const left = meter.measure(root);
  meter.close();
  await t.rejects(left, { message: /the daemon leaves/ });
});
