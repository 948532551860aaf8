import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { CLONE_NEWPID } from "../../../src/linux/constants.ts";
import { connectMonitor, spawnMonitor } from "../../../src/linux/monitor/index.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { ACTORS, PROC_SLOT } from "../../../src/linux/plan/table.ts";
import {
  child,
  container,
  enterRootfs,
  execIn,
  exitOfKey,
  handOver,
  makeChild,
  makeStage,
  monitor,
  rejects,
  SLOT,
  startMonitor,
  TEST_MONITOR,
} from "./harness.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Whether a process with this pid is there and not a zombie. */
function alive(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** pause in a PID namespace of its own; it dies with its monitor. */
const pause = (rootfs: string): Operation[] => [
  ...makeStage,
  ...enterRootfs(rootfs),
  ...makeChild(SLOT.process, CLONE_NEWPID),
  ...child(
    { op: "close_fds", keep: [] },
    { op: "setsid" },
    { op: "pdeathsig", signal: 9 },
    { op: "sync", from: ACTORS.child, to: ACTORS.monitor, slots: [] },
    { op: "pause", title: "pause of a test" },
  ),
  ...handOver(SLOT.process, SLOT.devpts),
  ...monitor({ op: "process", key: 0, pid: SLOT.process, role: 0 }),
];

t.test("pause has no descriptors, no mappings of the plan, and leaves on SIGTERM though it is PID 1", async (t) => {
  const { client, rootfs } = await startMonitor(t);
  await client.subscribe();
  const { pid } = await client.run(pause(rootfs));
  t.same(readdirSync(`/proc/${pid}/fd`), []);
  t.equal(readFileSync(`/proc/${pid}/comm`, "utf8"), "pause\n");
  t.notMatch(readFileSync(`/proc/${pid}/maps`, "utf8"), /\/dev\/zero/);
  t.match(readFileSync(`/proc/${pid}/status`, "utf8"), /^NSpid:\t\d+\t1$/m);
  const exited = exitOfKey(client, 0);
  await client.signal(0, 15);
  t.match(await exited, { pid, status: 0, role: 0 });
});

t.test("pause reaps what is orphaned in its PID namespace", async (t) => {
  const { client, rootfs, stream } = await startMonitor(t);
  const { pid } = await client.run(pause(rootfs));
  const connection = await stream();
  const exited = exitOfKey(connection, 5);
  await connection.run(execIn(5, false, "sh", "-c", "(sleep 0 & sleep 0 &) ; exit 0"));
  t.equal((await exited).status, 0);
  const orphans = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  while (orphans() !== "") await turn();
  t.equal(orphans(), "");
});

t.test("without its monitor pause dies, and so does all that is in its PID namespace", async (t) => {
  const { client, rootfs } = await startMonitor(t);
  const { pid } = await client.run(pause(rootfs));
  const { pid: own } = await client.ready;
  process.kill(own, "SIGKILL");
  while (alive(pid)) await turn();
  t.notOk(alive(pid));
});

t.test("without its monitor a stage that stands still dies too", async (t) => {
  const { client, rootfs } = await startMonitor(t);
  const plan = pause(rootfs);
  const operation = plan.findIndex(({ op }) => op === "pivot_root");
  const run = client.run(plan, { fault: { operation, errno: 0 } });
  run.catch(() => undefined);
  const { pid } = await client.ready;
  await client.list();
  const [stage] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").map(Number);
  t.ok(alive(stage as number));
  process.kill(pid, "SIGKILL");
  await rejects(t, run, { code: "MonitorGone" });
  while (alive(stage as number)) await turn();
});

t.test("a monitor that is not set up leaves with its connection", async (t) => {
  const client = spawnMonitor({ binary: TEST_MONITOR });
  const { pid } = await client.ready;
  client.close();
  while (alive(pid)) await turn();
  t.notOk(alive(pid));
});

t.test("a monitor outlives its daemon's connection and keeps logs and exits for the next one", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  const log = join(folder, "0.log");
  await client.run(container({ rootfs, key: 1, log, stdin: true, argv: ["sh", "-c", "cat; exit 5"], once: true }));
  client.close();
  const next = await connectMonitor(join(folder, "monitor.sock"));
  await next.subscribe();
  t.match(await next.list(), [{ key: 1, exited: 0 }]);
  const exited = exitOfKey(next, 1);
  await next.signal(1, 9);
  await exited;
  t.match(readFileSync(join(folder, "exits/1"), "utf8"), / 9 1 /);
  await next.shutdown();
});

t.test("the monitor ignores the signals that end a session and has no terminal", async (t) => {
  const { client } = await startMonitor(t);
  const { pid } = await client.ready;
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGPIPE"] as const) process.kill(pid, signal);
  t.same(await client.list(), []);
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  t.equal(stat[3], String(pid), "a session of its own");
  t.equal(stat[4], "0", "no controlling terminal");
  t.same(
    readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) > 12),
    [],
    "nothing of the daemon's came along",
  );
});

t.test("orphans of a container without a PID namespace of its own are reaped", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  await client.subscribe();
  const exited = exitOfKey(client, 1);
  const plan = container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["sh", "-c", "(sleep 0 &); exit 0"] });
  await client.run(
    plan
      .map((operation) => (operation.op === "clone" ? { ...operation, flags: 0n } : operation))
      .filter(({ op, actor }) => actor !== "child" || (op !== "fsmount" && op !== "move_mount")),
  );
  t.equal((await exited).status, 0);
  const { pid } = await client.ready;
  const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  while (children() !== "") await turn();
  t.equal(children(), "");
});

t.test("an adopted process is watched, signalled and reported, its status unknown", async (t) => {
  const { client } = await startMonitor(t);
  await client.subscribe();
  const sleeper = spawn("sleep", ["1000"], { stdio: "ignore" });
  await client.adopt(9, sleeper.pid as number, 1);
  t.match(await client.list(), [{ key: 9, pid: sleeper.pid, role: 1, exited: 0 }]);
  const exited = exitOfKey(client, 9);
  await client.signal(9, 9);
  t.match(await exited, { pid: sleeper.pid, status: 0xffffffff });
  await rejects(t, client.adopt(10, 0x7ffffff0, 1), { details: { errno: "ESRCH" } });
});

t.test("shutdown kills what is left, removes the socket and leaves", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  const { pid } = await client.run(container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["sleep", "1000"] }));
  const { pid: own } = await client.ready;
  await client.shutdown();
  t.notOk(alive(pid));
  t.notOk(existsSync(join(folder, "monitor.sock")));
  while (alive(own)) await turn();
});

t.test("a plan that comes after shutdown is refused, also on another connection", async (t) => {
  const { client, folder } = await startMonitor(t);
  const { pid } = await client.ready;
  const other = await connectMonitor(join(folder, "monitor.sock"));
  // Both messages are there when it looks, on connections that it knows.
  await other.ready;
  // epoll(7) has a descriptor that was read in its list once more: the next answer to another takes it out, and what comes is in its order.
  await client.list();
  process.kill(pid, "SIGSTOP");
  // A signal takes its time to a process on another processor (proc_pid_stat(5): T is stopped).
  while (!/\) T /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) await turn();
  const left = client.shutdown();
  const run = rejects(t, other.run([...makeStage]), { code: "OperationFailed", details: { errno: "ESHUTDOWN" } });
  await turn();
  process.kill(pid, "SIGCONT");
  await run;
  await left;
  other.close();
});

t.test("setresuid keeps capabilities until capset, and the process stays non-dumpable", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  await client.subscribe();
  const log = join(folder, "0.log");
  const plan = container({
    rootfs,
    key: 1,
    log,
    argv: ["sh", "-c", "id -u; grep -E '^(Cap|NoNew)' /proc/self/status"],
  });
  const exec = plan.findIndex(({ op }) => op === "exec");
  const identity = child(
    { op: "setgroups", groups: [7, 8] },
    { op: "setresgid", gid: 4000 },
    { op: "setresuid", uid: 3000 },
    { op: "capbset", keep: 0x401n },
    { op: "capset", effective: 0x400n, permitted: 0x400n, inheritable: 0x400n, ambient: 0x400n },
    { op: "no_new_privs" },
  );
  const exited = exitOfKey(client, 1);
  await client.run(plan.toSpliced(exec, 0, ...identity));
  t.equal((await exited).status, 0);
  const lines = readFileSync(log, "utf8")
    .replaceAll(/^\S+ stdout F /gm, "")
    .split("\n");
  t.same(lines.slice(0, -1), [
    "3000",
    "CapInh:\t0000000000000400",
    "CapPrm:\t0000000000000400",
    "CapEff:\t0000000000000400",
    "CapBnd:\t0000000000000401",
    "CapAmb:\t0000000000000400",
    "NoNewPrivs:\t1",
  ]);
  t.equal(PROC_SLOT, 0);
});

t.test("a monitor that does not answer is not waited for, and is killed when it is to leave", async (t) => {
  const { client, folder } = await startMonitor(t);
  const { pid } = await client.ready;
  process.kill(pid, "SIGSTOP");
  await t.rejects(connectMonitor(join(folder, "monitor.sock"), { limitMillis: 100 }), { code: "Timeout" });
  await client.shutdown({ limitMillis: 100 });
  while (alive(pid)) await turn();
});
