import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { child, container, exitOfKey, monitor, rejects, startMonitor } from "./harness.ts";

const messages = (log: string): string[] =>
  readFileSync(log, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split(" ").slice(1).join(" "));

t.test("a container's output, exit status and times come back, and its exit is recorded", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  await client.subscribe();
  const log = join(folder, "0.log");
  const exited = exitOfKey(client, 5);
  const script = "echo to out; echo to err >&2; printf unfinished; exit 3";
  const { pid, results } = await client.run(container({ rootfs, key: 5, log, argv: ["sh", "-c", script] }));
  const exit = await exited;
  t.match(exit, { pid, status: 3 << 8, role: 1 });
  t.same(messages(log).sort(), ["stderr F to err", "stdout F to out", "stdout P unfinished"]);
  const [listed] = await client.list();
  t.match(listed, { key: 5, pid, role: 1, exited: 1, status: 3 << 8, finished: exit.finished });
  const record = readFileSync(join(folder, "exits/5"), "utf8");
  t.equal(record, `${pid} ${3 << 8} 1 ${listed?.started} ${exit.finished}\n`);
  t.ok(
    results.every(({ start, end, errno }) => start > 0n && end >= start && errno === 0),
    "every operation is timed",
  );
  await client.forget({ keys: [5] });
  t.same(await client.list(), []);
  t.same(readdirSync(join(folder, "exits")), []);
});

t.test("a process starts with no descriptor but 0 to 2, default signals, an empty mask and umask 022", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  await client.subscribe();
  const log = join(folder, "0.log");
  const exited = exitOfKey(client, 1);
  const status = "^(Sig(Blk|Ign|Cgt)|Umask):";
  // No shell: it would change signals itself.
  await client.run(container({ rootfs, key: 1, log, argv: ["grep", "-E", status, "/proc/self/status"] }));
  await exited;
  t.same(messages(log), [
    "stdout F Umask:\t0022",
    "stdout F SigBlk:\t0000000000000000",
    "stdout F SigIgn:\t0000000000000000",
    "stdout F SigCgt:\t0000000000000000",
  ]);
  const listed = exitOfKey(client, 2);
  const second = join(folder, "1.log");
  await client.run(container({ rootfs, key: 2, log: second, argv: ["ls", "/proc/self/fd"] }));
  await listed;
  // 3 is the folder that ls reads.
  t.same(messages(second), ["stdout F 0", "stdout F 1", "stdout F 2", "stdout F 3"]);
});

t.test("exec tries its paths as execvp does and says which one it took", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  await client.subscribe();
  const plan = (paths: string[]) =>
    container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["true"] }).map((operation) =>
      operation.op === "exec" ? { ...operation, paths } : operation,
    );
  const exited = exitOfKey(client, 1);
  const taken = plan(["/no/such", "/bin/busybox/below-a-file", "/proc", "/bin/true"]);
  const { results } = await client.run(taken);
  t.equal(results[taken.findIndex(({ op }) => op === "exec")]?.value, 3n);
  t.equal((await exited).status, 0);
  await rejects(t, client.run(plan(["/no/such", "/bin/none"])), { code: "CommandNotFound", errno: "ENOENT" });
  await rejects(t, client.run(plan(["/proc", "/bin/none"])), { code: "CommandNotExecutable", errno: "EACCES" });
  await rejects(t, client.run(plan([])), { code: "CommandNotFound" });
});

t.test("plans of one monitor run at the same time, and plan slots are each plan's own", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  await client.subscribe();
  const keys = [1, 2, 3, 4, 5, 6, 7, 8];
  const exits = keys.map((key) => exitOfKey(client, key));
  await Promise.all(
    keys.map((key) =>
      client.run(container({ rootfs, key, log: join(folder, `${key}.log`), argv: ["sh", "-c", `echo ${key}`] })),
    ),
  );
  await Promise.all(exits);
  for (const key of keys) t.same(messages(join(folder, `${key}.log`)), [`stdout F ${key}`]);
});

t.test("a signal reaches the process by its key, and is refused once it has ended", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  await client.subscribe();
  const exited = exitOfKey(client, 1);
  await client.run(container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["sleep", "1000"] }));
  await rejects(t, client.forget({ keys: [1] }), { details: { errno: "EBUSY" } });
  await rejects(t, client.run(container({ rootfs, key: 1, log: join(folder, "1.log"), argv: ["true"] })), {
    errno: "EEXIST",
    op: "process",
  });
  await client.signal(1, 9);
  t.equal((await exited).status, 9);
  await rejects(t, client.signal(1, 9), { details: { errno: "ESRCH" } });
  await rejects(t, client.signal(77, 9), { details: { errno: "ESRCH" } });
});

t.test("a log rotates by size and is reopened by its name when it was moved away", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  await client.subscribe();
  const log = join(folder, "0.log");
  const exited = exitOfKey(client, 1);
  // Each read of an echo ends in its own write, and goes past the size.
  const script = "for i in 1 2 3 4 5; do echo $i; cat; done";
  const plan = container({ rootfs, key: 1, log, size: 10, files: 3, argv: ["sh", "-c", script] });
  await client.run(plan);
  await exited;
  const files = readdirSync(folder).filter((name) => name.startsWith("0.log"));
  t.ok(files.length > 1 && files.length <= 3, files.join(" "));
  const rest = files.flatMap((name) => messages(join(folder, name)));
  t.ok(rest.includes("stdout F 5"));
});

t.test("the monitor's own operations need no stage", async (t) => {
  const { client, folder } = await startMonitor(t);
  const path = join(folder, "made/by/plan");
  const { pid, results } = await client.run(
    monitor({ op: "mkdir", dir: 0xffff, path, mode: 0o700, resolve: 0, parents: 1 }),
  );
  t.equal(pid, 0);
  t.equal(results.length, 1);
  t.same(readdirSync(join(folder, "made/by")), ["plan"]);
  t.same((await client.run([])).results, []);
});

t.test("an optional operation may fail: its errno is in the results and the plan goes on", async (t) => {
  const { client, rootfs, folder } = await startMonitor(t);
  const plan = container({ rootfs, key: 1, log: join(folder, "0.log"), argv: ["true"] });
  const at = plan.findIndex(({ op }) => op === "setsid");
  const optional = child({ op: "chdir", dir: 0xffff, path: "/no/such", resolve: 0 }).map((o) => ({
    ...o,
    optional: true,
  }));
  const { results } = await client.run(plan.toSpliced(at, 0, ...optional));
  t.equal(results[at]?.errno, 2);
});
