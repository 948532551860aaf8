// The operation `relabel`, with a real monitor. A kernel without SELinux keeps the attribute as any other.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { call, failedWith } from "../../../src/linux/libc.ts";
import { NO_SLOT } from "../../../src/linux/plan/table.ts";
import { type Bare, type Fixture, makeStage, rejects, stage, startMonitor } from "./harness.ts";

const LABEL = "system_u:object_r:container_file_t:s0:c1,c2";

const run = (f: Fixture, ...operations: Bare[]) => f.client.run([...makeStage, ...stage(...operations)]);

const relabel = (path: string, recursive = 1): Bare => ({ op: "relabel", dir: NO_SLOT, path, label: LABEL, recursive });

function labelOf(path: string): string | undefined {
  const value = Buffer.alloc(256);
  try {
    return value.toString("utf8", 0, call("lgetxattr", path, "security.selinux", value, value.length));
  } catch (error) {
    if (failedWith(error, "ENODATA")) return undefined;
    throw error;
  }
}

/** A folder for the test alone. */
function scratch(t: { teardown(clean: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "podrun-relabel-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

t.test("relabel labels whatever stands in a tree, follows no link and enters no other mount", async (t) => {
  const f = await startMonitor(t);
  const [folder, outside] = [scratch(t), scratch(t)];
  const before = [labelOf(outside), labelOf(join(folder))];
  mkdirSync(join(folder, "x/y/mounted"), { recursive: true });
  for (const name of ["a", "x/b", "x/y/c"]) writeFileSync(join(folder, name), "");
  for (let i = 0; i < 300; i++) writeFileSync(join(folder, `x/y/file-${i}`), "");
  symlinkSync(outside, join(folder, "link"));
  execFileSync("mkfifo", [join(folder, "x/fifo")]);
  chmodSync(join(folder, "a"), 0);
  execFileSync("mount", ["-t", "tmpfs", "none", join(folder, "x/y/mounted")]);
  t.teardown(() => void execFileSync("umount", [join(folder, "x/y/mounted")]));
  const mounted = labelOf(join(folder, "x/y/mounted"));
  await run(f, relabel(folder, 0));
  t.equal(labelOf(folder), `${LABEL}\0`);
  t.equal(labelOf(join(folder, "a")), before[1], "alone when it is not recursive");
  await run(f, relabel(join(folder, "x/b")));
  t.equal(labelOf(join(folder, "x/b")), `${LABEL}\0`, "a file has nothing below it");
  await run(f, relabel(folder));
  for (const name of ["", "a", "x", "x/b", "x/fifo", "x/y", "x/y/c", "x/y/file-299", "link"])
    t.equal(labelOf(join(folder, name)), `${LABEL}\0`, name);
  t.equal(labelOf(outside), before[0]);
  t.equal(labelOf(join(folder, "x/y/mounted")), mounted);
});

t.test("what has its label already is not changed, and the working directory stays", async (t) => {
  const f = await startMonitor(t);
  const folder = scratch(t);
  mkdirSync(join(folder, "x"));
  writeFileSync(join(folder, "x/a"), "");
  await run(f, relabel(folder));
  const changed = ["", "x", "x/a"].map((name) => statSync(join(folder, name), { bigint: true }).ctimeNs);
  const make: Bare = { op: "mkdir", dir: NO_SLOT, path: "made", mode: 0o755, resolve: 0, parents: 0 };
  const work = scratch(t);
  await run(f, { op: "chdir", dir: NO_SLOT, path: work, resolve: 0 }, relabel(folder), make);
  t.ok(existsSync(join(work, "made")));
  t.strictSame(
    ["", "x", "x/a"].map((name) => statSync(join(folder, name), { bigint: true }).ctimeNs),
    changed,
  );
});

t.test("a folder that is labelled once is labelled last, and then no more", async (t) => {
  const f = await startMonitor(t);
  const folder = scratch(t);
  mkdirSync(join(folder, "x"));
  await run(f, relabel(folder, 2));
  for (const name of ["", "x"]) t.equal(labelOf(join(folder, name)), `${LABEL}\0`, name);
  writeFileSync(join(folder, "late"), "");
  const before = labelOf(join(folder, "late"));
  await run(f, relabel(folder, 2));
  t.equal(labelOf(join(folder, "late")), before);
  const deep = scratch(t);
  mkdirSync(join(deep, ...Array.from({ length: 257 }, () => "d")), { recursive: true });
  await rejects(t, run(f, relabel(deep, 2)), { op: "relabel", errno: "ELOOP" });
  t.not(labelOf(deep), `${LABEL}\0`, "not all of it is done");
});

t.test("a tree without end is refused, a file system without labels is passed over", async (t) => {
  const f = await startMonitor(t);
  const folder = scratch(t);
  mkdirSync(join(folder, ...Array.from({ length: 257 }, () => "d")), { recursive: true });
  await rejects(t, run(f, relabel(folder)), { op: "relabel", errno: "ELOOP" });
  await rejects(t, run(f, relabel(join(folder, "none"))), { op: "relabel", errno: "ENOENT" });
  await run(f, relabel("/proc/self/status"));
});
