// A real monitor for one test file, and small plans for it: no image, no network, no cgroup, just the mechanism.
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLONE_NEWNS, CLONE_NEWPID, MS_PRIVATE, O_DIRECTORY, O_PATH } from "../../../src/linux/constants.ts";
import { type MonitorClient, openStream, spawnMonitor } from "../../../src/linux/monitor/index.ts";
import type { ExitedMessage } from "../../../src/linux/monitor/messages.gen.ts";
import type { MonitorStream } from "../../../src/linux/monitor/stream.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT, PLAN_SLOTS, PROC_SLOT } from "../../../src/linux/plan/table.ts";

const ROOT = join(import.meta.dirname, "../../..");
/** PODRUN_TEST_MONITOR: another build, such as the sanitized one (`make -C native asan`). */
export const TEST_MONITOR = process.env["PODRUN_TEST_MONITOR"] ?? join(ROOT, "build/podrun-monitor-test");

/** An operation without its reason: tests need none. */
export type Bare = Operation extends infer O ? (O extends Operation ? Omit<O, "why" | "actor"> : never) : never;

export const by = (actor: Operation["actor"], ...operations: Bare[]): Operation[] =>
  operations.map((operation) => ({ why: "test", actor, ...operation }) as Operation);
export const monitor = (...operations: Bare[]): Operation[] => by("monitor", ...operations);
export const stage = (...operations: Bare[]): Operation[] => by("stage", ...operations);
export const child = (...operations: Bare[]): Operation[] => by("child", ...operations);

export const SLOT = {
  process: 16,
  devpts: 17,
  root: PLAN_SLOTS,
  scratch: PLAN_SLOTS + 1,
  in: [PLAN_SLOTS + 2, PLAN_SLOTS + 3],
  out: [PLAN_SLOTS + 4, PLAN_SLOTS + 5],
  err: [PLAN_SLOTS + 6, PLAN_SLOTS + 7],
  terminal: PLAN_SLOTS + 8,
  peer: PLAN_SLOTS + 9,
  exec: PLAN_SLOTS + 10,
} as const;

export const makeStage: Operation[] = monitor({
  op: "clone",
  becomes: ACTORS.stage,
  flags: 0n,
  cgroup: NO_SLOT,
  pid: NO_SLOT,
});
export const makeChild = (pid: number, flags = 0n): Operation[] =>
  stage({ op: "clone", becomes: ACTORS.child, flags, cgroup: NO_SLOT, pid });
export const handOver = (...slots: number[]): Operation[] =>
  stage({ op: "sync", from: ACTORS.stage, to: ACTORS.monitor, slots });

/** A folder with busybox and the places that a container's mounts go to. */
export function makeRootfs(): string {
  const root = mkdtempSync(join(tmpdir(), "podrun-rootfs-"));
  chmodSync(root, 0o755);
  for (const name of ["bin", "proc", "dev", "tmp"]) mkdirSync(join(root, name));
  copyFileSync("/bin/busybox", join(root, "bin/busybox"));
  for (const name of [
    "sh",
    "cat",
    "sleep",
    "true",
    "tty",
    "stty",
    "ls",
    "readlink",
    "grep",
    "yes",
    "head",
    "id",
    "wc",
    "stat",
  ])
    symlinkSync("busybox", join(root, "bin", name));
  return root;
}

export interface Fixture {
  readonly client: MonitorClient;
  readonly rootfs: string;
  readonly folder: string;
  stream(): Promise<MonitorStream>;
}

/** A monitor that is set up, with a root file system. Everything goes when the test is over. */
export async function startMonitor(t: Tap.Test, binary = TEST_MONITOR): Promise<Fixture> {
  const folder = mkdtempSync(join(tmpdir(), "podrun-run-"));
  const rootfs = makeRootfs();
  const client = spawnMonitor({ binary });
  const streams: MonitorStream[] = [];
  t.teardown(async () => {
    for (const stream of streams) stream.close();
    if (client.open) await client.shutdown();
    rmSync(folder, { recursive: true });
    rmSync(rootfs, { recursive: true });
  });
  await client.setup(folder, "podrun-monitor test");
  const stream = async (): Promise<MonitorStream> => {
    const opened = openStream(join(folder, "monitor.sock"));
    streams.push(opened);
    await opened.ready;
    return opened;
  };
  return { client, rootfs, folder, stream };
}

/** What a test needs of tap's `t`. */
export declare namespace Tap {
  interface Test {
    teardown(handler: () => unknown): void;
  }
  interface Assert {
    match(found: unknown, wanted: object, name: string): boolean;
    ok(value: unknown, name: string): boolean;
  }
}

/** Into a mount namespace with `rootfs` as the root, with devpts. */
export const enterRootfs = (rootfs: string): Operation[] =>
  stage(
    { op: "dumpable", value: 0 },
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
    { op: "open_tree", out: SLOT.scratch, dir: NO_SLOT, path: rootfs, recursive: 0, resolve: 0 },
    { op: "move_mount", from: SLOT.scratch, dir: NO_SLOT, path: rootfs, resolve: 0 },
    { op: "open", out: SLOT.root, dir: NO_SLOT, path: rootfs, flags: O_PATH | O_DIRECTORY, resolve: 0 },
    { op: "fsmount", out: SLOT.scratch, type: "tmpfs", options: ["mode=755"], attributes: 0n },
    { op: "move_mount", from: SLOT.scratch, dir: SLOT.root, path: "dev", resolve: 1 },
    { op: "mknod", dir: SLOT.root, path: "dev/null", mode: 0o20666, major: 1, minor: 3 },
    { op: "mkdir", dir: SLOT.root, path: "dev/pts", mode: 0o755, resolve: 1, parents: 0 },
    {
      op: "fsmount",
      out: SLOT.devpts,
      type: "devpts",
      options: ["newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
      attributes: 0n,
    },
    { op: "move_mount", from: SLOT.devpts, dir: SLOT.root, path: "dev/pts", resolve: 1 },
    { op: "pivot_root", root: SLOT.root },
  );

export const mountProc: Operation[] = child(
  { op: "fsmount", out: SLOT.scratch, type: "proc", options: [], attributes: 0n },
  { op: "move_mount", from: SLOT.scratch, dir: NO_SLOT, path: "/proc", resolve: 0 },
);

export const exec = (...argv: string[]): Operation[] =>
  child({ op: "exec", paths: [`/bin/${argv[0]}`], argv, env: ["PATH=/bin", "TERM=dumb"] });

export interface Container {
  readonly rootfs: string;
  readonly key: number;
  readonly argv: readonly string[];
  readonly log: string;
  readonly stdin?: boolean;
  readonly once?: boolean;
  readonly size?: number;
  readonly files?: number;
}

const pipe = ([read, write]: readonly [number, number]) => ({ op: "pipe", read, write }) as const;

/** A container with its own PID namespace and its output in a log. */
export function container(c: Container): Operation[] {
  const pipes = [pipe(SLOT.out), pipe(SLOT.err), ...(c.stdin ? [pipe(SLOT.in)] : [])];
  const stdin = c.stdin ? SLOT.in[0] : NO_SLOT;
  return [
    ...monitor(...pipes),
    ...makeStage,
    ...enterRootfs(c.rootfs),
    ...makeChild(SLOT.process, CLONE_NEWPID),
    ...child({ op: "close_fds", keep: [PROC_SLOT, stdin, SLOT.out[1], SLOT.err[1]].filter((s) => s !== NO_SLOT) }),
    ...child({ op: "setsid" }, { op: "stdio", stdin, stdout: SLOT.out[1], stderr: SLOT.err[1], terminal: 0 }),
    ...mountProc,
    ...exec(...c.argv),
    ...handOver(SLOT.process, SLOT.devpts),
    ...monitor(
      { op: "process", key: c.key, pid: SLOT.process, role: 1 },
      {
        op: "log",
        key: c.key,
        stdin: c.stdin ? SLOT.in[1] : NO_SLOT,
        stdout: SLOT.out[0],
        stderr: SLOT.err[0],
        path: c.log,
        size: BigInt(c.size ?? 0),
        files: c.files ?? 0,
        flags: c.once ? 1 : 0,
      },
    ),
  ];
}

const NAMESPACES = CLONE_NEWNS | CLONE_NEWPID;

/** Another process in the container of slot `process`. */
export function execIn(key: number, terminal: boolean, ...argv: string[]): Operation[] {
  const peer = SLOT.peer;
  const given = terminal
    ? ({ op: "stdio", stdin: peer, stdout: peer, stderr: peer, terminal: 1 } as const)
    : ({ op: "stdio", stdin: SLOT.in[0], stdout: SLOT.out[1], stderr: SLOT.err[1], terminal: 0 } as const);
  const keep = terminal ? [peer] : [SLOT.in[0], SLOT.out[1], SLOT.err[1]];
  const pty = {
    op: "open_pty",
    devpts: SLOT.devpts,
    master: SLOT.terminal,
    slave: peer,
    uid: 0,
    rows: 30,
    columns: 100,
  } as const;
  return [
    ...(terminal ? [] : monitor(pipe(SLOT.in), pipe(SLOT.out), pipe(SLOT.err))),
    ...makeStage,
    ...stage({ op: "setns", namespace: SLOT.process, type: NAMESPACES }, ...(terminal ? [pty] : [])),
    ...makeChild(SLOT.exec),
    ...child({ op: "close_fds", keep }, { op: "setsid" }, given, { op: "chdir", dir: NO_SLOT, path: "/", resolve: 0 }),
    ...exec(...argv),
    ...handOver(SLOT.exec, ...(terminal ? [SLOT.terminal] : [])),
    ...monitor(
      { op: "process", key, pid: SLOT.exec, role: 2 },
      terminal
        ? { op: "stream", key, stdin: NO_SLOT, stdout: SLOT.terminal, stderr: NO_SLOT, flags: 2 }
        : { op: "stream", key, stdin: SLOT.in[1], stdout: SLOT.out[0], stderr: SLOT.err[0], flags: 0 },
    ),
  ];
}

/** The exit of the process with this key; subscribe, or have its stream, before it can happen. */
export function exitOfKey(connection: MonitorClient | MonitorStream, key: number): Promise<ExitedMessage> {
  return new Promise((resolve) => {
    const listen = (message: ExitedMessage): void => {
      if (message.key !== key) return;
      connection.off("exited", listen);
      resolve(message);
    };
    connection.on("exited", listen);
  });
}

/** tap's rejects, with fields that errors of this project have. */
export async function rejects(t: Tap.Assert, promise: Promise<unknown>, fields: object = {}, name = "fails") {
  const [error] = await Promise.all([
    promise.then(
      () => undefined,
      (cause: unknown) => cause,
    ),
  ]);
  t.match(error, fields, name);
  t.ok(error instanceof Error, name);
}
