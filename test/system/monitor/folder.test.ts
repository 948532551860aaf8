// Operations on folders that are made anew and swept, with a real monitor; the plans have a stage and no child.
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { O_DIRECTORY, O_PATH } from "../../../src/linux/constants.ts";
import { NO_SLOT } from "../../../src/linux/plan/table.ts";
import { type Bare, type Fixture, makeStage, rejects, SLOT, stage, startMonitor } from "./harness.ts";

const run = (f: Fixture, ...operations: Bare[]) => f.client.run([...makeStage, ...stage(...operations)]);

const open = (path: string): Bare => ({
  op: "open",
  out: SLOT.scratch,
  dir: NO_SLOT,
  path,
  flags: O_PATH | O_DIRECTORY,
  resolve: 0,
});

t.test("rename replaces what has the name, a link by a link too", async (t) => {
  const f = await startMonitor(t);
  const folder = join(f.rootfs, "tmp");
  symlinkSync("old", join(folder, "link"));
  const link: Bare = { op: "symlink", dir: SLOT.scratch, target: "new", path: "next" };
  await run(f, open(folder), link, { op: "rename", dir: SLOT.scratch, from: "next", to: "link" });
  t.equal(readlinkSync(join(folder, "link")), "new");
  t.same(readdirSync(folder), ["link"]);
  await rejects(t, run(f, open(folder), { op: "rename", dir: SLOT.scratch, from: "no", to: "a" }), { errno: "ENOENT" });
});

t.test("keep_only removes whole trees and links, follows none of them, and keeps what is named", async (t) => {
  const f = await startMonitor(t);
  const outside = mkdtempSync(join(tmpdir(), "podrun-outside-"));
  t.teardown(() => rmSync(outside, { recursive: true }));
  writeFileSync(join(outside, "file"), "");
  const tmp = join(f.rootfs, "tmp");
  for (let i = 0; i < 300; i++) writeFileSync(join(tmp, `file-${i}`), "");
  const deep = join(tmp, ...Array.from({ length: 200 }, () => "d"));
  mkdirSync(deep, { recursive: true });
  for (const name of ["x", "y"]) writeFileSync(join(deep, name), "");
  mkdirSync(join(tmp, "kept/inside"), { recursive: true });
  symlinkSync(outside, join(tmp, "link"));
  symlinkSync(outside, join(deep, "link"));
  await run(f, open(tmp), { op: "keep_only", dir: SLOT.scratch, keep: ["kept", "file-7", "absent"] });
  t.same(readdirSync(tmp).sort(), ["file-7", "kept"]);
  t.same(readdirSync(join(tmp, "kept")), ["inside"]);
  t.same(readdirSync(outside), ["file"]);
});

t.test("mountpoint_like makes a folder for a folder and a file for a file, inside the root", async (t) => {
  const f = await startMonitor(t);
  symlinkSync("/../../..", join(f.rootfs, "up"));
  const like = (path: string, target: string) =>
    run(
      f,
      { op: "open", out: SLOT.root, dir: NO_SLOT, path: f.rootfs, flags: O_PATH | O_DIRECTORY, resolve: 0 },
      { op: "open", out: SLOT.scratch, dir: SLOT.root, path, flags: O_PATH, resolve: 1 },
      { op: "mountpoint_like", dir: SLOT.root, path: target, like: SLOT.scratch },
    );
  await like("bin/busybox", "up/tmp/a/b");
  await like("bin", "tmp/folder");
  t.equal(statSync(join(f.rootfs, "tmp/a/b")).size, 0);
  t.ok(statSync(join(f.rootfs, "tmp/folder")).isDirectory());
  await rejects(t, like("bin", "bin/busybox"), { errno: "ENOTDIR" });
  await rejects(t, like("bin/busybox", "bin"), { errno: "EISDIR" });
});
