// An image with everything that a layer may lawfully hold, in seven layers, by three writers of archives: ours, and GNU tar in
// its own format and in that of POSIX.
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { busyboxLayer } from "./images.ts";
import type { ImageParts } from "./push.ts";
import { type RawEntry, rawTar, TYPE } from "./tar.ts";

/** vfs_cap_data (capability.h), version 2, effective: cap_net_bind_service permitted. */
const NET_BIND = Buffer.from("0100000200040000000000000000000000000000", "hex");
const LONG_NAME = "n".repeat(200);
const LONG_PATH = Array.from({ length: 6 }, (_, index) => `${index}${"p".repeat(60)}`);

/** Two layers of this name are the same, byte for byte: an image may have one layer twice. */
const EMPTY = rawTar([]);

export function everything(): ImageParts {
  const layers = [busyboxLayer(), rawTar(plain), gnuLayer("gnu"), EMPTY, gnuLayer("posix"), rawTar(changes), EMPTY];
  return { layers, config: { Cmd: ["sleep", "100000"], Env: ["PATH=/bin"] } };
}

const file = (name: string | Buffer, more: Partial<RawEntry> = {}): RawEntry => ({
  name,
  content: String(name),
  ...more,
});
const parents = LONG_PATH.map((_, index) => ({ name: `${LONG_PATH.slice(0, index + 1).join("/")}/` }));

const plain: readonly RawEntry[] = [
  // Links: in one folder, in others, a chain, and one to a link.
  ...["hard/", "hard/a/", "hard/b/"].map((name) => ({ name })),
  file("hard/a/first", { mode: 0o640, uid: 5, gid: 6 }),
  { name: "hard/a/second", type: TYPE.hardlink, link: "hard/a/first", mode: 0o640, uid: 5, gid: 6 },
  { name: "hard/b/third", type: TYPE.hardlink, link: "hard/a/second", mode: 0o640, uid: 5, gid: 6 },
  { name: "hard/link", type: TYPE.symlink, link: "a/first" },
  { name: "hard/b/dotted", type: TYPE.hardlink, link: "./hard/a/first", mode: 0o640, uid: 5, gid: 6 },
  { name: "hard/linked-link", type: TYPE.hardlink, link: "hard/link" },
  { name: "links/" },
  { name: "links/dangling", type: TYPE.symlink, link: "nothing/here" },
  { name: "links/absolute", type: TYPE.symlink, link: "/etc/passwd" },
  { name: "links/out", type: TYPE.symlink, link: "../../../../../etc/shadow" },
  { name: "links/self", type: TYPE.symlink, link: "self" },
  { name: "links/long", type: TYPE.symlink, link: `/${LONG_PATH.join("/")}/end` },
  { name: "links/owned", type: TYPE.symlink, link: "dangling", uid: 7, gid: 8, mtime: 1_000_000_000 },
  // Attributes and capabilities.
  { name: "xattr/", pax: { "SCHILY.xattr.user.on-folder": "yes" } },
  file("xattr/user", {
    pax: { "SCHILY.xattr.user.text": "välue", "SCHILY.xattr.user.bytes": Buffer.from([0, 1, 10, 255]) },
  }),
  file("xattr/empty-value", { pax: { "SCHILY.xattr.user.empty": "" } }),
  file("xattr/capable", { mode: 0o755, pax: { "SCHILY.xattr.security.capability": NET_BIND } }),
  // Owners change before capabilities are set, for the kernel takes them away at a chown.
  file("xattr/capable-owned", { mode: 0o755, uid: 1000, pax: { "SCHILY.xattr.security.capability": NET_BIND } }),
  { name: "nodes/" },
  { name: "nodes/null", type: TYPE.char, major: 1, minor: 3, mode: 0o666 },
  { name: "nodes/tty", type: TYPE.char, major: 5, minor: 0, mode: 0o620, gid: 5 },
  { name: "nodes/loop", type: TYPE.block, major: 7, minor: 300, mode: 0o660, gid: 6 },
  { name: "nodes/pipe", type: TYPE.fifo, mode: 0o600, uid: 9 },
  // Modes and owners.
  { name: "modes/" },
  file("modes/setuid", { mode: 0o4755, uid: 1000 }),
  file("modes/setgid", { mode: 0o2755, gid: 1000 }),
  file("modes/none", { mode: 0 }),
  file("modes/all", { mode: 0o7777 }),
  { name: "modes/sticky/", mode: 0o1777 },
  { name: "modes/setgid-folder/", mode: 0o2775, gid: 50 },
  file("modes/setgid-folder/inside", { gid: 0 }),
  { name: "modes/closed/", mode: 0 },
  file("modes/closed/inside"),
  file("modes/big-owner", { uid: 70_000, gid: 2_000_000 }),
  file("modes/bigger-owner", { uid: 4_000_000_000, gid: 4_294_967_294 }),
  file("modes/pax-owner", { pax: { uid: "3000000000", gid: "65536" } }),
  // Times.
  { name: "times/", mtime: 5 },
  file("times/epoch", { mtime: 0 }),
  file("times/before", { pax: { mtime: "-1000000.25" } }),
  file("times/fraction", { pax: { mtime: "1234567890.123456789" } }),
  file("times/future", { mtime: 5_000_000_000 }),
  // Names.
  { name: "names/" },
  file(`names/${LONG_NAME}`),
  ...parents,
  file(`${LONG_PATH.join("/")}/end`),
  { name: "names/hard-to-long", type: TYPE.hardlink, link: `${LONG_PATH.join("/")}/end` },
  file(Buffer.concat([Buffer.from("names/not-utf8-"), Buffer.from([0xff, 0xfe, 0x80])])),
  file("names/ünïcödé-名前"),
  file("names/ space  and\ttab"),
  file("names/line\nbreak"),
  file("names/-rf"),
  file("names/back\\slash"),
  file("names/..."),
  file("names/.white"),
  file("./names/dotted"),
  file("names//double"),
  file("names/empty", { content: "" }),
  { name: "names/empty-folder/" },
  file("implicit/parents/of/a/file"),
  // What the next layers change.
  ...["old/", "old/opaque/", "old/opaque/deep/", "old/folder/", "old/kept/", "old/swapped/"].map((name) => ({ name })),
  ...["old/removed", "old/opaque/gone", "old/opaque/deep/gone", "old/folder/inside", "old/kept/one", "old/file"].map(
    (name) => file(name),
  ),
  file("old/swapped/inside"),
  file("old/pair-1"),
  { name: "old/pair-2", type: TYPE.hardlink, link: "old/pair-1" },
  { name: "old/link-to-folder", type: TYPE.symlink, link: "kept" },
  ...["usr/", "usr/lib/"].map((name) => ({ name })),
  file("usr/lib/one"),
  { name: "lib", type: TYPE.symlink, link: "usr/lib" },
];

/** One name more than once in one layer: the last counts. podman refuses such archives ("duplicates of file paths not supported"). */
export const DUPLICATES: readonly RawEntry[] = [
  { name: "again/" },
  file("again/file", { content: "first" }),
  file("again/file", { content: "second, and longer", mode: 0o600 }),
  file("again/file-to-folder"),
  { name: "again/file-to-folder/" },
  { name: "again/link-to-file", type: TYPE.symlink, link: "file" },
  file("again/link-to-file", { content: "a file of its own" }),
  { name: "again/", mode: 0o700, mtime: 77 },
];

const changes: readonly RawEntry[] = [
  { name: "old/" },
  { name: "old/.wh.removed" },
  { name: "old/.wh.never-was" },
  { name: "old/.wh.pair-1" },
  { name: "old/opaque/" },
  file("old/opaque/new"),
  { name: "old/opaque/.wh..wh..opq" },
  file("old/folder", { content: "a file where a folder was" }),
  { name: "old/file/" },
  file("old/file/inside", { content: "in a folder where a file was" }),
  { name: "old/.wh.swapped" },
  { name: "old/kept/", mode: 0o711, uid: 3 },
  file("old/kept/two"),
  { name: "old/link-to-folder/" },
  file("old/link-to-folder/inside", { content: "in a folder where a link was" }),
  file("usr/lib/two"),
  { name: "xattr/", pax: { "SCHILY.xattr.user.second": "2" } },
];

/**
 * A folder as GNU tar packs it: attributes, long names and links in that format's way; in that of POSIX also sparse files.
 * podman knows no sparse files of GNU's own format ("unhandled tar header type 83").
 */
export function gnuLayer(format: "gnu" | "posix", sparse = format === "posix"): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "podrun-gnu-"));
  try {
    const top = join(folder, `by-${format}`);
    mkdirSync(join(top, "sub"), { recursive: true });
    writeSparse(join(top, "sparse"), [0, 1 << 20, 5_000_000, 80_000_000], 100_000_000);
    writeSparse(join(top, "hole-only"), [], 1 << 20);
    writeSparse(
      join(top, "many-holes"),
      Array.from({ length: 40 }, (_, index) => index * 65_536),
      40 * 65_536,
    );
    writeFileSync(join(top, LONG_NAME), "long");
    linkSync(join(top, LONG_NAME), join(top, "sub/hard"));
    execFileSync("ln", ["-s", "t".repeat(300), join(top, "long-link")]);
    execFileSync("python3", ["-c", `import os; os.setxattr("${top}/sub/hard", "user.by", b"${format}")`]);
    utimesSync(join(top, "sub"), 1234.5, 1234.5);
    const attributes = format === "posix" ? ["--xattrs", "--xattrs-include=*"] : [];
    const args = [
      "-C",
      folder,
      `--format=${format}`,
      ...(sparse ? ["--sparse"] : []),
      "--sort=name",
      "--owner=42",
      "--group=43",
      ...attributes,
    ];
    return execFileSync("tar", [...args, "-cf", "-", `by-${format}`], { maxBuffer: 1 << 28 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file of this size with a line at each offset and holes between. */
function writeSparse(path: string, offsets: readonly number[], size: number): void {
  const descriptor = openSync(path, "w");
  ftruncateSync(descriptor, size);
  for (const offset of offsets) writeSync(descriptor, `data at ${offset}\n`, offset);
  closeSync(descriptor);
}
