import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { writeFileAtomic } from "../../../src/base/atomic-file.ts";

function scratch(t: { teardown(clean: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "podrun-atomic-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

t.test("a file is made, then replaced, with the permissions asked for, and nothing else stays", async (t) => {
  const path = join(scratch(t), "file");
  writeFileAtomic(path, "old");
  t.equal(statSync(path).mode & 0o7777, 0o600);
  const { ino } = statSync(path);
  writeFileAtomic(path, Buffer.from("new"), { mode: 0o644, durable: false });
  t.equal(readFileSync(path, "utf8"), "new");
  t.equal(statSync(path).mode & 0o7777, 0o644);
  t.not(statSync(path).ino, ino, "a reader of the old file keeps it whole");
  t.same(readdirSync(join(path, "..")), ["file"]);
});

t.test("when it fails the old file is as it was, and nothing else stays", async (t) => {
  const folder = scratch(t);
  mkdirSync(join(folder, "file/inside"), { recursive: true });
  t.throws(() => writeFileAtomic(join(folder, "file"), "x"), { code: "EISDIR" });
  t.same(readdirSync(folder), ["file"]);
  t.throws(() => writeFileAtomic(join(folder, "nowhere/file"), "x"), { code: "ENOENT" });
});

t.test("a symbolic link is replaced, not followed", async (t) => {
  const folder = scratch(t);
  writeFileSync(join(folder, "target"), "safe");
  symlinkSync("target", join(folder, "link"));
  writeFileAtomic(join(folder, "link"), "x");
  t.equal(readFileSync(join(folder, "target"), "utf8"), "safe");
  t.throws(() => readlinkSync(join(folder, "link")), { code: "EINVAL" });
});
