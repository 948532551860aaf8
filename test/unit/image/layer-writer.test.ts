// As root: owners are set.
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { LayerWriter } from "../../../src/image/layer-writer.ts";
import { readTar } from "../../../src/image/tar.ts";
import { type Entry, scratch, tar } from "./fixtures.ts";

async function unpack(folder: string, entries: readonly Entry[]): Promise<LayerWriter> {
  const writer = new LayerWriter(folder, "test");
  const archive = Readable.from([await tar(entries)]);
  await readTar(
    [archive],
    (header, content) => writer.write(header, content),
    (reason) => new PodrunError("Internal", reason),
  );
  writer.finish();
  return writer;
}

t.test("files, folders and links come with content, mode, owner and time", async (t) => {
  const folder = scratch(t);
  const mtime = new Date("2020-02-02T02:02:02Z");
  const writer = await unpack(folder, [
    { name: "./", type: "directory", mode: 0o750 },
    { name: "./dir/", type: "directory", mode: 0o1777, uid: 5, gid: 6, mtime },
    { name: "./dir/su", mode: 0o4755, uid: 7, gid: 8, mtime, content: "#!" },
    { name: "./dir/sym", type: "symlink", linkname: "../../outside", mtime },
    { name: "./dir/hard", type: "link", linkname: "./dir/su" },
  ]);
  const at = (path: string) => lstatSync(join(folder, path));
  t.equal(at("").mode & 0o7777, 0o750);
  t.match(at("dir"), { uid: 5, gid: 6, mtime });
  t.equal(at("dir").mode & 0o7777, 0o1777);
  t.match(at("dir/su"), { uid: 7, gid: 8, nlink: 2, mtime });
  t.equal(at("dir/su").mode & 0o7777, 0o4755, "chown does not take setuid away");
  t.equal(at("dir/hard").ino, at("dir/su").ino);
  t.equal(readlinkSync(join(folder, "dir/sym")), "../../outside");
  t.equal(writer.size, 2);
});

t.test("parents that the archive leaves out are made 0755", async (t) => {
  const folder = scratch(t);
  await unpack(folder, [{ name: "a/b/c", content: "x" }]);
  t.equal(lstatSync(join(folder, "a/b")).mode & 0o7777, 0o755);
});

t.test("a later entry replaces an earlier one, and does not write through a link", async (t) => {
  const folder = scratch(t);
  const [inside, outside] = [join(folder, "layer"), join(folder, "outside")];
  mkdirSync(inside);
  writeFileSync(outside, "safe");
  await unpack(inside, [
    { name: "f", type: "symlink", linkname: "../outside" },
    { name: "f", content: "new" },
  ]);
  t.equal(readFileSync(join(inside, "f"), "utf8"), "new");
  t.equal(readFileSync(outside, "utf8"), "safe");
});

const evil: Readonly<Record<string, readonly Entry[]>> = {
  "a path with ..": [{ name: "../evil", content: "x" }],
  "a path with .. inside": [{ name: "a/../../evil", content: "x" }],
  "a file behind a symbolic link": [
    { name: "l", type: "symlink", linkname: ".." },
    { name: "l/evil", content: "x" },
  ],
  "a folder behind a symbolic link": [
    { name: "l", type: "symlink", linkname: ".." },
    { name: "l/evil/", type: "directory" },
  ],
  "a folder in the place of a symbolic link": [
    { name: "l", type: "symlink", linkname: ".." },
    { name: "l/", type: "directory", mode: 0o777 },
  ],
  "a hard link to the outside": [{ name: "evil", type: "link", linkname: "../secret" }],
  "a hard link behind a symbolic link": [
    { name: "l", type: "symlink", linkname: ".." },
    { name: "evil", type: "link", linkname: "l/secret" },
  ],
  "a hard link to a symbolic link": [
    { name: "l", type: "symlink", linkname: "../secret" },
    { name: "evil", type: "link", linkname: "l" },
  ],
  "a hard link to what is not there": [{ name: "evil", type: "link", linkname: "nothing" }],
  "a character device": [{ name: "evil", type: "character-device", devmajor: 1, devminor: 3 }],
  "a block device": [{ name: "evil", type: "block-device", devmajor: 8, devminor: 0 }],
  "a FIFO": [{ name: "evil", type: "fifo" }],
  "a whiteout": [{ name: "dir/.wh.file", content: "" }],
  "an extended attribute": [{ name: "evil", content: "", pax: { "SCHILY.xattr.security.capability": "x" } } as Entry],
  "a file in the place of a folder": [
    { name: "d/", type: "directory" },
    { name: "d", content: "x" },
  ],
  "a root that is a file": [{ name: "./", type: "symlink", linkname: "/etc" }],
};

for (const [what, entries] of Object.entries(evil)) {
  t.test(`${what} is refused, and nothing is written outside`, async (t) => {
    const folder = scratch(t);
    const inside = join(folder, "layer");
    mkdirSync(inside);
    writeFileSync(join(folder, "secret"), "s");
    await t.rejects(unpack(inside, entries), { code: "InvalidImage", message: /image "test": layer entry/ });
    t.notOk(existsSync(join(folder, "evil")));
    t.equal(lstatSync(join(folder, "secret")).nlink, 1);
  });
}

t.test("an absolute path is one inside the layer", async (t) => {
  const folder = scratch(t);
  await unpack(folder, [{ name: "/etc/file", content: "x" }]);
  t.ok(existsSync(join(folder, "etc/file")));
});
