// What is lost or can't be recorded in the middle of something: it must not take more with it.
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import t from "tap";
import { readProcesses } from "../../../src/linux/cgroup/index.ts";
import { connectMonitor } from "../../../src/linux/monitor/index.ts";
import type { ContainerRecord, RecordStore, SandboxRecord } from "../../../src/sandbox/records.ts";
import { execText, startOne, startRuntime, untilExited } from "./runtime.ts";

const made = await startRuntime("los");
t.teardown(() => made.close());
const { sandboxes, containers, leases } = made.store as unknown as {
  readonly sandboxes: RecordStore<SandboxRecord>;
  readonly containers: RecordStore<ContainerRecord>;
  readonly leases: { release(podUid: string): void };
};

/** Replaces a method until `restore`. */
function replace<T extends object, K extends keyof T>(object: T, name: K, method: T[K]): () => void {
  const original = object[name];
  object[name] = method;
  return () => {
    object[name] = original;
  };
}

function failing(message: string): never {
  throw new Error(message);
}

t.test("an exit that can't be recorded is told all the same, and its pod goes on", async (t) => {
  const { runtime } = made;
  const { id: pod } = await runtime.runSandbox(made.sandbox());
  const other = await startOne(runtime, pod, made.container("other", "exec sleep 100000"));
  const id = await startOne(runtime, pod, made.container("ending", "exec sleep 100000"));
  const ended = untilExited(runtime, id);
  const restore = replace(containers, "put", () => failing("database or disk is full"));
  await runtime.stopContainer(id, 0);
  await ended;
  restore();
  t.match(runtime.containerStatus(id), { state: "exited", exitCode: 137 });
  t.equal(runtime.sandboxStatus(pod).state, "ready");
  t.equal((await execText(runtime, other, ["true"])).code, 0);
  await runtime.removeSandbox(pod);
});

t.test("a daemon killed while it ended a sandbox has ended it when the next one is there", async (t) => {
  const { id: pod } = await made.runtime.runSandbox(made.sandbox());
  const ended = await startOne(made.runtime, pod, made.container("ended", "exit 7"));
  const going = await startOne(made.runtime, pod, made.container("going", "exec sleep 100000"));
  while (made.runtime.containerStatus(ended).state !== "exited") await new Promise((resolve) => setTimeout(resolve, 5));
  const record = sandboxes.list().find(({ id }) => id === pod) as SandboxRecord;
  const of = (id: string) => containers.list().find((one) => one.id === id) as ContainerRecord;
  // As if it had been killed right after it wrote that it would.
  sandboxes.put({ ...record, state: "notready" });
  const { finishedAt: _, exitCode: __, reason: ___, ...rest } = of(ended);
  containers.put({ ...rest, state: "running" });
  const runtime = await made.restart();
  t.match(runtime.containerStatus(ended), { state: "exited", exitCode: 7 });
  t.match(runtime.containerStatus(going), { state: "exited", exitCode: 137 });
  t.same(readProcesses(made.cgroups, record.cgroup), []);
  await t.rejects(connectMonitor(`${made.config.run}/pods/${pod}/monitor.sock`), { code: "MonitorGone" });
  await runtime.removeSandbox(pod);
});

t.test("a sandbox that can't be recovered keeps no other one from it", async (t) => {
  const { id: stuck } = await made.runtime.runSandbox(made.sandbox());
  const { id: pod } = await made.runtime.runSandbox(made.sandbox());
  const id = await startOne(made.runtime, pod, made.container("main", "exec sleep 100000"));
  const record = sandboxes.list().find((one) => one.id === stuck) as SandboxRecord;
  sandboxes.put({ ...record, state: "removing" });
  const restore = replace(leases, "release", () => failing("stuck"));
  const runtime = await made.restart();
  restore();
  t.equal(runtime.containerStatus(id).state, "running");
  t.equal(runtime.sandboxStatus(stuck).state, "removing", "whoever wants it gone can try again");
  await runtime.removeSandbox(stuck);
  await runtime.removeSandbox(pod);
});

t.test(
  "a sandbox that can neither be made nor undone says why it can't be made; the next attempt begins anew",
  async (t) => {
    const { runtime } = made;
    const config = made.sandbox();
    const restore = replace(leases, "release", () => failing("stuck"));
    await t.rejects(runtime.runSandbox({ ...config, sysctls: { "net.no_such": "1" } }), { message: /no_such/ });
    restore();
    const left = join(made.config.run, "pods", config.metadata.uid, "left");
    writeFileSync(left, "");
    const { id, state } = await runtime.runSandbox(config);
    t.equal(state, "ready");
    t.notOk(existsSync(left), "nothing of the first one's is there any more");
    await runtime.removeSandbox(id);
  },
);

t.test("who removes a sandbox that is just being lost waits for how its containers and its monitor end", async (t) => {
  const { runtime } = made;
  const { id: pod, pausePid } = await runtime.runSandbox(made.sandbox());
  const monitor = await connectMonitor(`${made.config.run}/pods/${pod}/monitor.sock`);
  const ids: string[] = [];
  for (let i = 0; i < 8; i++) ids.push(await startOne(runtime, pod, made.container(`c${i}`, "exec sleep 100000")));
  const reasons: (string | undefined)[] = [];
  runtime.on((event) => {
    if (event.type === "containerExited" && ids.includes(event.container.id)) reasons.push(event.container.reason);
  });
  const removed = Promise.withResolvers<boolean>();
  const { put } = sandboxes;
  const restore = replace(sandboxes, "put", (record) => {
    put.call(sandboxes, record);
    restore();
    // One turn more: our own connection's end may stand behind the runtime's.
    const remove = () => runtime.removeSandbox(pod).then(() => turn());
    queueMicrotask(() => remove().then(() => removed.resolve(monitor.open), removed.reject));
  });
  process.kill(pausePid, "SIGKILL");
  t.equal(await removed.promise, false, "its monitor has left before its addresses are given back");
  t.same(
    reasons,
    ids.map(() => "Error"),
  );
});
