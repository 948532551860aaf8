import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import { readAccountFile } from "../../../src/image/accounts.ts";
import { scratch } from "./fixtures.ts";
import { packer } from "./packer.ts";

/** Folders in overlay's form, lowest first. */
function layers(t: { teardown(clean: () => void): void }, ...make: readonly ((folder: string) => void)[]): string[] {
  const root = scratch(t);
  return make.map((fill, index) => {
    const folder = join(root, String(index));
    mkdirSync(folder);
    fill(folder);
    return folder;
  });
}

const file = (path: string, text: string) => (folder: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};
const whiteout = (path: string) => (folder: string) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  execFileSync("mknod", [join(folder, path), "c", "0", "0"]);
};
const opaque = (path: string, value: string) => (folder: string) => {
  mkdirSync(join(folder, path), { recursive: true });
  execFileSync("python3", ["-c", SET_OPAQUE, join(folder, path), value]);
};
const SET_OPAQUE = "import os, sys; os.setxattr(sys.argv[1], 'trusted.overlay.opaque', sys.argv[2].encode())";

const read = (folders: readonly string[]): string =>
  readAccountFile(folders, "passwd", (folder) => packer.isOpaque(folder));
const low = file("etc/passwd", "low\n");

t.test("a passwd that a higher layer has removed is not read", async (t) => {
  t.equal(read(layers(t, low, whiteout("etc/passwd"))), "");
  t.equal(read(layers(t, low, whiteout("etc"))), "");
  t.equal(read(layers(t, low, whiteout("etc/passwd"), file("etc/passwd", "high\n"))), "high\n");
});

t.test("a passwd below an opaque folder is not read; in the opaque folder itself it is", async (t) => {
  t.equal(read(layers(t, low, opaque("etc", "y"))), "");
  t.equal(read(layers(t, low, opaque("etc", "n"))), "low\n");
  const replaced = (folder: string): void => {
    opaque("etc", "y")(folder);
    file("etc/passwd", "new\n")(folder);
  };
  t.equal(read(layers(t, low, replaced)), "new\n");
  t.equal(read(layers(t, low, replaced, file("etc/hosts", ""))), "new\n");
  t.equal(read(layers(t, low, opaque(".", "y"))), "", "the root's own");
});

t.test("a FIFO, a device or a link with the name of passwd is not opened", async (t) => {
  const fifo = (folder: string) => {
    mkdirSync(join(folder, "etc"));
    execFileSync("mkfifo", [join(folder, "etc/passwd")]);
  };
  const link = (folder: string) => {
    mkdirSync(join(folder, "etc"));
    symlinkSync("/etc/passwd", join(folder, "etc/passwd"));
  };
  t.equal(read(layers(t, low, fifo)), "");
  t.equal(read(layers(t, low, link)), "");
});
