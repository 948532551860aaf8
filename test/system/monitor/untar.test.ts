// Archives as tools make them: the folder is what GNU tar makes of them, and the skeleton gives back the archive.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { startMonitor, type Tap } from "./harness.ts";
import {
  archive,
  END,
  entry,
  file,
  folder,
  hardlink,
  makeFolder,
  paxRecord,
  retar,
  symlink,
  untar,
} from "./untar-support.ts";

type Test = Tap.Test & Tap.Assert & { equal(found: unknown, wanted: unknown, name: string): boolean };

const BIG = 64 * 1024 * 1024;
const EXACT = ["--xattrs", "--xattrs-include=*", "--numeric-owner"];

/** Names, kinds, owners, modes, times, links, devices, attributes and content of a tree, as one number. */
function treeDigest(root: string): string {
  const form = ["--sort=name", "--format=pax", "--pax-option=delete=atime,delete=ctime"];
  const listing = execFileSync("tar", ["-C", root, ...EXACT, ...form, "-cf", "-", "."], { maxBuffer: 4 * BIG });
  return createHash("sha256").update(listing).digest("hex");
}

/** A bit of everything that an image may hold. */
function makeTree(root: string): void {
  const at = (name: string): string => join(root, name);
  for (const name of ["usr", "usr/lib", "usr/bin", "var", "var/empty"]) mkdirSync(at(name));
  symlinkSync("usr/lib", at("lib"));
  symlinkSync("/nowhere/at/all", at("dangling"));
  writeFileSync(at("usr/bin/tool"), "#!/bin/sh\n");
  chownSync(at("usr/bin/tool"), 12, 34);
  chmodSync(at("usr/bin/tool"), 0o6755);
  linkSync(at("usr/bin/tool"), at("usr/bin/zz-other-name"));
  writeFileSync(at("usr/lib/data"), Buffer.alloc(300_001, "0123456789"));
  writeFileSync(at("usr/lib/empty"), "");
  writeFileSync(at("var/sparse"), "begin");
  truncateSync(at("var/sparse"), 5_000_000);
  const long = `${"l".repeat(120)}/${"m".repeat(120)}`;
  mkdirSync(at(long), { recursive: true });
  writeFileSync(at(`${long}/${"n".repeat(200)}`), "long");
  symlinkSync("t".repeat(300), at("long-link"));
  execFileSync("mkfifo", ["-m", "622", at("fifo")]);
  execFileSync("mknod", ["-m", "640", at("char"), "c", "1", "3"]);
  execFileSync("mknod", ["-m", "600", at("block"), "b", "7", "200"]);
  chmodSync(at("var"), 0o1777);
  chmodSync(at("var/empty"), 0o2750);
  for (const name of ["usr/lib/data", "usr/lib", "usr", "var"]) utimesSync(at(name), 1_234_567.125, 1_234_567.125);
}

/** Unpacks with the monitor and with GNU tar, and packs again. */
async function compare(t: Test, bytes: Buffer, what: string, rooted = true): Promise<string> {
  const fixture = await startMonitor(t);
  const [ours, theirs] = [makeFolder(t), makeFolder(t)];
  const made = await untar(fixture, ours, bytes);
  t.equal(made.line[0], "done", `${what}: ${made.line.join(" ")}`);
  t.equal(made.status, 0, what);
  execFileSync("tar", ["-C", theirs, ...EXACT, "-xpf", "-"], { input: bytes });
  // Without an entry of its own the root has the time of its making.
  if (!rooted) for (const root of [ours, theirs]) utimesSync(root, 1, 1);
  t.equal(treeDigest(ours), treeDigest(theirs), `${what}: the same tree`);
  const again = await retar(fixture, ours, made.output);
  t.equal(again.line[0], "done", again.line.join(" "));
  t.ok(again.output.equals(bytes), `${what}: the same archive`);
  return ours;
}

const makeArchive = (command: string, root: string, ...options: string[]): Buffer =>
  execFileSync(command, ["-C", root, ...options, "-cf", "-", "."], { maxBuffer: BIG });

for (const options of [
  ["--format=pax"],
  ["--format=gnu"],
  ["--format=oldgnu"],
  ["--format=gnu", "--sparse"],
  ["--format=pax", "--sparse", "--sparse-version=0.0"],
  ["--format=pax", "--sparse", "--sparse-version=0.1"],
  ["--format=pax", "--sparse", "--sparse-version=1.0"],
])
  t.test(`an archive of tar ${options.join(" ")} comes out as with tar, and comes back byte for byte`, async (t) => {
    const tree = makeFolder(t);
    makeTree(tree);
    await compare(t, makeArchive("tar", tree, ...options), options.join(" "));
  });

for (const form of ["ustar", "v7"])
  t.test(`an archive in the ${form} form comes out as with tar, and comes back byte for byte`, async (t) => {
    const tree = makeFolder(t);
    mkdirSync(join(tree, "folder"));
    writeFileSync(join(tree, "folder/file"), "content");
    linkSync(join(tree, "folder/file"), join(tree, "folder/link"));
    symlinkSync("file", join(tree, "folder/symlink"));
    await compare(t, makeArchive("tar", tree, `--format=${form}`), form);
  });

t.test("attributes, file capabilities and ACLs are kept; overlay's own and another machine's are not", async (t) => {
  const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
  const pax = { "SCHILY.xattr.user.note": Buffer.from("a\0b"), "SCHILY.xattr.security.capability": capability };
  const good = archive(
    folder("./"),
    file("f", "content", { uid: 7, mode: 0o4755, pax }),
    folder("d/", { pax: { "SCHILY.xattr.user.d": "1" } }),
  );
  const root = await compare(t, good, "attributes");
  t.equal(lstatSync(join(root, "f")).mode & 0o7777, 0o4755);

  const fixture = await startMonitor(t);
  const target = makeFolder(t);
  const forged = {
    "SCHILY.xattr.trusted.overlay.opaque": "y",
    "SCHILY.xattr.trusted.overlay.redirect": "/etc",
    "SCHILY.xattr.user.overlay.opaque": "y",
    "SCHILY.xattr.security.selinux": "label",
    "SCHILY.xattr.user.kept": "yes",
  };
  await untar(fixture, target, archive(folder("d", { pax: forged })));
  const listing = execFileSync("tar", ["-C", target, ...EXACT, "--format=pax", "-cf", "-", "d"]).toString("latin1");
  t.same(
    [...listing.matchAll(/SCHILY\.xattr\.([^=]*)=/g)].map(([, name]) => name),
    ["user.kept"],
  );
});

t.test(
  "an archive whose order is odd comes out right: content before its folder, times of folders at any time",
  async (t) => {
    const bytes = archive(
      folder("./", { mtime: 77 }),
      file("a/b/c", "first"),
      folder("a/", { mtime: 1000, mode: 0o700 }),
      folder("a/b/", { mtime: 2000 }),
      file("x", "x"),
      file("a/b/d", "second"),
      symlink("lib", "a/b"),
      file("lib/through", "by a link"),
      hardlink("z", "lib/through"),
      folder("./a", { mtime: 3000 }),
    );
    const fixture = await startMonitor(t);
    const root = makeFolder(t);
    const made = await untar(fixture, root, bytes);
    t.same(made.line, ["done", "10", String("first".length + 1 + "second".length + "by a link".length)]);
    const seconds = (name: string): number => lstatSync(join(root, name)).mtimeMs / 1000;
    t.same([".", "a", "a/b", "a/b/d"].map(seconds), [77, 3000, 2000, 1_000_000_000]);
    t.equal(readFileSync(join(root, "a/b/through"), "utf8"), "by a link");
    t.equal(lstatSync(join(root, "z")).ino, lstatSync(join(root, "a/b/through")).ino);
    t.ok((await retar(fixture, root, made.output)).output.equals(bytes));
  },
);

t.test("what comes twice is there as it came last, and then the archive cannot be given back", async (t) => {
  const fixture = await startMonitor(t);
  const root = makeFolder(t);
  const deep = Array.from({ length: 300 }, (_, i) => folder(`tree/${"d/".repeat(i + 1)}`));
  const bytes = archive(
    file("f", "old"),
    hardlink("kept", "f"),
    file("f", "new", { mode: 0o600 }),
    folder("tree"),
    ...deep,
    file("tree/d/d/file", "lost"),
    file("tree", "a file now"),
    symlink("s", "f"),
    folder("s"),
    folder("g", { mode: 0o700 }),
    file("g/in", "stays"),
    folder("g", { mode: 0o755 }),
  );
  const made = await untar(fixture, root, bytes);
  t.equal(made.line[0], "done", made.line.join(" "));
  const read = (name: string): string => readFileSync(join(root, name), "utf8");
  t.same(["f", "kept", "tree", "g/in"].map(read), ["new", "old", "a file now", "stays"]);
  t.ok(lstatSync(join(root, "s")).isDirectory());
  t.equal(lstatSync(join(root, "g")).mode & 0o7777, 0o755);
  const again = await retar(fixture, root, made.output);
  t.equal(again.status, 1 << 8);
  t.same(again.line, ["damaged", "replaced", "0", "f"]);
});

const opaque = (path: string): boolean =>
  execFileSync("tar", ["-C", path, ...EXACT, "--format=pax", "--no-recursion", "-cf", "-", "."])
    .toString("latin1")
    .includes("SCHILY.xattr.trusted.overlay.opaque=y");
const gone = (path: string): boolean => lstatSync(path).isCharacterDevice() && lstatSync(path).rdev === 0;

t.test("whiteouts take overlay's form; an entry of the same name wins, before or after", async (t) => {
  const fixture = await startMonitor(t);
  const root = makeFolder(t);
  const bytes = archive(
    file(".wh.gone"),
    file("deep/down/.wh.gone"),
    file("opaque/.wh..wh..opq"),
    file(".wh..wh.plnk/1.2", "aufs"),
    file(".wh..wh.aufs"),
    file(".wh.first"),
    file("first", "wins"),
    file("second", "wins"),
    file(".wh.second"),
    file(".wh.folder1"),
    folder("folder1"),
    folder("folder2"),
    file(".wh.folder2"),
    file(".wh.folder3"),
    file("folder3/file", "in it"),
    file(".wh.gone2"),
    file("gone2/.wh.below"),
  );
  const made = await untar(fixture, root, bytes);
  t.equal(made.line[0], "done", made.line.join(" "));
  const at = (name: string): string => join(root, name);
  t.same(
    ["gone", "deep/down/gone", "gone2"].map((name) => gone(at(name))),
    [true, true, true],
  );
  t.same(
    ["opaque", "folder1", "folder2", "folder3"].map((name) => opaque(at(name))),
    [true, true, true, true],
  );
  t.same([opaque(at("deep")), opaque(root)], [false, false]);
  t.same(
    ["first", "second"].map((name) => readFileSync(at(name), "utf8")),
    ["wins", "wins"],
  );
  t.notOk(readdirSync(root).some((name) => name.startsWith(".wh.")));
  t.ok((await retar(fixture, root, made.output)).output.equals(bytes));
});

t.test("an archive may end without its zero blocks, and what stands behind them comes back too", async (t) => {
  const one = entry(file("f", "content"));
  await compare(t, one, "no zero blocks", false);
  await compare(t, Buffer.concat([one, END.subarray(512)]), "one zero block", false);
  const fixture = await startMonitor(t);
  for (const tail of [Buffer.from("left over"), Buffer.alloc(100_000)]) {
    const root = makeFolder(t);
    const bytes = Buffer.concat([one, END, tail]);
    const made = await untar(fixture, root, bytes);
    t.same(made.line, ["done", "1", "7"]);
    t.ok((await retar(fixture, root, made.output)).output.equals(bytes));
  }
  t.same((await untar(fixture, makeFolder(t), Buffer.alloc(0))).line, ["done", "0", "0"], "an empty archive");
});

t.test("names are bytes, numbers may be base 256, checksums signed, and global headers are passed over", async (t) => {
  const name = Buffer.from([0x66, 0xff, 0xc3, 0x28]);
  const signed = (() => {
    const plain = entry(file("", "x", { raw: { 0: name } }));
    const sum = plain
      .subarray(0, 512)
      .reduce((left, byte, i) => left + (i >= 148 && i < 156 ? 32 : (byte << 24) >> 24), 0);
    return file("", "x", { raw: { 0: name }, checksum: `${sum.toString(8).padStart(6, "0")}\0 ` });
  })();
  const big = Buffer.from("80000000000f4240", "hex"); // one million
  const global = { name: "g", type: "g", content: paxRecord("comment", "everything") };
  const root = await compare(
    t,
    Buffer.concat([
      entry(folder("./")),
      entry(global),
      entry(signed),
      entry(file("big", "y", { raw: { 108: big } })),
      END,
    ]),
    "odd",
  );
  t.same(
    readdirSync(root, { encoding: "buffer" }).filter((n) => n[0] === 0x66),
    [name],
  );
  t.equal(lstatSync(join(root, "big")).uid, 1_000_000);
});

t.test("bsdtar's archives come out and come back", async (t) => {
  const tree = makeFolder(t);
  makeTree(tree);
  const fixture = await startMonitor(t);
  for (const form of ["pax", "gnutar", "ustar"]) {
    if (form === "ustar") execFileSync("rm", ["-r", join(tree, "l".repeat(120)), join(tree, "long-link")]);
    const root = makeFolder(t);
    const bytes = execFileSync("bsdtar", ["-C", tree, `--format=${form}`, "-cf", "-", "."], { maxBuffer: BIG });
    const made = await untar(fixture, root, bytes);
    t.equal(made.line[0], "done", made.line.join(" "));
    t.ok((await retar(fixture, root, made.output)).output.equals(bytes), form);
    t.equal(readlinkSync(join(root, "lib")), "usr/lib");
    t.equal(lstatSync(join(root, "var/sparse")).size, 5_000_000);
  }
});
