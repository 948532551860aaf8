import { readFileSync } from "node:fs";

/** One line of proc_pid_mountinfo(5). */
export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** Path of the mounted part inside its file system. */
  readonly root: string;
  readonly point: string;
  /** Options of the mount: `rw`, `nosuid` … */
  readonly options: readonly string[];
  /** Optional fields: `shared:N` (a peer group), `master:N` (it receives from one). */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  /** Options of the file system. */
  readonly superOptions: readonly string[];
}

/** The mounts that a process sees, in the order of mounting; ourselves unless a pid is given. */
export function readMounts(pid: number | "self" = "self"): Mount[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
}

export function parseMountinfo(text: string): Mount[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map(parseLine);
}

/** `id parent major:minor root point options [optional fields …] - type source super-options` */
function parseLine(line: string): Mount {
  const [left = "", right = ""] = line.split(" - ");
  const [id, parent, , root = "", point = "", options = "", ...propagation] = left.split(" ");
  const [type = "", source = "", superOptions = ""] = right.split(" ");
  return {
    id: Number(id),
    parent: Number(parent),
    root: unescapePath(root),
    point: unescapePath(point),
    options: options.split(","),
    propagation,
    type,
    source: unescapePath(source),
    superOptions: superOptions.split(","),
  };
}

/** mountinfo writes space, tab, newline and backslash as three octal digits. */
const unescapePath = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** The mount that a path without links lies on. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  const around = mounts.filter(({ point }) => point === "/" || path === point || path.startsWith(`${point}/`));
  const longest = Math.max(...around.map(({ point }) => point.length));
  // The last one made covers those in the same place.
  return around.findLast(({ point }) => point.length === longest);
}

/** Mounts at a folder or below it, the last mounted first: the order to unmount them in. */
export function mountsBelow(mounts: readonly Mount[], folder: string): Mount[] {
  const prefix = folder.endsWith("/") ? folder : `${folder}/`;
  return mounts.filter(({ point }) => point === folder || point.startsWith(prefix)).reverse();
}
