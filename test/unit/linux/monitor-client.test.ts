import t from "tap";
import { connectMonitor } from "../../../src/linux/monitor/index.ts";
import { PlanError } from "../../../src/linux/plan/failure.ts";
import type { Operation } from "../../../src/linux/plan/operations.gen.ts";
import { fakeMonitor, resultsPage } from "./support/fake-monitor.ts";

const PLAN: Operation[] = [
  { op: "setsid", actor: "child", why: "test" },
  { op: "umount", actor: "stage", why: "test", part: "web", path: "/data", flags: 0 },
];
const row = { start: 1n, end: 5n, value: 0n, errno: 0 };

t.test("requests are answered by their number, whatever the order", async (t) => {
  const waiting: number[] = [];
  const path = await fakeMonitor(t, (connection, _, request) => {
    waiting.push(request);
    if (waiting.length < 2) return;
    connection.send({ type: "error", errno: 3, text: "signal" }, waiting[1]);
    connection.send({ type: "ok", value: 0n }, waiting[0]);
  });
  const client = await connectMonitor(path);
  t.teardown(() => client.close());
  const first = client.subscribe();
  const second = client.signal(1, 15);
  await t.rejects(second, { code: "OperationFailed", message: "monitor: signal: ESRCH", details: { errno: "ESRCH" } });
  await t.resolves(first);
});

t.test("a plan that is done gives the child's pid and what each operation took", async (t) => {
  const path = await fakeMonitor(t, ({ send }, message, request) => {
    if (message.type !== "run") return;
    const results = resultsPage([row, { ...row, start: 5n, end: 9n, value: 77n, errno: 2 }]);
    send({ type: "result", status: 0, operation: 0, errno: 0, pid: 321, results }, request);
  });
  const client = await connectMonitor(path);
  t.teardown(() => client.close());
  const { pid, results } = await client.run(PLAN);
  t.equal(pid, 321);
  t.strictSame(results, [row, { start: 5n, end: 9n, value: 77n, errno: 2 }]);
});

t.test("a plan that fails throws the failed operation with its errno", async (t) => {
  const path = await fakeMonitor(t, ({ send }, _, request) =>
    send({ type: "result", status: 1, operation: 1, errno: 16, pid: 0, results: resultsPage([row, row]) }, request),
  );
  const client = await connectMonitor(path);
  t.teardown(() => client.close());
  const error = await client.run(PLAN).catch((error: unknown) => error);
  t.ok(error instanceof PlanError);
  t.match(error, { operation: 1, errno: "EBUSY", message: 'container "web": umount /data: EBUSY (operation 2 of 2)' });
});

t.test("an actor that died fails the plan without an errno", async (t) => {
  const path = await fakeMonitor(t, ({ send }, _, request) =>
    send({ type: "result", status: 3, operation: 0, errno: 0, pid: 0, results: resultsPage([row, row]) }, request),
  );
  const client = await connectMonitor(path);
  t.teardown(() => client.close());
  await t.rejects(client.run(PLAN), { code: "OperationFailed", message: /the child process died here/ });
});

t.test("aborting a plan cancels it at the monitor", async (t) => {
  let running = 0;
  const abort = new AbortController();
  const path = await fakeMonitor(t, ({ send }, message, request) => {
    if (message.type === "run") {
      running = request;
      abort.abort();
    } else if (message.type === "cancel") {
      t.equal(message.request, running);
      send({ type: "result", status: 2, operation: 1, errno: 0, pid: 0, results: Buffer.alloc(0) }, running);
    }
  });
  const client = await connectMonitor(path);
  t.teardown(() => client.close());
  await t.rejects(client.run(PLAN, { signal: abort.signal }), { code: "Cancelled" });
});

t.test("the process table is collected until the monitor says it is all", async (t) => {
  const listed = { type: "listed", pid: 9, role: 1, exited: 0, status: 0, started: 1n, finished: 0n } as const;
  const path = await fakeMonitor(t, ({ send }, _, request) => {
    send({ ...listed, key: 1 }, request);
    send({ ...listed, key: 2 }, request);
    send({ type: "ok", value: 2n }, request);
  });
  const client = await connectMonitor(path);
  t.teardown(() => client.close());
  t.strictSame(
    (await client.list()).map(({ key }) => key),
    [1, 2],
  );
});

t.test("exits come as events with their fields", async (t) => {
  const exited = { type: "exited", key: 3, pid: 8, status: 256, role: 1, finished: 5n } as const;
  const path = await fakeMonitor(t, ({ send }, _, request) => {
    send({ type: "ok", value: 0n }, request);
    send(exited);
  });
  const client = await connectMonitor(path);
  t.teardown(() => client.close());
  const event = new Promise((resolve) => client.once("exited", resolve));
  await client.subscribe();
  t.strictSame(await event, exited);
});

t.test("requests under way and later ones fail when the monitor goes", async (t) => {
  const path = await fakeMonitor(t, ({ socket }) => socket.destroy());
  const client = await connectMonitor(path);
  const closed = new Promise((resolve) => client.once("closed", resolve));
  await t.rejects(client.run(PLAN), { code: "MonitorGone" });
  t.match(await closed, { code: "MonitorGone" });
  t.equal(client.open, false);
  await t.rejects(client.list(), { code: "MonitorGone" });
});

t.test("shutdown is done when the monitor has left, not yet when it answers", async (t) => {
  const answered = Promise.withResolvers<() => void>();
  const path = await fakeMonitor(t, ({ send, socket }, _, request) => {
    send({ type: "ok", value: 0n }, request);
    answered.resolve(() => socket.destroy());
  });
  const client = await connectMonitor(path);
  let isDone = false;
  const shutdown = client.shutdown().then(() => {
    isDone = true;
  });
  const leave = await answered.promise;
  // A later answer has come: so had the one to shutdown.
  await client.list().catch(() => undefined);
  t.equal(isDone, false);
  leave();
  await shutdown;
});

t.test("shutdown is done when the monitor goes without an answer", async (t) => {
  const client = await connectMonitor(await fakeMonitor(t, ({ socket }) => socket.destroy()));
  await t.resolves(client.shutdown());
});

t.test("a newer monitor is refused with both versions in the message", async (t) => {
  const path = await fakeMonitor(t, () => undefined, 99);
  await t.rejects(connectMonitor(path), {
    code: "MonitorGone",
    message: /speaks protocol version 99, this podrun speaks versions 1 to \d+/,
  });
});

t.test("garbage instead of the protocol ends the connection with the reason", async (t) => {
  const path = await fakeMonitor(t, ({ socket }) => socket.write(Buffer.alloc(64, 0xff)));
  const client = await connectMonitor(path);
  await t.rejects(client.list(), { code: "Internal", message: /a frame of \d+ bytes/ });
});

t.test("no monitor behind the path is MonitorGone", async (t) => {
  await t.rejects(connectMonitor("/nowhere/monitor.sock"), { code: "MonitorGone", message: /ENOENT/ });
});
