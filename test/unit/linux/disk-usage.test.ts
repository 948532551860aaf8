import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { DiskMeter } from "../../../src/linux/disk-meter.ts";
import { type DiskUsage, walkDiskUsage } from "../../../src/linux/disk-usage.ts";

function measure(root: string, between: () => void = () => undefined): DiskUsage | undefined {
  const walk = walkDiskUsage(root);
  for (let step = walk.next(); ; step = walk.next()) {
    if (step.done) return step.value;
    between();
  }
}

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

t.test("a folder that is changed for a link while it is walked leads nowhere", (t) => {
  const root = t.testdir({ a: { inner: { file: "x" } }, z: {} });
  for (let n = 0; n < 2500; n++) writeFileSync(join(root, "z", String(n)), "");
  mkdirSync(join(root, "away"));
  let swapped = false;
  const usage = measure(join(root), () => {
    if (swapped) return;
    swapped = true;
    renameSync(join(root, "a"), join(root, "b"));
    symlinkSync("/usr", join(root, "a"));
  });
  t.ok(swapped);
  t.ok((usage?.inodesUsed ?? 0) < 2510, `${usage?.inodesUsed} files are not those of /usr`);
  rmSync(join(root, "a"));
  t.end();
});

t.test("a meter answers what a walk says, and an error of one path is no other's", async (t) => {
  const root = t.testdir({ sub: { file: "x".repeat(5000) } });
  const meter = new DiskMeter(join(import.meta.dirname, "../../../src/linux/disk-walker.ts"));
  t.teardown(() => meter.close());
  const [usage, gone] = await Promise.all([meter.measure(root), meter.measure(join(root, "gone"))]);
  t.match(usage, { ...measure(root), millis: Number });
  t.equal(gone, undefined);
  await t.rejects(meter.measure("/no\0path"), { code: "OperationFailed", message: /null bytes/ });
  const left = meter.measure(root);
  meter.close();
  await t.rejects(left, { message: /the daemon leaves/ });
});
