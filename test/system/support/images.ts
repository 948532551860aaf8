// Test images made from this machine's Debian packages: a busybox, an nginx, one of many layers. The one of everything that
// an archive can hold is in every-entry.ts.
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readFileSync, readlinkSync } from "node:fs";
import type { ImageParts } from "./push.ts";
import { type RawEntry, rawTar, TYPE } from "./tar.ts";

const APPLETS =
  "sh ash cat cp echo env false find grep head hostname id ls mkdir nc ps pwd rm seq sleep stat tail test touch true vi wc wget";

/** Mount points that a container has: an image that has them is not changed by a start. */
const MOUNT_POINTS: readonly RawEntry[] = [
  ...["dev/", "proc/", "sys/", "run/", "var/", "var/run/"].map((name) => ({ name })),
  ...["etc/hosts", "etc/hostname", "etc/resolv.conf"].map((name) => ({ name })),
];

/** Users `app` (1000, group 2000 and of groups 2001, 2002) and `web` (33). */
const ACCOUNTS: readonly RawEntry[] = [
  {
    name: "etc/passwd",
    content: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:2000:app:/home/app:/bin/sh\nweb:x:33:33::/:/bin/sh\n",
  },
  { name: "etc/group", content: "root:x:0:\napp:x:2000:\nextra:x:2001:app\nmore:x:2002:other,app\nweb:x:33:\n" },
];

/** A system of busybox, in one layer: shell, accounts, mount points, home folders, /tmp. */
export function busyboxLayer(): Buffer {
  return rawTar([
    ...["bin/", "etc/", "root/", "home/"].map((name) => ({ name })),
    { name: "home/app/", uid: 1000, gid: 2000 },
    { name: "tmp/", mode: 0o1777 },
    { name: "bin/busybox", content: readFileSync(busybox()), mode: 0o755 },
    ...APPLETS.split(" ").map((name) => ({ name: `bin/${name}`, type: TYPE.symlink, link: "busybox" })),
    ...ACCOUNTS,
    ...MOUNT_POINTS,
  ]);
}

/** Debian's static one, or the copy that the build made of it. */
function busybox(): string {
  const found = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));
  if (found === undefined) throw new Error("no busybox on this machine: scripts/install installs it");
  return found;
}

/** busybox, then `count - 1` layers: each has a file of its own, and changes one that they share. */
export function layered(count: number): ImageParts {
  const layer = (number: number): Buffer =>
    rawTar([
      { name: "layers/" },
      { name: `layers/${number}`, content: `${number}\n` },
      { name: "last", content: `${number}\n` },
      ...(number > 1 ? [{ name: `layers/.wh.${number - 1}-short` }] : []),
      { name: `layers/${number}-short`, content: "gone in the next layer\n" },
    ]);
  const layers = [busyboxLayer(), ...Array.from({ length: count - 1 }, (_, index) => layer(index + 1))];
  return { layers, config: { Cmd: ["sleep", "100000"], Env: ["PATH=/bin"] } };
}

/** nginx with its libraries, in three layers; it serves /usr/share/nginx/html on port 80. */
export function nginx(): ImageParts {
  const log = (name: string): RawEntry => ({
    name: `var/log/nginx/${name}.log`,
    type: TYPE.symlink,
    link: "/dev/stderr",
  });
  const files = [...programFiles("/usr/sbin/nginx"), ...packageFiles("nginx-common")];
  const server = rawTar(withParents([...files, { name: "var/lib/nginx/" }, log("access"), log("error")]));
  const page = rawTar(
    withParents([
      {
        name: "etc/nginx/nginx.conf",
        content: "events {}\nhttp { server { listen 80; root /usr/share/nginx/html; } }\n",
      },
      { name: "usr/share/nginx/html/.wh..wh..opq" },
      { name: "usr/share/nginx/html/index.html", content: "served by nginx\n" },
    ]),
  );
  const config = {
    Entrypoint: ["/usr/sbin/nginx"],
    Cmd: ["-g", "daemon off; user web;"],
    Env: ["PATH=/usr/sbin:/usr/bin:/bin"],
    ExposedPorts: { "80/tcp": {} },
    StopSignal: "SIGQUIT",
  };
  return { layers: [busyboxLayer(), server, page], config };
}

/** A program, its interpreter and the libraries that it is linked with. */
function programFiles(program: string): readonly RawEntry[] {
  const text = execFileSync("ldd", [program], { encoding: "utf8" });
  const paths = new Set([program, ...[...text.matchAll(/\/\S+/g)].map(([path]) => path)]);
  return [...paths].map((path) => ({ name: path.slice(1), content: readFileSync(path), mode: 0o755 }));
}

/** The entries, each after the folders that it is in, and each once: the first of a name counts. */
export function withParents(entries: readonly RawEntry[]): readonly RawEntry[] {
  const all = new Map<string, RawEntry>();
  const add = (path: string, entry: RawEntry) => !all.has(path) && all.set(path, entry);
  for (const entry of entries) {
    const path = String(entry.name).replace(/\/$/, "");
    const parts = path.split("/").slice(0, -1);
    for (const end of parts.keys()) {
      const parent = parts.slice(0, end + 1).join("/");
      add(parent, { name: `${parent}/` });
    }
    add(path, entry);
  }
  return [...all.values()];
}

/** Files, folders and links of an installed Debian package. */
export function packageFiles(name: string): readonly RawEntry[] {
  const paths = execFileSync("dpkg-query", ["-L", name], { encoding: "utf8" }).split("\n");
  return paths.filter((path) => path.startsWith("/") && path !== "/.").flatMap((path) => fileEntry(path));
}

/** What is at a path of this machine; nothing when it is not there, or below a folder that is a link (/lib → usr/lib). */
function fileEntry(path: string): readonly RawEntry[] {
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (
    info === undefined ||
    path
      .split("/")
      .slice(0, -1)
      .some((_, end, parts) => isLink(parts.slice(0, end + 1).join("/")))
  )
    return [];
  const common = { mode: info.mode & 0o7777, uid: info.uid, gid: info.gid, mtime: Math.floor(info.mtimeMs / 1000) };
  const name = path.slice(1);
  if (info.isDirectory()) return [{ ...common, name: `${name}/` }];
  // /bin → usr/bin would take the place of another layer's folder.
  if (info.isSymbolicLink() && !name.includes("/")) return [];
  if (info.isSymbolicLink()) return [{ ...common, name, type: TYPE.symlink, link: readlinkSync(path) }];
  return info.isFile() ? [{ ...common, name, content: readFileSync(path) }] : [];
}

const isLink = (path: string): boolean =>
  path !== "" && lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
