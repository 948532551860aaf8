import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** One entry of a tree, by list-tree.py: names are bytes, a character each. */
export interface TreeEntry {
  readonly name: string;
  readonly type: "file" | "folder" | "symlink" | "char" | "block" | "fifo" | "socket" | "mounted";
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Nanoseconds since the epoch. */
  readonly mtime?: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly device?: string;
  /** Number of hard links, and the first name of the same file. */
  readonly links?: number;
  readonly same?: string;
  /** Hexadecimal. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** Blocks of 512 bytes on the disk; only when asked for. */
  readonly blocks?: number;
}

/** Everything below a folder, by name. */
export function listTree(folder: string, options: { readonly blocks?: boolean } = {}): ReadonlyMap<string, TreeEntry> {
  const program = join(import.meta.dirname, "list-tree.py");
  const env = { ...process.env, ...(options.blocks && { BLOCKS: "1" }) };
  const text = execFileSync("python3", [program, folder], { encoding: "utf8", maxBuffer: 1 << 28, env });
  const entries = text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as TreeEntry);
  return new Map(entries.map((entry) => [entry.name, entry]));
}

/** A line for each entry that one tree has and the other has not, or has otherwise. What is mounted over is left out. */
export function compareTrees(
  left: ReadonlyMap<string, TreeEntry>,
  right: ReadonlyMap<string, TreeEntry>,
): readonly string[] {
  const names = [...new Set([...left.keys(), ...right.keys()])].sort();
  return names.flatMap((name) => {
    const [a, b] = [left.get(name), right.get(name)];
    if (a?.type === "mounted" || b?.type === "mounted") return [];
    if (a === undefined || b === undefined)
      return [`${JSON.stringify(name)}: only ${a === undefined ? "right" : "left"}`];
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])] as (keyof TreeEntry)[];
    const text = (value: unknown): string => JSON.stringify(value) ?? "none";
    return keys
      .filter((key) => text(a[key]) !== text(b[key]))
      .map((key) => `${JSON.stringify(name)}: ${key} ${text(a[key])} left, ${text(b[key])} right`);
  });
}
