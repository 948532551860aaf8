import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { removeTree } from "../../../src/base/remove-tree.ts";

// 60 folders of 200 characters: as a path 12 KB, three times what the kernel takes.
const DEEP = `
  const fs = require("node:fs");
  for (let i = 0; i < 60; i++) {
    fs.mkdirSync("d".repeat(200));
    process.chdir("d".repeat(200));
  }
  fs.writeFileSync("file", "x");
`;

t.test("a tree deeper than any path can say is removed", async (t) => {
  const folder = join(t.testdir({}), "tree");
  mkdirSync(folder);
  t.equal(spawnSync(process.execPath, ["-e", DEEP], { cwd: folder }).status, 0);
  await removeTree(folder);
  t.notOk(existsSync(folder));
});

t.test("what a link in the tree points to stays, and a tree that is not there is fine", async (t) => {
  const folder = t.testdir({ tree: {} });
  writeFileSync(join(folder, "kept"), "kept");
  symlinkSync(folder, join(folder, "tree/link"));
  await removeTree(join(folder, "tree"));
  await removeTree(join(folder, "tree"));
  t.equal(readFileSync(join(folder, "kept"), "utf8"), "kept");
});
