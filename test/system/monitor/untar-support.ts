// Runs `untar` and `retar` as the last operation of a real plan, in a folder as its root, and collects what comes out.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLONE_NEWNS, CLONE_NEWPID, MS_PRIVATE, O_DIRECTORY, O_PATH } from "../../../src/linux/constants.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { NO_SLOT } from "../../../src/linux/plan/table.ts";
import {
  type Bare,
  child,
  exitOfKey,
  type Fixture,
  handOver,
  makeChild,
  makeStage,
  monitor,
  SLOT,
  stage,
  type Tap,
} from "./harness.ts";

export const NO_LIMIT = 0xffffffffffffffffn;

export interface Outcome {
  readonly status: number;
  /** The fields of the one line on descriptor 2. */
  readonly line: readonly string[];
  readonly output: Buffer;
}

const pipe = ([read, write]: readonly [number, number]) => ({ op: "pipe", read, write }) as const;

const enter = (folder: string): Operation[] =>
  stage(
    { op: "unshare", flags: CLONE_NEWNS },
    {
      op: "mount_setattr",
      dir: NO_SLOT,
      path: "/",
      recursive: 1,
      set: 0n,
      clear: 0n,
      propagation: MS_PRIVATE,
      userns: NO_SLOT,
    },
    { op: "open_tree", out: SLOT.scratch, dir: NO_SLOT, path: folder, recursive: 0, resolve: 0 },
    { op: "move_mount", from: SLOT.scratch, dir: NO_SLOT, path: folder, resolve: 0 },
    { op: "open", out: SLOT.root, dir: NO_SLOT, path: folder, flags: O_PATH | O_DIRECTORY, resolve: 0 },
    { op: "pivot_root", root: SLOT.root },
  );

/** The plan: the folder is all that the child can see. */
export function archivePlan(key: number, folder: string, last: Bare, before: readonly Bare[] = []): Operation[] {
  const [stdin, stdout, stderr] = [SLOT.in[0], SLOT.out[1], SLOT.err[1]];
  return [
    ...monitor(pipe(SLOT.in), pipe(SLOT.out), pipe(SLOT.err)),
    ...makeStage,
    ...enter(folder),
    ...makeChild(SLOT.exec, CLONE_NEWPID),
    ...child({ op: "close_fds", keep: [stdin, stdout, stderr] }, { op: "stdio", stdin, stdout, stderr, terminal: 0 }),
    ...child(...before, last),
    ...handOver(SLOT.exec),
    ...monitor(
      { op: "process", key, pid: SLOT.exec, role: 2 },
      { op: "stream", key, stdin: SLOT.in[1], stdout: SLOT.out[0], stderr: SLOT.err[0], flags: 0 },
    ),
  ];
}

let nextKey = 100;

export async function runArchive(
  f: Fixture,
  folder: string,
  last: Bare,
  input: Buffer,
  before?: Bare[],
): Promise<Outcome> {
  const key = nextKey++;
  const connection = await f.stream();
  const output: Buffer[] = [];
  let error = "";
  connection.on("stdout", (chunk: Buffer) => output.push(Buffer.from(chunk)));
  connection.on("stderr", (chunk: Buffer) => {
    error += chunk.toString();
  });
  const exited = exitOfKey(connection, key);
  await connection.run(archivePlan(key, folder, last, before));
  connection.stdin.end(input);
  const { status } = await exited;
  connection.close();
  if (!/^[^\n]*\n$/.test(error)) throw new Error(`not one line: ${JSON.stringify(error)}`);
  return { status, line: error.slice(0, -1).split("\t"), output: Buffer.concat(output) };
}

export const untar = (f: Fixture, folder: string, archive: Buffer, limit = NO_LIMIT): Promise<Outcome> =>
  runArchive(f, folder, { op: "untar", limit }, archive);
export const retar = (f: Fixture, folder: string, skeleton: Buffer): Promise<Outcome> =>
  runArchive(f, folder, { op: "retar" }, skeleton);

export function makeFolder(t: Tap.Test): string {
  const folder = mkdtempSync(join(tmpdir(), "podrun-layer-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** One entry of an archive, byte by byte as the test wants it. */
export interface RawEntry {
  readonly name?: string | Buffer;
  readonly type?: string;
  readonly link?: string;
  readonly content?: string | Buffer;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  /** Fields as raw bytes, by where they begin. */
  readonly raw?: Readonly<Record<number, string | Buffer>>;
  readonly checksum?: string;
  /** Records of an extended header before it. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** Names in GNU's long form before it. */
  readonly longName?: string;
  readonly longLink?: string;
}

export const END = Buffer.alloc(1024);

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");

function header(e: RawEntry, content: Buffer): Buffer {
  const block = Buffer.alloc(512);
  const put = (at: number, value: string | Buffer): void =>
    void (typeof value === "string" ? Buffer.from(value, "latin1") : value).copy(block, at);
  put(0, typeof e.name === "string" ? Buffer.from(e.name).subarray(0, 100) : (e.name ?? ""));
  put(100, octal(e.mode ?? 0o644, 7));
  put(108, octal(e.uid ?? 0, 7));
  put(116, octal(e.gid ?? 0, 7));
  put(124, octal(content.length, 11));
  put(136, octal(e.mtime ?? 1_000_000_000, 11));
  put(156, e.type ?? "0");
  put(157, (e.link ?? "").slice(0, 100));
  put(257, "ustar\u000000");
  put(329, octal(e.major ?? 0, 7));
  put(337, octal(e.minor ?? 0, 7));
  for (const [at, value] of Object.entries(e.raw ?? {})) put(Number(at), value);
  put(148, "        ");
  const sum = block.reduce((left, byte) => left + byte, 0);
  put(148, e.checksum ?? `${octal(sum, 6)}\0 `);
  return block;
}

const padded = (content: Buffer): Buffer =>
  Buffer.concat([content, Buffer.alloc((512 - (content.length % 512)) % 512)]);

export function paxRecord(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

export function entry(e: RawEntry): Buffer {
  const content = Buffer.from((e.content ?? "") as string);
  const parts: Buffer[] = [];
  const before = (type: string, text: Buffer): void =>
    void parts.push(header({ name: "extension", type }, text), padded(text));
  if (e.pax) before("x", Buffer.concat(Object.entries(e.pax).map(([key, value]) => paxRecord(key, value))));
  if (e.longName !== undefined) before("L", Buffer.from(`${e.longName}\0`));
  if (e.longLink !== undefined) before("K", Buffer.from(`${e.longLink}\0`));
  parts.push(header(e, content), padded(content));
  return Buffer.concat(parts);
}

/** A whole archive. */
export const archive = (...entries: RawEntry[]): Buffer => Buffer.concat([...entries.map(entry), END]);
export const folder = (name: string, more: RawEntry = {}): RawEntry => ({ name, type: "5", mode: 0o755, ...more });
export const file = (name: string, content: string | Buffer = "", more: RawEntry = {}): RawEntry => ({
  name,
  content,
  ...more,
});
export const symlink = (name: string, link: string): RawEntry => ({ name, type: "2", link, mode: 0o777 });
export const hardlink = (name: string, link: string): RawEntry => ({ name, type: "1", link });
