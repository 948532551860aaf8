// Operations that the other tests do not come by, each by what a container sees of it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { CLONE_NEWNET, CLONE_NEWPID, CLONE_NEWUTS, O_DIRECTORY, O_PATH } from "../../../src/linux/constants.ts";
import { encodePlan, type Operation } from "../../../src/linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT, PLAN_SLOTS, PROC_SLOT } from "../../../src/linux/plan/table.ts";
import { startRenaming } from "../support/renaming.ts";
import {
  type Bare,
  child,
  container,
  exec,
  exitOfKey,
  type Fixture,
  handOver,
  makeChild,
  makeStage,
  monitor,
  rejects,
  SLOT,
  stage,
  startMonitor,
} from "./harness.ts";

let nextKey = 1;

/** What a script prints, errors in their place, after more operations of the stage (before pivot_root) and of the child. */
async function inspect(
  f: Fixture,
  script: string,
  more: { stage?: Operation[]; child?: Operation[] },
): Promise<string[]> {
  const key = nextKey++;
  const log = join(f.folder, `${key}.log`);
  const plan = container({ rootfs: f.rootfs, key, log, argv: ["sh", "-c", `exec 2>&1; ${script}`] });
  const at = (op: string): number => plan.findIndex((operation) => operation.op === op);
  const changed = plan
    .toSpliced(at("exec"), 0, ...(more.child ?? []))
    .toSpliced(at("pivot_root"), 0, ...(more.stage ?? []));
  const exited = exitOfKey(f.client, key);
  await f.client.run(changed);
  await exited;
  const lines = readFileSync(log, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => line.split(" ").slice(3).join(" "));
}

async function start(t: Parameters<typeof startMonitor>[0]): Promise<Fixture> {
  const fixture = await startMonitor(t);
  await fixture.client.subscribe();
  return fixture;
}

t.test("masked files read as empty, masked folders are empty and read-only, absent ones are fine", async (t) => {
  const f = await start(t);
  for (const folder of ["secret", "secret2"]) mkdirSync(join(f.rootfs, folder));
  for (const name of ["secret/a", "secret2/a", "file1", "file2"]) writeFileSync(join(f.rootfs, name), "secret");
  const mask = (path: string): Bare => ({ op: "mask", dir: SLOT.root, path });
  const found = await inspect(f, "cat file1 file2; ls secret secret2; echo x > secret/b; ls -ld secret | head -c 10", {
    stage: stage(mask("file1"), mask("file2"), mask("secret"), mask("/secret2"), mask("absent"), mask("absent/deeper")),
  });
  t.same(found, ["secret:", "", "secret2:", "sh: can't create secret/b: Read-only file system", "dr-xr-xr-x"]);
});

t.test("readonly makes a tree read-only, what is mounted below it too", async (t) => {
  const f = await start(t);
  mkdirSync(join(f.rootfs, "tree/below"), { recursive: true });
  const found = await inspect(f, "echo x > tree/a; echo x > tree/below/a; echo x > tmp/a && echo written", {
    stage: stage(
      { op: "fsmount", out: SLOT.scratch, type: "tmpfs", options: [], attributes: 0n },
      { op: "move_mount", from: SLOT.scratch, dir: SLOT.root, path: "tree/below", resolve: 1 },
      { op: "readonly", dir: SLOT.root, path: "tree" },
      { op: "readonly", dir: SLOT.root, path: "absent" },
    ),
  });
  t.match(found, [/tree\/a: Read-only/, /tree\/below\/a: Read-only/, "written"]);
});

t.test("paths inside a root never lead out of it, whatever its links say", async (t) => {
  const f = await start(t);
  const outside = mkdtempSync(join(tmpdir(), "podrun-outside-"));
  t.teardown(() => rmSync(outside, { recursive: true }));
  symlinkSync(outside, join(f.rootfs, "absolute"));
  symlinkSync("../../../../../..", join(f.rootfs, "up"));
  symlinkSync("/run/systemd/resolv.conf", join(f.rootfs, "dangling"));
  symlinkSync("loop", join(f.rootfs, "loop"));
  const inside = { dir: SLOT.root, resolve: 1 } as const;
  const found = await inspect(f, `ls -d up/tmp/made ${outside}/a/b /run/systemd/resolv.conf; readlink dangling`, {
    stage: stage(
      { op: "mkdir", ...inside, path: "up/tmp/made", mode: 0o700, parents: 0 },
      { op: "mountpoint", dir: SLOT.root, path: "absolute/a/b", file: 0 },
      { op: "mountpoint", dir: SLOT.root, path: "dangling", file: 1 },
      { op: "mountpoint", dir: SLOT.root, path: "dangling", file: 1 },
    ),
  });
  t.same(found, ["/run/systemd/resolv.conf", `${outside}/a/b`, "up/tmp/made", "/run/systemd/resolv.conf"]);
  const refused = (operation: Bare, errno: string) =>
    rejects(t, inspect(f, "", { stage: stage(operation) }), { errno });
  await refused({ op: "mountpoint", dir: SLOT.root, path: "loop/a", file: 0 }, "ELOOP");
  await refused({ op: "mountpoint", dir: SLOT.root, path: "bin/busybox", file: 0 }, "ENOTDIR");
  await refused({ op: "mountpoint", dir: SLOT.root, path: "bin", file: 1 }, "EISDIR");
  await refused({ op: "open", out: 800, ...inside, path: "no/../../etc/passwd", flags: O_PATH }, "ENOENT");
});

t.test("names are found below the root while files are renamed all the time on this machine", async (t) => {
  const f = await start(t);
  await startRenaming(t);
  const path = `${"tmp/../".repeat(100)}tmp`;
  const looks = Array.from({ length: 200 }, () => ({ op: "mountpoint" as const, dir: SLOT.root, path, file: 0 }));
  t.same(await inspect(f, "echo done", { stage: stage(...looks) }), ["done"]);
});

t.test("files, links, owners and modes come out as asked for, whatever the umask", async (t) => {
  const f = await start(t);
  const found = await inspect(
    f,
    "cd tmp; stat -c '%n %F %a %u %g' fifo link one one/two text; readlink link; cat text; ls -d gone",
    {
      stage: stage(
        { op: "mkdir", dir: SLOT.root, path: "tmp/one/two", mode: 0o1777, resolve: 1, parents: 1 },
        { op: "mknod", dir: SLOT.root, path: "tmp/fifo", mode: 0o010622, major: 0, minor: 0 },
        { op: "mknod", dir: SLOT.root, path: "tmp/text", mode: 0o100666, major: 0, minor: 0 },
        { op: "open", out: 800, dir: SLOT.root, path: "tmp", flags: O_PATH, resolve: 1 },
        { op: "write_file", dir: 800, path: "text", data: Buffer.from("content\n"), flags: 0, mode: 0 },
        { op: "symlink", dir: 800, target: "/nowhere", path: "link" },
        { op: "chown", dir: SLOT.root, path: "tmp/link", uid: 11, gid: 22, resolve: 1 },
        { op: "chown", dir: 800, path: "text", uid: 33, gid: 0xffffffff, resolve: 0 },
        { op: "chmod", dir: SLOT.root, path: "tmp/text", mode: 0o4640, resolve: 1 },
        { op: "mkdir", dir: 800, path: "gone", mode: 0o755, resolve: 0, parents: 0 },
        { op: "rmdir", dir: 800, path: "gone" },
      ),
    },
  );
  t.same(found, [
    "fifo fifo 622 0 0",
    "link symbolic link 777 11 22",
    "one directory 755 0 0",
    "one/two directory 1777 0 0",
    "text regular file 4640 33 0",
    "/nowhere",
    "content",
    "ls: gone: No such file or directory",
  ]);
});

t.test("mount(2) works below a descriptor, before the pivot and behind it", async (t) => {
  const f = await start(t);
  for (const name of ["one", "two"]) mkdirSync(join(f.rootfs, name));
  const mount = { op: "mount", source: "none", dir: SLOT.root, type: "tmpfs", flags: 0n, data: "mode=751" } as const;
  const found = await inspect(f, "ls -ld two | head -c 10; grep -c 'tmpfs.*mode=751' /proc/self/mounts", {
    stage: stage(
      { ...mount, target: "one" },
      { op: "mkdir", dir: SLOT.root, path: "three", mode: 0o755, resolve: 1, parents: 0 },
    ),
    child: child(
      { op: "open", out: 800, dir: NO_SLOT, path: "/", flags: O_PATH, resolve: 0 },
      { ...mount, dir: 800, target: "two" },
      { ...mount, dir: NO_SLOT, target: "/three" },
    ),
  });
  t.same(found, ["drwxr-x--x3"]);
});

t.test("host name, limits, priorities and kernel parameters are the process's own", async (t) => {
  const f = await start(t);
  const found = await inspect(
    f,
    "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname /proc/self/oom_score_adj; ulimit -n; cat /proc/sys/net/ipv4/ip_default_ttl; cat /proc/self/comm",
    {
      stage: stage(
        { op: "unshare", flags: CLONE_NEWUTS | CLONE_NEWNET },
        { op: "sethostname", hostname: "here", domainname: "there" },
        { op: "sysctl", name: "net.ipv4.ip_default_ttl", value: "77" },
      ),
      child: child(
        { op: "oom_score_adj", value: 321 },
        { op: "rlimit", resource: 7, soft: 100n, hard: 200n },
        { op: "set_name", name: "lost at execve" },
      ),
    },
  );
  t.same(found, ["here", "there", "321", "100", "77", "cat"]);
});

t.test("a seccomp filter that denies write does not silence a failure", async (t) => {
  const f = await start(t);
  // Loads the number of the call, denies write (1 on x86_64, 64 on arm64) and exit_group (231, 94), allows the rest.
  const [write, leave] = process.arch === "x64" ? [1, 231] : [64, 94];
  const filter = Buffer.alloc(8 * 5);
  const put = (i: number, code: number, jt: number, jf: number, k: number): void => {
    filter.writeUInt16LE(code, i * 8);
    filter.writeUInt8(jt, i * 8 + 2);
    filter.writeUInt8(jf, i * 8 + 3);
    filter.writeUInt32LE(k, i * 8 + 4);
  };
  put(0, 0x20, 0, 0, 0);
  put(1, 0x15, 2, 0, write as number);
  put(2, 0x15, 1, 0, leave as number);
  put(3, 0x06, 0, 0, 0x7fff0000);
  put(4, 0x06, 0, 0, 0x00050001);
  const seccomp: Bare[] = [{ op: "no_new_privs" }, { op: "seccomp", flags: 0, filter }];
  const fails = inspect(f, "", {
    child: child(...seccomp, { op: "chdir", dir: NO_SLOT, path: "/absent", resolve: 0 }),
  });
  await rejects(t, fails, { op: "chdir", errno: "ENOENT" });
  const odd = inspect(f, "", {
    child: child({ op: "no_new_privs" }, { op: "seccomp", flags: 0, filter: filter.subarray(3) }),
  });
  await rejects(t, odd, { op: "seccomp", errno: "EINVAL" });
});

t.test("netlink batches are sent whole, fixups take descriptors, and the failed message is named", async (t) => {
  const f = await start(t);
  const up = (index: number): Buffer => {
    const message = Buffer.alloc(32);
    message.writeUInt32LE(32, 0);
    message.writeUInt16LE(16, 4); // RTM_NEWLINK
    message.writeInt32LE(index, 20);
    message.writeUInt32LE(1, 24); // IFF_UP
    message.writeUInt32LE(1, 28);
    return message;
  };
  const netlink = (messages: Buffer, fixups: number[] = [], slots: number[] = []): Bare => ({
    op: "netlink",
    messages,
    fixups,
    slots,
  });
  const unshare: Bare = { op: "unshare", flags: CLONE_NEWNET };
  const run = (...operations: Bare[]) => f.client.run([...makeStage, ...stage(unshare, ...operations)]);
  t.equal((await run(netlink(up(1)), netlink(Buffer.alloc(0)))).results.length, 4);
  const results = run(netlink(Buffer.concat([up(1), up(55), up(66)])));
  await rejects(t, results, { errno: "ENODEV", operation: 2 });
  const { results: page } = await results.catch((error: { results: { value: bigint }[] }) => error);
  t.equal(page[2]?.value, 1n);
  const cut = [...makeStage, ...stage(unshare, netlink(up(1).subarray(0, 30)))];
  const answer = await f.client.request({ type: "run", plan: encodePlan(cut) });
  t.match(answer, { type: "result", status: 1, operation: 2, errno: 74 });
  await rejects(t, run(netlink(up(1), [29], [PROC_SLOT])), { errno: "EINVAL" });
  await rejects(t, run(netlink(up(1), [20], [900])), { errno: "EBADF" });
});

t.test("a port-forward is a connect in the stage and a stream without a process, with half-close", async (t) => {
  const f = await start(t);
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data;
    });
    socket.on("end", () => socket.end(`got ${text}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const out = PLAN_SLOTS + 40;
  const connect: Bare = { op: "connect", out, family: 2, address: Buffer.from([127, 0, 0, 1]), port };
  const connection = await f.stream();
  let text = "";
  connection.on("stdout", (data) => {
    text += data;
  });
  const ended = exitOfKey(connection, 500);
  await connection.run([
    ...makeStage,
    ...stage(connect),
    ...handOver(out),
    ...monitor({ op: "stream", key: 500, stdin: out, stdout: out, stderr: NO_SLOT, flags: 0 }),
  ]);
  connection.stdin.write("some ");
  connection.stdin.end("bytes");
  t.match(await ended, { pid: 0, status: 0 });
  t.equal(text, "got some bytes");
  const refused = f.client.run([...makeStage, ...stage({ ...connect, port: 1 })]);
  await rejects(t, refused, { errno: "ECONNREFUSED" });
});

t.test("namespaces are opened from the actor itself and from a pidfd, kept in slots, and joined", async (t) => {
  const f = await start(t);
  const { pid } = await f.client.run([
    ...makeStage,
    ...stage(
      { op: "unshare", flags: CLONE_NEWUTS },
      { op: "sethostname", hostname: "kept", domainname: "" },
      { op: "open_namespace", out: 2, kind: "uts", pid: NO_SLOT },
    ),
    ...makeChild(SLOT.process, CLONE_NEWPID),
    ...child({ op: "pause", title: "pause" }),
    ...stage({ op: "open_namespace", out: 5, kind: "pid", pid: SLOT.process }),
    ...handOver(2, 5, SLOT.process),
    ...monitor({ op: "process", key: 900, pid: SLOT.process, role: 0 }),
  ]);
  t.ok(pid > 0);
  const found = await inspect(f, "cat /proc/sys/kernel/hostname; cat /proc/1/comm", {
    stage: stage({ op: "setns", namespace: 2, type: CLONE_NEWUTS }),
  });
  t.equal(found[0], "kept");
  const log = join(f.folder, "joined.log");
  const plan = container({ rootfs: f.rootfs, key: 901, log, argv: ["sh", "-c", "cat /proc/1/comm"] });
  const clone = plan.findIndex(({ op, actor }) => op === "clone" && actor === "stage");
  const join2 = stage({ op: "setns", namespace: 5, type: CLONE_NEWPID });
  const exited = exitOfKey(f.client, 901);
  const shared = plan.map((o, i): Operation => (i === clone && o.op === "clone" ? { ...o, flags: 0n, pid: 24 } : o));
  const renamed = shared.map((o): Operation => {
    if (o.op === "sync") return { ...o, slots: [24, SLOT.devpts] };
    return o.op === "process" ? { ...o, pid: 24 } : o;
  });
  await f.client.run(renamed.toSpliced(clone, 0, ...join2));
  await exited;
  t.match(readFileSync(log, "utf8"), / pause\n$/);
  await f.client.forget({ slots: [2, 5] });
  const gone = f.client.run([...makeStage, ...stage({ op: "setns", namespace: 2, type: CLONE_NEWUTS })]);
  await rejects(t, gone, { errno: "EBADF" });
  const bad = f.client.run(monitor({ op: "open_namespace", out: 2, kind: "../root", pid: NO_SLOT }));
  await rejects(t, bad, { errno: "EINVAL" });
});

t.test("stage and child can wait for each other, descriptors going both ways", async (t) => {
  const f = await start(t);
  const [mine, theirs] = [PLAN_SLOTS + 50, PLAN_SLOTS + 51];
  const path = join(f.folder, "from-child");
  const sync = (from: number, to: number, slots: number[]): Bare => ({ op: "sync", from, to, slots });
  await f.client.run([
    ...makeStage,
    ...makeChild(SLOT.process),
    ...child({ op: "open", out: mine, dir: NO_SLOT, path: f.folder, flags: O_PATH, resolve: 0 }),
    ...child(sync(ACTORS.child, ACTORS.stage, [mine])),
    ...stage({ op: "mkdir", dir: mine, path: "from-child", mode: 0o700, resolve: 0, parents: 0 }),
    ...stage({ op: "open", out: theirs, dir: NO_SLOT, path, flags: O_PATH, resolve: 0 }),
    ...stage(sync(ACTORS.stage, ACTORS.child, [theirs])),
    ...child({ op: "rmdir", dir: NO_SLOT, path }),
    ...child({ op: "chdir", dir: theirs, path: "", resolve: 0 }),
    ...monitor(sync(ACTORS.monitor, ACTORS.child, [PROC_SLOT])),
    ...exec("true"),
  ]);
  t.pass("nobody waited for ever");
});

t.test("a child is made in its cgroup (v2), whose device filter holds from its first instruction", async (t) => {
  const f = await start(t);
  const [mount, cgroup] = [PLAN_SLOTS + 60, PLAN_SLOTS + 61];
  const path = `podrun-test-${process.pid}`;
  const open: Operation[] = stage(
    { op: "fsmount", out: mount, type: "cgroup2", options: [], attributes: 0n },
    { op: "mkdir", dir: mount, path, mode: 0o755, resolve: 0, parents: 0 },
    { op: "open", out: cgroup, dir: mount, path, flags: O_DIRECTORY, resolve: 0 },
  );
  // r0 = 0; exit: no device at all.
  const program = Buffer.from([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
  const log = join(f.folder, "devices.log");
  const plan = container({
    rootfs: f.rootfs,
    key: 950,
    log,
    // Without a pipe its stdin would be /dev/null, which it may not open either.
    stdin: true,
    argv: ["sh", "-c", "cat /proc/self/cgroup; : > /dev/null"],
  });
  const clone = plan.findIndex(({ op, actor }) => op === "clone" && actor === "stage");
  const filtered = plan.map((o, i): Operation => (i === clone && o.op === "clone" ? { ...o, cgroup } : o));
  const pivot = plan.findIndex(({ op }) => op === "pivot_root");
  const exited = exitOfKey(f.client, 950);
  await f.client.run(filtered.toSpliced(pivot, 0, ...open, ...stage({ op: "device_filter", cgroup, program })));
  await exited;
  const removal = stage(
    { op: "fsmount", out: mount, type: "cgroup2", options: [], attributes: 0n },
    { op: "rmdir", dir: mount, path },
  );
  await f.client.run([...makeStage, ...removal]);
  const text = readFileSync(log, "utf8");
  t.match(text, new RegExp(`0::/${path}\n`));
  t.match(text, /can't create \/dev\/null: Operation not permitted/);
});
