import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { MonitorClient } from "../../../src/linux/monitor/index.ts";
import { encodePlan, type Operation } from "../../../src/linux/plan/operations.gen.ts";
import { container, makeStage, monitor, rejects, stage, startMonitor } from "./harness.ts";

const EDQUOT = 122;

/** What a monitor holds: its descriptors by kind, and its children. */
async function holdings(client: MonitorClient): Promise<string> {
  const { pid } = await client.ready;
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return `${descriptors} descriptors, children: ${children}`;
}

/** Children of a process that sleep. */
function sleepers(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  return children.filter((child) => {
    try {
      return /^State:\tS/m.test(readFileSync(`/proc/${child}/status`, "utf8"));
    } catch {
      return false;
    }
  });
}

t.test("whichever operation fails, its index and errno come back and everything before it is undone", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  const plan = container({ rootfs, key: 1, log: join(folder, "0.log"), stdin: true, argv: ["sleep", "1000"] });
  const before = await holdings(client);
  for (const [operation, { op, actor }] of plan.entries()) {
    const run = client.run(plan, { fault: { operation, errno: EDQUOT } });
    await rejects(t, run, { operation, errno: "EDQUOT" }, `${operation} ${actor} ${op}`);
    t.equal(await holdings(client), before, `${operation} ${actor} ${op}: nothing is left`);
    t.same(await client.list(), []);
  }
});

t.test("whichever operation stops, the monitor goes on and cancel undoes the plan", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  const plan = container({ rootfs, key: 1, log: join(folder, "0.log"), stdin: true, argv: ["sleep", "1000"] });
  const before = await holdings(client);
  for (const [operation, { op, actor }] of plan.entries()) {
    const abort = new AbortController();
    const run = client.run(plan, { fault: { operation, errno: 0 }, signal: abort.signal });
    await client.list();
    abort.abort();
    await rejects(t, run, { code: "Cancelled" }, `${operation} ${actor} ${op}`);
    t.equal(await holdings(client), before, `${operation} ${actor} ${op}: nothing is left`);
  }
  await t.resolves(client.run(plan), "the same plan runs afterwards");
});

t.test("a plan whose connection closes is cancelled", async (t) => {
  const { client, rootfs, folder, stream } = await startMonitor(t);
  const plan = container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["sleep", "1000"] });
  const before = await holdings(client);
  const connection = await stream();
  const operation = plan.findIndex(({ op }) => op === "pivot_root");
  const run = connection.run(plan, { fault: { operation, errno: 0 } });
  await rejects(t, Promise.all([run, connection.request({ type: "list" }).then(() => connection.close())]));
  while ((await holdings(client)) !== before) await new Promise((resolve) => setImmediate(resolve));
  t.same(await client.list(), []);
});

/** v1's freezer holds a process so that no SIGKILL ends it, as a dead disk does; v2's lets it die. */
const FREEZER = "/sys/fs/cgroup/freezer";
const skip = !existsSync(join(FREEZER, "cgroup.procs")) && "no v1 freezer on this machine";

t.test("a list is answered though an actor of a dead daemon's plan does not die", { skip }, async (t) => {
  const { client, rootfs, folder, stream } = await startMonitor(t);
  const plan = container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["sleep", "1000"] });
  const before = await holdings(client);
  const { pid } = await client.ready;
  const cgroup = join(FREEZER, `podrun-test-${process.pid}`);
  mkdirSync(cgroup);
  t.teardown(() => rmdirSync(cgroup));
  const connection = await stream();
  const operation = plan.findIndex(({ op }) => op === "pivot_root");
  const run = connection.run(plan, { fault: { operation, errno: 0 } });
  run.catch(() => undefined);
  await connection.request({ type: "list" });
  const stage = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  writeFileSync(join(cgroup, "cgroup.procs"), stage);
  writeFileSync(join(cgroup, "freezer.state"), "FROZEN");
  try {
    while (readFileSync(join(cgroup, "freezer.state"), "utf8") !== "FROZEN\n")
      await new Promise((resolve) => setImmediate(resolve));
    connection.close();
    t.same(await client.list(), []);
    t.equal(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim(), stage, "it is still there");
  } finally {
    writeFileSync(join(cgroup, "freezer.state"), "THAWED");
  }
  while ((await holdings(client)) !== before) await new Promise((resolve) => setImmediate(resolve));
});

t.test("an actor that is killed is reported with the operation it was at", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  const plan = container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["sleep", "1000"] });
  const before = await holdings(client);
  const { pid } = await client.ready;
  for (const op of ["pivot_root", "stdio"] as const) {
    const operation = plan.findIndex((o) => o.op === op);
    const run = client.run(plan, { fault: { operation, errno: 0 } });
    run.catch(() => undefined);
    let victim: number | undefined;
    // Its parent waits for nothing by then, so the only sleeper is the one that the fault switch has stopped.
    for (; victim === undefined; victim = sleepers(pid)[0]) await new Promise((resolve) => setImmediate(resolve));
    process.kill(victim, "SIGKILL");
    await rejects(t, run, { operation, errno: undefined, op }, op);
    t.equal(await holdings(client), before);
  }
});

t.test("what the kernel refuses comes back with its errno", async (t) => {
  const { client, rootfs } = await startMonitor(t);
  const refused = (operations: Operation[]) => client.run([...makeStage, ...operations]);
  const path = join(rootfs, "no/such");
  await rejects(t, refused(stage({ op: "rmdir", dir: 0xffff, path })), { errno: "ENOENT", path });
  await rejects(t, refused(stage({ op: "open", out: 770, dir: 771, path: "x", flags: 0, resolve: 0 })), {
    errno: "EBADF",
  });
  await rejects(t, refused(stage({ op: "fsmount", out: 770, type: "nosuchfs", options: [], attributes: 0n })), {
    errno: "ENODEV",
  });
  await rejects(t, refused(stage({ op: "sysctl", name: "kernel/../../etc", value: "1" })), { errno: "EINVAL" });
});

t.test("malformed plans are refused whole: nothing of them is run", async (t) => {
  const { client, folder } = await startMonitor(t);
  const path = join(folder, "must-not-be");
  const make: Operation[] = monitor({ op: "mkdir", dir: 0xffff, path, mode: 0o700, resolve: 0, parents: 0 });
  const good = encodePlan([...make, ...makeStage]);
  const run = (plan: Uint8Array) => client.request({ type: "run", plan });
  const unknown = Buffer.from(good);
  unknown.writeUInt16LE(999, good.length - 16 - 8);
  await rejects(t, run(unknown), { message: /operation 1.*not know/, details: { errno: "ENOSYS" } });
  for (let length = 0; length < good.length; length++)
    await rejects(t, run(good.subarray(0, length)), { details: { errno: "EBADMSG" } });
  const exec: Operation = { op: "exec", actor: "stage", why: "", paths: [], argv: [], env: [] };
  await rejects(t, run(encodePlan([...make, ...makeStage, exec])), { details: { errno: "EINVAL" } });
  t.notOk(readdirSync(folder).includes("must-not-be"));
  await t.resolves(client.list());
});
