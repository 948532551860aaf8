// Layers that want to reach the host. Each is refused, with an error that names image and layer, or stays inside its own root.
import { type RawEntry, TYPE } from "./tar.ts";

export interface Attack {
  readonly name: string;
  /** `bait`: a folder of the host, absolute. */
  readonly entries: (bait: string) => readonly RawEntry[];
  /** What the error says; undefined: the image is pulled, and lies inside its layer. */
  readonly refused?: RegExp;
}

const file = (name: string | Buffer, more: Partial<RawEntry> = {}): RawEntry => ({ name, content: "evil\n", ...more });
const link = (name: string, target: string): RawEntry => ({ name, type: TYPE.symlink, link: target });
const hard = (name: string, target: string): RawEntry => ({ name, type: TYPE.hardlink, link: target });
const up = (path: string): string => `${"../".repeat(40)}${path.slice(1)}`;

export const ATTACKS: readonly Attack[] = [
  { name: "a name that begins with ../", entries: (bait) => [file(up(`${bait}/a`))], refused: /outside|out of/ },
  { name: "a name with ../ in its middle", entries: () => [file("a/b/../../../evil")], refused: /outside|out of/ },
  { name: "an absolute name with ../", entries: () => [file("/../evil")], refused: /outside|out of/ },
  { name: "a folder named ..", entries: () => [{ name: "../", mode: 0o777 }], refused: /outside|out of/ },
  {
    name: "a long name (pax) with ../",
    entries: (bait) => [file("harmless", { pax: { path: up(`${bait}/${"x".repeat(120)}`) } })],
    refused: /outside|out of/,
  },
  {
    name: "a name with ../ and bytes that a terminal obeys",
    entries: () => [file(Buffer.from("../\u001b[2J\u0007\xff", "latin1"))],
    refused: /outside|out of/,
  },
  { name: "an absolute name", entries: (bait) => [file(`${bait}/absolute`), file("//etc/podrun-evil")] },
  { name: "a link out, then a file through it", entries: (bait) => [link("out", bait), file("out/through")] },
  {
    name: "a relative link out, then a file through it",
    entries: (bait) => [link("out", up(bait)), file("out/through")],
  },
  {
    name: "a chain of links out, then a file through it",
    entries: (bait) => [link("a", "b"), link("b", "c/.."), link("c", `${bait}/x`), file("a/through")],
  },
  {
    name: "a link through /proc, then a file",
    entries: (bait) => [link("p", "/proc/1/root"), file(`p${bait}/through`)],
  },
  {
    name: "a link through a descriptor, then a file",
    entries: () => [link("p", "/proc/self/fd/3"), file("p/through")],
  },
  {
    name: "a link to a host's file, then a file of its name",
    entries: (bait) => [link("x", `${bait}/secret`), file("x")],
  },
  {
    name: "a link to a host's folder, then a folder of its name",
    entries: (bait) => [link("x", bait), { name: "x/", mode: 0o777, uid: 7, pax: { "SCHILY.xattr.user.evil": "1" } }],
  },
  {
    name: "whiteouts through a link out",
    entries: (bait) => [link("out", bait), { name: "out/.wh.secret" }, { name: "out/.wh..wh..opq" }],
  },
  {
    name: "whiteouts of . and ..",
    entries: () => [{ name: "d/" }, { name: "d/.wh.." }, { name: "d/.wh..." }],
    refused: /./,
  },
  {
    name: "a hard link to the host's /etc/passwd",
    entries: () => [hard("x", "/etc/passwd"), file("x")],
    refused: /link/,
  },
  {
    name: "a hard link with ../ to a host's file",
    entries: (bait) => [hard("x", up(`${bait}/secret`)), file("x")],
    refused: /link|outside|out of/,
  },
  {
    name: "a hard link through a link out",
    entries: (bait) => [link("out", bait), hard("x", "out/secret"), file("x")],
    refused: /link/,
  },
  {
    name: "a hard link to a link out, then its mode",
    entries: (bait) => [link("a", `${bait}/suid`), hard("x", "a"), file("x", { mode: 0o6777 })],
  },
  {
    name: "attributes of overlay's own",
    entries: (bait) => [
      {
        name: "x/",
        pax: { "SCHILY.xattr.trusted.overlay.redirect": bait, "SCHILY.xattr.trusted.overlay.opaque": "y" },
      },
      file("y", { pax: { "SCHILY.xattr.user.overlay.redirect": bait, "SCHILY.xattr.trusted.overlay.metacopy": "" } }),
    ],
  },
  {
    name: "device nodes of the host's disk and memory",
    entries: () => [
      { name: "evil-mem", type: TYPE.char, major: 1, minor: 1, mode: 0o666 },
      ...[8, 252, 253, 254, 259].map((major) => ({
        name: `evil-${major}`,
        type: TYPE.block,
        major,
        minor: 0,
        mode: 0o666,
      })),
    ],
  },
  { name: "a file in the place of the root", entries: () => [file("./", { type: TYPE.file })], refused: /./ },
  { name: "a link in the place of the root", entries: (bait) => [link("./", bait), file("through")], refused: /./ },
  { name: "a name longer than a name may be", entries: () => [file("n".repeat(256))], refused: /name/i },
  {
    name: "a path longer than a path may be",
    entries: () => [file("d/".repeat(3000).slice(0, -1))],
    refused: /name|long/i,
  },
  { name: "a size that is more than there is", entries: () => [file("x", { size: 1 << 30 })], refused: /./ },
  { name: "a size of nearly all bytes there are", entries: () => [file("x", { size: 2 ** 62 })], refused: /./ },
  { name: "a negative size", entries: () => [file("x", { size: -512 })], refused: /./ },
  { name: "a size (pax) that is no number", entries: () => [file("x", { pax: { size: "1e9" } })], refused: /./ },
  {
    name: "a sparse file of all bytes there are",
    entries: () => [
      file("x", {
        content: "1\n9223372036854775806\n1\n".padEnd(513, "\0"),
        pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9223372036854775807" },
      }),
    ],
    refused: /./,
  },
  { name: "an entry of a type that nobody knows", entries: () => [file("x", { type: "Q" })], refused: /kind/ },
];
