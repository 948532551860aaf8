import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { getPriority, setPriority, tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { connectMonitor, spawnMonitor, spawnMonitorStream } from "../../../src/linux/monitor/index.ts";
import { commandLine, startTime } from "../../../src/linux/proc.ts";

const BINARY = join(import.meta.dirname, "../../../build/podrun-monitor");

/** Not t.testdir(): a socket's path may have 107 bytes at most. */
function folder(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), "podrun-run-"));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

t.test("a monitor runs from a sealed copy of its binary, in a session of its own", async (t) => {
  const client = spawnMonitor({ binary: BINARY });
  t.teardown(() => client.close());
  const { pid } = await client.ready;
  t.match(readlinkSync(`/proc/${pid}/exe`), /^\/memfd:podrun-monitor/);
  t.match(commandLine(pid), ["podrun-monitor"]);
  const session = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[3];
  t.equal(Number(session), pid);
  t.match(
    readFileSync(`/proc/${pid}/status`, "utf8"),
    /^SigIgn:\t0{12}5003$/m,
    "what it ignores itself, nothing of ours",
  );
  t.equal(readlinkSync(`/proc/${pid}/cwd`), "/");
  for (const fd of [0, 1, 2]) t.equal(readlinkSync(`/proc/${pid}/fd/${fd}`), "/dev/null");
  t.match(readlinkSync(`/proc/${pid}/fd/3`), /^socket:/);
});

t.test("a monitor has the usual priority, also when the daemon goes before it", async (t) => {
  const before = getPriority();
  t.teardown(() => setPriority(before));
  setPriority(-5);
  const client = spawnMonitor({ binary: BINARY });
  t.teardown(() => client.close());
  const { pid } = await client.ready;
  t.equal(getPriority(pid), 0);
});

t.test("a monitor that has left is no zombie, whoever closed the connection", async (t) => {
  const [closed, killed] = [spawnMonitorStream({ binary: BINARY }), spawnMonitorStream({ binary: BINARY })];
  const pids = [(await closed.stream.ready).pid, (await killed.stream.ready).pid];
  closed.stream.close();
  process.kill(pids[1] as number, "SIGKILL");
  await Promise.all([closed.ended(), killed.ended()]);
  for (const pid of pids) t.notOk(existsSync(`/proc/${pid}`));
});

t.test("a monitor that was never set up leaves when its connection closes", async (t) => {
  const client = spawnMonitor({ binary: BINARY });
  const { pid } = await client.ready;
  const started = startTime(pid);
  client.close();
  await t.resolves(
    (async () => {
      while (startTime(pid) === started) await new Promise((resolve) => setImmediate(resolve));
    })(),
  );
});

t.test("a monitor that was set up is found again at its socket, and shutdown ends it", async (t) => {
  const run = folder(t);
  const first = spawnMonitor({ binary: BINARY });
  await first.setup(run, "podrun-monitor default/web");
  const { pid } = await first.ready;
  first.close();
  const again = await connectMonitor(join(run, "monitor.sock"));
  t.equal((await again.ready).pid, pid);
  t.strictSame(await again.list(), []);
  await again.shutdown();
  t.equal(existsSync(join(run, "monitor.sock")), false);
});

t.test("a monitor that is killed is gone for everybody who waits for it", async (t) => {
  const client = spawnMonitor({ binary: BINARY });
  const { pid } = await client.ready;
  const closed = once(client, "closed");
  process.kill(pid, "SIGKILL");
  t.match((await closed)[0], { code: "MonitorGone" });
  await t.rejects(client.list(), { code: "MonitorGone" });
});

t.test("a binary that is not there is refused by name", async (t) => {
  t.throws(() => spawnMonitor({ binary: "/nowhere/podrun-monitor" }), {
    code: "OperationFailed",
    message: /the monitor \/nowhere\/podrun-monitor can't be started: ENOENT/,
  });
});

t.test("a monitor starts also when its binary has the number that its connection will have", async (t) => {
  const script = join(import.meta.dirname, "support/low-memfd.ts");
  const stdio = ["ignore", "pipe", "pipe", "pipe"] as const;
  const { stdout, stderr } = spawnSync(process.execPath, [script, BINARY], { stdio: [...stdio], encoding: "utf8" });
  t.equal(stdout, "started\n", stderr);
});
