import { spawnSync } from "node:child_process";
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { readInside } from "../../../src/linux/read-inside.ts";

t.test("a file is read whole, and none that a link of the folder names outside of it", async (t) => {
  const base = t.testdir({ outside: "secret", folder: { sub: { file: "words" } } });
  const folder = join(base, "folder");
  const link = (name: string, target: string): void => symlinkSync(target, join(folder, name));
  link("inside", "sub/file");
  link("rooted", "/sub/file");
  link("up", "../outside");
  link("absolute", join(base, "outside"));
  link("folders", "..");
  link("magic", "/proc/self/root/etc/passwd");
  const read = (path: string, most = 5): string | undefined => readInside(folder, path, most)?.toString();
  for (const path of ["sub/file", "inside", "rooted"]) t.equal(read(path), "words", path);
  const none = ["none", "none/file", "sub/file/x", "up", "absolute", "folders/outside", "../outside", "magic"];
  for (const path of none) t.equal(read(path), undefined, path);
  t.equal(readInside(join(base, "gone"), "file", 5), undefined);
  writeFileSync(join(folder, "empty"), "");
  t.equal(read("empty"), "");
});

t.test("what is too large or no plain file is refused, and a pipe keeps nobody waiting", async (t) => {
  const folder = t.testdir({ file: "words!", sub: {} });
  t.equal(spawnSync("mkfifo", [join(folder, "pipe")]).status, 0);
  symlinkSync("loop", join(folder, "loop"));
  const read = (path: string) => () => readInside(folder, path, 5);
  t.throws(read("file"), { code: "InvalidObject", message: 'file "file" is larger than 5 bytes' });
  for (const path of ["pipe", "sub"])
    t.throws(read(path), { code: "InvalidObject", message: `file "${path}" is no plain file` });
  t.throws(read("loop"), { code: "OperationFailed", details: { errno: "ELOOP" } });
});
