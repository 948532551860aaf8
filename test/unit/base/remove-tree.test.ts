import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { removeTree } from "../../../src/base/remove-tree.ts";

// 160 folders of 200 characters: as a path 32 KB, eight times what the kernel takes, and more than are held open at once.
const DEEP = `
  const fs = require("node:fs");
  for (let i = 0; i < 160; i++) {
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

/** Exchanges two names of a folder for as long as it runs (renameat2, RENAME_EXCHANGE, from outside as a container would). */
const SWAP = `
import ctypes, os, sys
libc = ctypes.CDLL(None)
print("ready", flush=True)
while True:
    try:
        folder = os.open(sys.argv[1], os.O_RDONLY)
    except FileNotFoundError:
        continue
    for _ in range(200):
        libc.renameat2(folder, b"folder", folder, b"link", 2)
    os.close(folder)
`;

t.test("nothing outside is removed while somebody swaps a folder of the tree for a link", async (t) => {
  const folder = t.testdir({ tree: {}, outside: {} });
  const outside = join(folder, "outside");
  const tree = join(folder, "tree");
  const names = Array.from({ length: 20 }, (_, index) => `file-${index}`);
  for (const name of names) writeFileSync(join(outside, name), "");
  const swapper = spawn("python3", ["-c", SWAP, tree], { stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(() => swapper.kill("SIGKILL"));
  await once(swapper.stdout, "data");
  for (let round = 0; round < 100; round++) {
    mkdirSync(join(tree, "folder"), { recursive: true });
    for (const name of names) writeFileSync(join(tree, "folder", name), "");
    symlinkSync(outside, join(tree, "link"));
    await removeTree(tree);
  }
  t.same(readdirSync(outside).sort(), [...names].sort());
});

t.test("files whose names are no text, in folders that may not be entered, are removed too", async (t) => {
  const folder = join(t.testdir({}), "tree");
  mkdirSync(join(folder, "closed/inner"), { recursive: true });
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/closed/`), Buffer.of(0xff, 0xfe)]), "");
  chmodSync(join(folder, "closed"), 0);
  await removeTree(folder);
  t.notOk(existsSync(folder));
});
