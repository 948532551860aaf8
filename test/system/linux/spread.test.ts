import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { ImageFolders } from "../../../src/image/folders.ts";
import { spreadFolders } from "../../../src/linux/spread.ts";

const EXT4 = 0xef53;

const folder = mkdtempSync(join(tmpdir(), "podrun-spread-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const attributes = (path: string): string =>
  execFileSync("lsattr", ["-d", path], { encoding: "utf8" }).split(" ")[0] ?? "";

t.test("on ext4 a folder gets the attribute T, and keeps the others", async (t) => {
  if (statfsSync(folder).type !== EXT4) return t.pass("another file system");
  const path = join(folder, "trees");
  mkdirSync(path);
  execFileSync("chattr", ["+A", path]);
  spreadFolders(path);
  t.match(attributes(path), /A.*T/);
  spreadFolders(path);
  t.match(attributes(path), /A.*T/);
});

t.test("a file system that knows no such advice gets none", async (t) => {
  spreadFolders("/proc");
  t.throws(() => spreadFolders(join(folder, "missing")), { code: "ENOENT" });
});

t.test("the folder that layers are made in is spread before the first is made there, and once", async (t) => {
  const told: string[] = [];
  const folders = new ImageFolders(folder, (path) => told.push(path));
  await folders.withTemporary(async (place) => t.same(told, [join(place, "..")]));
  await folders.withTemporary(async () => undefined);
  t.equal(told.length, 1);
});
