import { existsSync, readFileSync } from "node:fs";
import t from "tap";
import type { RuntimeEvent } from "../../../src/sandbox/types.ts";
import { findLeaks } from "../support/leaks.ts";
import { logText, runToEnd, startOne, startRuntime, untilExited } from "./runtime.ts";

const made = await startRuntime("lif");
t.teardown(() => made.close());
const { runtime } = made;
const events: RuntimeEvent[] = [];
runtime.on((event) => events.push(event));

t.test("a command that exits at once is reported once, as started and as ended, with its code", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  for (const code of [0, 1, 77, 255]) {
    const ended = await runToEnd(runtime, id, made.container(`exits${code}`, `exit ${code}`));
    t.match(ended.status, { state: "exited", exitCode: code, reason: code === 0 ? "Completed" : "Error" });
    t.ok(Date.parse(ended.status.finishedAt ?? "") >= Date.parse(ended.status.createdAt) - 1000);
    const own = events.filter((event) => event.type !== "sandboxLost" && event.container.id === ended.id);
    t.equal(own.filter(({ type }) => type === "containerExited").length, 1);
  }
  await runtime.removeSandbox(id);
});

t.test("a signal reads as 128 and its number; stop asks first, waits, and then kills", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const start = (name: string, script: string) => startOne(runtime, id, made.container(name, script));
  const killed = await start("killed", "exec sleep 1000");
  const exited = untilExited(runtime, killed);
  process.kill(runtime.containerStatus(killed).pid ?? 0, "SIGKILL");
  await exited;
  t.match(runtime.containerStatus(killed), { exitCode: 137, signal: 9, reason: "Error" });
  // As process 1 of a namespace it would be deaf to all others.
  const shared = await runtime.runSandbox(made.sandbox({ pid: "pod" }));
  const { status } = await runToEnd(runtime, shared.id, made.container("own", "kill -SEGV $$"));
  t.match(status, { exitCode: 139, signal: 11, reason: "Error" });
  await runtime.removeSandbox(shared.id);

  const polite = await start("polite", "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done");
  await untilLog(polite, /up/);
  await runtime.stopContainer(polite, 30);
  t.match(runtime.containerStatus(polite), { exitCode: 3, reason: "Error" });
  t.match(logText(runtime.containerStatus(polite).logPath), /bye$/);

  const deaf = await start("deaf", "trap '' TERM; echo up; while :; do sleep 0.01; done");
  await untilLog(deaf, /up/);
  await runtime.stopContainer(deaf, 0.2);
  t.match(runtime.containerStatus(deaf), { exitCode: 137, signal: 9 });
  await runtime.stopContainer(deaf, 10);

  const image = { ...made.image, config: { ...made.image.config, stopSignal: "SIGUSR1" } };
  const script = "trap 'exit 5' USR1; trap '' TERM; echo up; while :; do sleep 0.01; done";
  const own = await startOne(runtime, id, made.container("own", script, { image }));
  await untilLog(own, /up/);
  await runtime.stopContainer(own, 30);
  t.match(runtime.containerStatus(own), { exitCode: 5 }, "the image's StopSignal");
  await runtime.removeSandbox(id);
});

async function untilLog(id: string, wanted: RegExp): Promise<void> {
  const { logPath } = runtime.containerStatus(id);
  while (!existsSync(logPath) || !wanted.test(readFileSync(logPath, "utf8"))) await new Promise(setImmediate);
}

t.test("each container sees its own processes only; what a container leaves behind ends with it", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const first = await startOne(runtime, id, made.container("first", "sleep 4444 & exec sleep 1000"));
  const { log } = await runToEnd(runtime, id, made.container("second", "ps -o pid,args"));
  const [head, ...processes] = log.split("\n");
  t.match(head, /^ *PID +COMMAND$/);
  t.same(
    processes.filter((line) => !line.includes("ps -o pid,args")),
    [],
  );
  const { pid } = runtime.containerStatus(first);
  t.match(readFileSync(`/proc/${pid}/status`, "utf8"), /NSpid:\s+\d+\s+1\n/);
  await runtime.removeSandbox(id);
});

t.test("a container that was removed can be started anew, again and again, in the same place", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  for (let attempt = 0; attempt < 5; attempt++) {
    const config = made.container("again", "touch /mark; ls /mark; exit 1", { attempt });
    const ended = await runToEnd(runtime, id, config);
    t.match(ended.status, { exitCode: 1, attempt });
    t.match(ended.status.logPath, new RegExp(`/again/${attempt}\\.log$`));
    await runtime.removeContainer(ended.id);
  }
  t.same(runtime.listContainers(id), []);
  await runtime.removeSandbox(id);
});

t.test("twenty containers start at once in one pod, and are removed running", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
  const ids = await Promise.all(names.map((name) => startOne(runtime, id, made.container(name, "exec sleep 1000"))));
  t.same(
    ids.map((one) => runtime.containerStatus(one).state),
    ids.map(() => "running"),
  );
  await Promise.all(ids.slice(0, 10).map((one) => runtime.removeContainer(one)));
  await runtime.removeSandbox(id);
  await runtime.removeSandbox(id);
  t.same(await findLeaks(made), []);
});
