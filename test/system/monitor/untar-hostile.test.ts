// Archives that nobody should make: nothing outside the folder changes, and the one line says what is wrong.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t from "tap";
import { type Fixture, startMonitor } from "./harness.ts";
import {
  archive,
  entry,
  file,
  folder,
  hardlink,
  makeFolder,
  paxRecord,
  type RawEntry,
  retar,
  symlink,
  untar,
} from "./untar-support.ts";

/** One monitor for the whole file. */
const fixture: Fixture = await startMonitor(t);

/** A layer's folder with something beside it that must stay as it is. */
function makeLayer(t: { teardown(handler: () => unknown): void }): {
  readonly layer: string;
  readonly outside: () => string;
} {
  const around = makeFolder(t);
  const layer = join(around, "layer");
  mkdirSync(layer);
  writeFileSync(join(around, "secret"), "secret");
  const outside = (): string => {
    const stats = [around, join(around, "secret")].map((path) =>
      JSON.stringify(lstatSync(path, { bigint: true }), (_, v) => String(v)),
    );
    return createHash("sha256")
      .update([...stats, readFileSync(join(around, "secret"), "utf8"), ...readdirSync(around)].join())
      .digest("hex");
  };
  return { layer, outside };
}

const refusals: readonly (readonly [string, readonly RawEntry[], readonly (string | RegExp)[]])[] = [
  ["a name that goes up", [file("../evil", "x")], ["outside", "name", "0", "../evil"]],
  ["a name that goes up behind a folder", [file("a/../../evil", "x")], ["outside", "name", "0", "a/../../evil"]],
  ["an absolute name that goes up", [file("/../evil", "x")], ["outside", "name", "0", "/../evil"]],
  ["a hard link that goes up", [hardlink("h", "../secret")], ["outside", "name", "0", "../secret"]],
  ["a hard link to an absolute name", [hardlink("h", "/secret")], ["conflict", "linkat", "2", "h"]],
  [
    "a hard link through a link that goes up",
    [symlink("up", ".."), hardlink("h", "up/secret")],
    ["conflict", "linkat", "2", "h"],
  ],
  ["a hard link to a folder", [folder("d"), hardlink("h", "d")], ["conflict", "linkat", "1", "h"]],
  ["a hard link to itself", [file("h", "x"), hardlink("h", "h")], ["conflict", "linkat", "2", "h"]],
  ["links in a circle", [symlink("a", "b"), symlink("b", "a"), file("a/f", "x")], ["conflict", "openat2", "40", "a/f"]],
  ["a file where a folder is needed", [file("a", "x"), file("a/f", "x")], ["conflict", "openat2", "20", "a/f"]],
  ["a root that is a file", [file("./", "x")], ["conflict", "root", "21", ""]],
  ["a wrong checksum", [file("f", "x", { checksum: "000001\0 " })], ["damaged", "checksum", "0", ""]],
  ["a checksum that is no number", [file("f", "x", { checksum: "zzzzzz\0 " })], ["damaged", "checksum", "0", ""]],
  ["a size that is no number", [file("f", "x", { raw: { 124: "99999999999" } })], ["damaged", "size", "0", "f"]],
  ["a negative size", [file("f", "x", { raw: { 124: Buffer.alloc(12, 0xff) } })], ["damaged", "size", "0", "f"]],
  [
    "a size over 63 bits",
    [file("f", "x", { raw: { 124: Buffer.from("80000000ffffffffffffffff", "hex") } })],
    ["damaged", "size", "0", "f"],
  ],
  ["an owner over 32 bits", [file("f", "x", { pax: { uid: "4294967296" } })], ["damaged", "uid", "0", "f"]],
  ["nobody's owner", [file("f", "x", { pax: { gid: "4294967295" } })], ["damaged", "gid", "0", "f"]],
  [
    "an extended size that is no number",
    [file("f", "x", { pax: { size: "-5" } })],
    ["damaged", "extended-header", "0", ""],
  ],
  [
    "an extended size over 63 bits",
    [file("f", "x", { pax: { size: "99999999999999999999" } })],
    ["damaged", "extended-header", "0", ""],
  ],
  ["an extended name with a NUL", [file("f", "x", { pax: { path: "a\0b" } })], ["damaged", "extended-header", "0", ""]],
  [
    "a record without an end",
    [{ name: "x", type: "x", content: "99 path=a\n" }, file("f")],
    ["damaged", "extended-header", "0", ""],
  ],
  [
    "an extended header and nothing behind",
    [{ name: "x", type: "x", content: paxRecord("path", "p") }],
    ["damaged", "extended-header-alone", "0", ""],
  ],
  [
    "an extended header of two megabytes",
    [{ name: "x", type: "x", content: Buffer.alloc(2 << 20, 32) }],
    ["unsupported", "extended-header-size", "0", ""],
  ],
  [
    "a name of 300 bytes",
    [file("f", "x", { longName: "n".repeat(300) })],
    ["unsupported", "name", "36", "n".repeat(300)],
  ],
  [
    "a path of 10,000 folders",
    [file("f", "x", { longName: "d/".repeat(10_000) })],
    ["unsupported", "name", "36", "d/".repeat(2048)],
  ],
  ["an unknown type", [{ name: "f", type: "Z" }], ["unsupported", "type", "0", "f"]],
  ["a volume's label", [{ name: "label", type: "V" }], ["unsupported", "type", "0", "label"]],
  [
    "an unknown sparse form",
    [file("f", "x", { pax: { "GNU.sparse.major": "2", "GNU.sparse.minor": "0" } })],
    ["unsupported", "sparse-version", "0", "f"],
  ],
  [
    "a sparse map outside the file",
    [file("f", "x", { pax: { "GNU.sparse.map": "9,1", "GNU.sparse.size": "5" } })],
    ["damaged", "sparse-map", "0", "f"],
  ],
  [
    "a sparse map that overlaps",
    [file("f", "xx", { pax: { "GNU.sparse.map": "0,1,0,1", "GNU.sparse.size": "5" } })],
    ["damaged", "sparse-map", "0", "f"],
  ],
  [
    "a sparse map for other content",
    [file("f", "xx", { pax: { "GNU.sparse.map": "0,1", "GNU.sparse.size": "5" } })],
    ["damaged", "sparse-map", "0", "f"],
  ],
  ["a whiteout of nothing", [file(".wh.", "")], ["damaged", "whiteout", "0", ".wh."]],
  ["a whiteout of the folder above", [file("a/.wh...", "")], ["damaged", "whiteout", "0", "a/.wh..."]],
  [
    "a name with odd bytes, in its error",
    [{ name: Buffer.from("a\t%\n\u00e9"), type: "Z" }],
    ["unsupported", "type", "0", "a%09%25%0A%C3%A9"],
  ],
  ["a device with odd numbers", [{ name: "c", type: "3", raw: { 329: "zzzzzzz" } }], ["damaged", "device", "0", "c"]],
];

for (const [what, entries, line] of refusals)
  t.test(`refused, with nothing changed outside: ${what}`, async (t) => {
    const { layer, outside } = makeLayer(t);
    const before = outside();
    const made = await untar(fixture, layer, archive(...entries));
    t.same(made.line, line);
    t.equal(made.status, 1 << 8);
    t.equal(outside(), before);
  });

t.test("links that lead out lead to the same place inside, for files, folders, hard links and whiteouts", async (t) => {
  const { layer, outside } = makeLayer(t);
  const before = outside();
  const target = dirname(layer);
  const made = await untar(
    fixture,
    layer,
    archive(
      symlink("up", "../../../../.."),
      symlink("abs", target),
      symlink("secret", join(target, "secret")),
      file("up/by-up", "x"),
      file("abs/by-abs", "x"),
      file("secret", "replaces the link"),
      hardlink("up/hard", "up/by-up"),
      file("abs/.wh.secret"),
      folder("up/made/folder"),
      symlink("dangling", "not/yet"),
      file("dangling/f", "x"),
    ),
  );
  t.equal(made.line[0], "done", made.line.join(" "));
  t.equal(outside(), before);
  const files = execFileSync("find", [layer, "-mindepth", "1", "-printf", "%y %P\n"])
    .toString()
    .trim()
    .split("\n")
    .sort();
  const within = target.slice(1);
  const parents = within.split("/").map((_, i, all) => `d ${all.slice(0, i + 1).join("/")}`);
  t.same(
    files,
    [
      ...parents,
      `f ${within}/by-abs`,
      `c ${within}/secret`,
      "d made",
      "d made/folder",
      "d not",
      "d not/yet",
      "f by-up",
      "f hard",
      "f not/yet/f",
      "f secret",
      "l abs",
      "l dangling",
      "l up",
    ].sort(),
  );
});

t.test("an archive that is cut anywhere but between two entries is damaged, and says so", async (t) => {
  const bytes = Buffer.concat([
    entry(folder("d")),
    entry(file("d/f", Buffer.alloc(1100, 120), { pax: { mtime: "1.5" } })),
    entry(file("g", "short", { longName: "g".repeat(120) })),
  ]);
  const whole = [0, 512, 512 + 1024 + 512 + 1536, bytes.length];
  const cuts = new Set<number>();
  for (let at = 0; at <= bytes.length; at += 512)
    for (const cut of [at, at + 1, at + 300]) if (cut <= bytes.length) cuts.add(cut);
  for (const cut of cuts) {
    const { layer } = makeLayer(t);
    const made = await untar(fixture, layer, bytes.subarray(0, cut));
    t.equal(made.line[0], whole.includes(cut) ? "done" : "damaged", `cut at ${cut}: ${made.line.join(" ")}`);
  }
});

t.test(
  "the limit holds for content, for what is skipped, for what stands behind, and for what sparse files claim",
  async (t) => {
    const limit = 100_000n;
    const run = async (bytes: Buffer): Promise<readonly string[]> =>
      (await untar(fixture, makeLayer(t).layer, bytes, limit)).line;
    t.equal((await run(archive(file("f", Buffer.alloc(50_000))))).at(0), "done");
    t.same(await run(archive(file("f", "x"), file("g", Buffer.alloc(100_001)))), ["limit", "content", "0", "g"]);
    t.same(await run(archive(file("f", "x", { pax: { size: "9000000000000000000" } }))), [
      "limit",
      "content",
      "0",
      "f",
    ]);
    t.same(await run(archive(file(".wh..wh.aufs", Buffer.alloc(100_001)))), ["limit", "content", "0", ".wh..wh.aufs"]);
    t.same(await run(Buffer.concat([archive(file("f")), Buffer.alloc(200_000)])), ["limit", "archive", "0", ""]);
    const claims = { pax: { "GNU.sparse.map": "0,1", "GNU.sparse.size": "9000000000000000000" } };
    t.same(await run(archive(file("f", "x", claims))), ["limit", "content", "0", "f"]);
  },
);

t.test("devices, FIFOs and setuid files are made in the folder as the archive has them", async (t) => {
  const { layer } = makeLayer(t);
  await untar(
    fixture,
    layer,
    archive(
      { name: "c", type: "3", major: 1, minor: 3, mode: 0o666 },
      { name: "b", type: "4", major: 8, minor: 300, mode: 0o60 },
      { name: "p", type: "6", mode: 0o4777, uid: 5 },
      { name: "contiguous", type: "7", content: "x" },
      file("s", "x", { mode: 0o6711, uid: 5 }),
    ),
  );
  const stats = execFileSync("stat", ["-c", "%n %F %a %u %t:%T", "c", "b", "p", "contiguous", "s"], { cwd: layer });
  t.same(stats.toString().trim().split("\n"), [
    "c character special file 666 0 1:3",
    "b block special file 60 0 8:12c",
    "p fifo 4777 5 0:0",
    "contiguous regular file 644 0 0:0",
    "s regular file 6711 5 0:0",
  ]);
});

t.test("a skeleton whose files are gone, other, linked or cut gives no archive that looks whole", async (t) => {
  const { layer } = makeLayer(t);
  const bytes = archive(folder("d"), file("d/f", "content"));
  const { output: skeleton } = await untar(fixture, layer, bytes);
  const path = join(layer, "d/f");
  const run = async (input = skeleton): Promise<readonly string[]> => {
    const made = await retar(fixture, layer, input);
    t.ok(made.output.length < bytes.length || made.status !== 0);
    return made.line;
  };
  for (let at = 0; at < skeleton.length; at++)
    if (at < 30 || at > skeleton.length - 30)
      t.same(await run(skeleton.subarray(0, at)), ["damaged", "skeleton", "0", ""], `cut at ${at}`);
  t.same(await run(Buffer.concat([skeleton, Buffer.from("x")])), ["damaged", "skeleton", "0", ""]);
  writeFileSync(path, "cont");
  t.same(await run(), ["damaged", "size", "0", "d/f"]);
  writeFileSync(path, "content, longer");
  t.same(await run(), ["damaged", "size", "0", "d/f"]);
  execFileSync("sh", ["-c", "rm f; ln -s /etc/passwd f"], { cwd: join(layer, "d") });
  t.same(await run(), ["damaged", "openat2", "40", "d/f"]);
  execFileSync("sh", ["-c", "rm f; mkfifo f"], { cwd: join(layer, "d") });
  t.same(await run(), ["damaged", "type", "0", "d/f"]);
  execFileSync("rm", ["f"], { cwd: join(layer, "d") });
  t.same(await run(), ["damaged", "openat2", "2", "d/f"]);
  const size = Buffer.alloc(8);
  size.writeUInt8(6);
  const outsidePath = Buffer.concat([Buffer.from("podrunS1F\x09\x00../secret", "latin1"), size]);
  t.same(await run(outsidePath), ["damaged", "openat2", "18", "../secret"]);
});
