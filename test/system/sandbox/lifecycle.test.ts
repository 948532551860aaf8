import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import t from "tap";
import type { RuntimeEvent } from "../../../src/sandbox/types.ts";
import { findLeaks, takeInventory } from "../support/leaks.ts";
import { execText, logText, runToEnd, startOne, startRuntime, untilExited } from "./runtime.ts";

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
  const { log } = await runToEnd(runtime, id, made.container("second", "ps -o pid,args | grep -v ps"));
  t.match(log, /^ *PID +COMMAND$/);
  t.notMatch(log, /4444|pause/);
  const { pid } = runtime.containerStatus(first);
  t.match(readFileSync(`/proc/${pid}/status`, "utf8"), /NSpid:\s+\d+\s+1\n/);
  await runtime.removeSandbox(id);
});

t.test(
  "with shareProcessNamespace pause is process 1, reaps orphans, and the rest of a container ends with it",
  async (t) => {
    const { id } = await runtime.runSandbox(made.sandbox({ pid: "pod" }));
    const main = await startOne(runtime, id, made.container("main", "exec sleep 1000"));
    const orphan = "sh -c 'sleep 0.01 & sleep 7777 &'; exit 2";
    const { code } = await runToEnd(runtime, id, made.container("leaver", orphan));
    t.equal(code, 2);
    const script =
      "while ps -o args | grep -q '[s]leep 7777'; do usleep 5000; done; while ps -o stat,args | grep -q '^Z'; do usleep 5000; done";
    t.equal((await execText(runtime, main, ["sh", "-c", script])).code, 0, "killed, and no zombie is left");
    t.equal((await execText(runtime, main, ["cat", "/proc/1/comm"])).stdout, "pause\n");
    await runtime.removeSandbox(id);
  },
);

t.test("hostNetwork, hostPID and hostIPC use the host's namespaces; without them all are the pod's own", async (t) => {
  const spaces = ["net", "uts", "ipc", "mnt", "pid"] as const;
  const own = (space: string): string => readlinkSync(`/proc/self/ns/${space}`);
  const seen = async (id: string): Promise<Record<string, string>> => {
    const main = await startOne(runtime, id, made.container("main", "exec sleep 1000"));
    const { pid } = runtime.containerStatus(main);
    return Object.fromEntries(spaces.map((space) => [space, readlinkSync(`/proc/${pid}/ns/${space}`)]));
  };
  const pod = await runtime.runSandbox(made.sandbox());
  const inPod = await seen(pod.id);
  for (const space of spaces) t.not(inPod[space], own(space), space);
  const host = await runtime.runSandbox(made.sandbox({ network: "node", pid: "node", ipc: "node" }));
  const inHost = await seen(host.id);
  for (const space of ["net", "uts", "ipc", "pid"]) t.equal(inHost[space], own(space), space);
  t.not(inHost["mnt"], own("mnt"), "mounts are never the host's");
  t.same(host.addresses, []);
  await runtime.removeSandbox(pod.id);
  await runtime.removeSandbox(host.id);
});

t.test("sysctls of the pod are set in the pod, not on the host", async (t) => {
  const sysctls = { "net.ipv4.ip_local_port_range": "20000 20100", "kernel.shm_rmid_forced": "1" };
  const before = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
  const { id } = await runtime.runSandbox(made.sandbox({ sysctls }));
  const script = "cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/shm_rmid_forced";
  t.equal((await runToEnd(runtime, id, made.container("main", script))).log, "20000\t20100\n1");
  t.equal(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8"), before);
  await runtime.removeSandbox(id);
  await t.rejects(runtime.runSandbox(made.sandbox({ sysctls: { "net.ipv4.no_such": "1" } })), { message: /no_such/ });
  t.same(await findLeaks(made), []);
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

t.test("when the monitor is killed the pod's containers are killed too, and the loss is told", async (t) => {
  const { id, pausePid } = await runtime.runSandbox(made.sandbox());
  const main = await startOne(runtime, id, made.container("main", "exec sleep 1000"));
  const { pid = 0 } = runtime.containerStatus(main);
  const lost = new Promise<void>((resolve) => {
    runtime.on((event) => event.type === "sandboxLost" && event.sandbox.id === id && resolve());
  });
  const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pausePid}/status`, "utf8"))?.[1]);
  process.kill(parent, "SIGKILL");
  await lost;
  t.match(runtime.containerStatus(main), { state: "exited", reason: "ContainerStatusUnknown", exitCode: 137 });
  t.equal(runtime.sandboxStatus(id).state, "notready");
  t.notOk(isAlive(pid));
  await t.rejects(execText(runtime, main, ["true"]), { code: "ContainerNotRunning" });
  await runtime.removeSandbox(id);
  t.notOk(isAlive(pausePid));
});

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
}

t.test("when pause is killed the sandbox is lost in the same way", async (t) => {
  const { id, pausePid } = await runtime.runSandbox(made.sandbox());
  const main = await startOne(runtime, id, made.container("main", "exec sleep 1000"));
  const lost = new Promise<void>((resolve) => {
    runtime.on((event) => event.type === "sandboxLost" && event.sandbox.id === id && resolve());
  });
  process.kill(pausePid, "SIGKILL");
  await lost;
  t.equal(runtime.containerStatus(main).state, "exited");
  await runtime.removeSandbox(id);
});

/** Sets the fault switch for one call. */
async function withFault<T>(fault: string, act: () => Promise<T>): Promise<T> {
  process.env["PODRUN_FAULT"] = fault;
  try {
    return await act();
  } finally {
    delete process.env["PODRUN_FAULT"];
  }
}

const attempt = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "done",
    (error: Error) => error.message,
  );

t.test("whatever operation of a sandbox's plan fails, nothing of it is left", async (t) => {
  const config = made.sandbox({ pid: "pod", memoryVolumes: { m: {} } });
  const plan = runtime.plan(config, []);
  for (const [index, { op, actor, optional }] of plan.entries()) {
    if (actor === "daemon") continue;
    const outcome = await withFault(`plan:sandbox:${index}:EIO`, () =>
      attempt(runtime.runSandbox(made.sandbox(config))),
    );
    if (optional) await runtime.removeSandbox(config.metadata.uid);
    else if (!/EIO/.test(outcome)) t.fail(`${index} ${op}: ${outcome}`);
    // The monitor has said that it goes, and may not have gone.
    const left = takeInventory(made).filter((line) => !line.startsWith("process "));
    if (left.length > 0) t.same(left, [], `after ${index} ${op}`);
  }
  t.same(await findLeaks(made), []);
  t.pass(`${plan.length} operations`);
});

t.test("whatever operation of a container's plan fails, its pod goes on and nothing of it is left", async (t) => {
  const config = made.sandbox();
  const { id, pausePid } = await runtime.runSandbox(config);
  const before = takeInventory(made);
  const monitor = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pausePid}/status`, "utf8"))?.[1]);
  const descriptors = (): number => readdirSync(`/proc/${monitor}/fd`).length;
  const open = descriptors();
  for (const change of [{}, { tty: true, stdin: true, terminationMessage: { path: "/dev/message" } }]) {
    const container = made.container("main", "exec sleep 1000", change);
    const plan = runtime.plan(config, [container]).filter(({ part }) => part === "main");
    for (const [index, { op, optional }] of plan.entries()) {
      const own = await runtime.createContainer(id, container);
      const outcome = await withFault(`plan:container:${index}:EIO`, () => attempt(runtime.startContainer(own)));
      const { state, reason, exitCode } = runtime.containerStatus(own);
      if (optional ? state !== "running" : reason !== "StartError" || exitCode !== 128 || !/EIO/.test(outcome))
        t.fail(`${index} ${op}: ${outcome} ${state} ${reason}`);
      await runtime.removeContainer(own);
    }
    t.pass(`${plan.length} operations`);
  }
  t.same(takeInventory(made), before);
  t.equal(descriptors(), open, "the monitor has no descriptor more");
  t.equal((await runToEnd(runtime, id, made.container("after", "echo fine"))).log, "fine");
  await runtime.removeSandbox(id);
});

t.test("whatever operation of an exec's plan fails, its container goes on and nothing of it is left", async (t) => {
  const { id, pausePid } = await runtime.runSandbox(made.sandbox());
  const main = await startOne(runtime, id, made.container("main", "exec sleep 1000"));
  const monitor = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pausePid}/status`, "utf8"))?.[1]);
  t.equal((await execText(runtime, main, ["true"])).code, 0);
  const open = readdirSync(`/proc/${monitor}/fd`).length;
  let failed = 0;
  // Until the number is past the plan's end, where nothing strikes any more.
  for (const tty of [false, true])
    for (let index = 0; ; index++) {
      const outcome = await withFault(`plan:exec:${index}:EIO`, () =>
        attempt(execText(runtime, main, ["true"], { tty, stdin: true })),
      );
      if (/EIO/.test(outcome)) failed++;
      else if (index > 40) break;
    }
  t.ok(failed > 50, `${failed} operations`);
  const { stdout } = await execText(runtime, main, ["ls", "/proc"]);
  t.same(stdout.match(/^\d+$/gm)?.length, 2, "sleep and ls are all there is");
  // The monitor learns of closed connections when it comes to them.
  while (readdirSync(`/proc/${monitor}/fd`).length > open) await new Promise(setImmediate);
  t.ok(readdirSync(`/proc/${monitor}/fd`).length <= open);
  await runtime.removeSandbox(id);
});
