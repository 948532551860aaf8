import t from "tap";
import type { Pods } from "../../../src/pod/pods.ts";
import { makePod, makeWorld, settle, until } from "./fixtures.ts";

const image = "podrun.local/base";
const hook = (word: string) => ({ exec: { command: [word] } });

const hooked = (lifecycle: object, spec: object = {}) =>
  makePod({ containers: [{ name: "web", image, lifecycle }], ...spec });

const web = (pods: Pods) => pods.get("default", "hello").status.containerStatuses?.[0];
const told = (pods: Pods, reason: string) => pods.events().find((event) => event.reason === reason)?.message;

t.test("a container does not count as running before its postStart hook is done", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const done = Promise.withResolvers<number>();
  runtime.command = () => done.promise;
  await pods.create(hooked({ postStart: hook("prepare") }));
  await settle();
  t.ok(runtime.calls.includes("exec web prepare"));
  t.match(web(pods), { ready: false, state: { waiting: { reason: "ContainerCreating" } } });
  t.equal(pods.get("default", "hello").status.phase, "Pending");
  done.resolve(0);
  await timers.advance(0);
  t.match(web(pods), { ready: true, state: { running: {} } });
});

t.test("a postStart hook that fails ends its container, which starts again", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  runtime.command = () => ({ code: 2, output: "no disk" });
  await pods.create(hooked({ postStart: hook("prepare") }));
  await timers.advance(0);
  t.equal(told(pods, "FailedPostStartHook"), "PostStartHook failed: no disk");
  t.equal(told(pods, "Killing"), "FailedPostStartHook");
  t.ok(runtime.calls.includes("stopContainer web 30"));
  t.ok((web(pods)?.restartCount ?? 0) >= 1);
});

t.test("a deletion need not wait for a postStart hook that never ends", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  runtime.command = () => new Promise(() => undefined);
  await pods.create(hooked({ postStart: hook("prepare") }));
  await settle();
  await pods.delete("default", "hello");
  await until(() => pods.list().length === 0);
  t.ok(runtime.calls.includes("stopContainer web 30"));
});

t.test("a pod that is evicted while a postStart hook runs has not Failed before its container has ended", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  runtime.command = () => new Promise(() => undefined);
  const pod = await pods.create(hooked({ postStart: hook("prepare") }));
  await settle();
  const ended = Promise.withResolvers<void>();
  runtime.before = (call) => (call.startsWith("stopContainer") ? ended.promise : undefined);
  void pods.evict(pod, { message: "Too much. ", graceSeconds: 1, isDisrupted: false });
  await timers.advance(1000);
  t.match(pods.get("default", "hello").status, { phase: "Pending", reason: "Evicted" });
  ended.resolve();
  await timers.advance(0);
  await until(() => runtime.sandboxes.size === 0);
  await timers.advance(1000);
  t.match(pods.get("default", "hello").status, { phase: "Failed", reason: "Evicted" });
});

t.test("the preStop hook goes before the signal, and takes its time off the grace", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(hooked({ preStop: hook("drain") }));
  await settle();
  const done = Promise.withResolvers<number>();
  runtime.command = () => done.promise;
  runtime.calls.length = 0;
  await pods.delete("default", "hello");
  await timers.advance(10_000);
  t.same(runtime.calls, ["exec web drain"]);
  done.resolve(0);
  await settle();
  t.same(runtime.calls.slice(0, 2), ["exec web drain", "stopContainer web 20"]);
  await until(() => pods.list().length === 0);
});

t.test("a preStop hook that never ends leaves its container the kubelet's two seconds", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(hooked({ preStop: hook("drain") }));
  await settle();
  runtime.command = () => new Promise(() => undefined);
  await pods.delete("default", "hello", { gracePeriodSeconds: 5 });
  await timers.advance(5_000);
  t.ok(runtime.calls.includes("stopContainer web 2"));
  await until(() => pods.list().length === 0);
});

t.test("a second deletion cuts a preStop hook short", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(hooked({ preStop: hook("drain") }));
  await settle();
  runtime.command = () => new Promise(() => undefined);
  await pods.delete("default", "hello");
  await timers.advance(1_000);
  await pods.delete("default", "hello", { gracePeriodSeconds: 1 });
  await timers.advance(1_000);
  t.ok(runtime.calls.includes("stopContainer web 2"));
  await until(() => pods.list().length === 0);
});

t.test("a deletion without grace runs no hook", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  await pods.create(hooked({ preStop: hook("drain") }));
  await settle();
  runtime.calls.length = 0;
  await pods.delete("default", "hello", { gracePeriodSeconds: 0 });
  await until(() => pods.list().length === 0);
  t.same(runtime.calls, ["removeSandbox"]);
});

t.test("a preStop hook that fails is told, and the container ends all the same", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  await pods.create(hooked({ preStop: hook("drain") }));
  await settle();
  runtime.command = () => ({ code: 1, output: "no peer" });
  await pods.delete("default", "hello");
  await until(() => pods.list().length === 0);
  t.equal(told(pods, "FailedPreStopHook"), "PreStopHook failed: no peer");
});

t.test("sleep lets time pass before the signal", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(hooked({ preStop: { sleep: { seconds: 3 } } }));
  await settle();
  runtime.calls.length = 0;
  await pods.delete("default", "hello");
  await timers.advance(2_999);
  t.same(runtime.calls, []);
  await timers.advance(1);
  t.ok(runtime.calls.includes("stopContainer web 27"));
  await until(() => pods.list().length === 0);
});

t.test("a new daemon runs a postStart hook again that is not known to be done, and no other", async (t) => {
  for (const isDone of [false, true]) {
    const world = makeWorld(t.testdir());
    world.runtime.command = () => (isDone ? 0 : new Promise(() => undefined));
    await world.pods.create(hooked({ postStart: hook("prepare") }));
    await world.timers.advance(100);
    world.pods.stop();
    world.runtime.calls.length = 0;
    world.runtime.command = () => 0;
    const pods = world.reborn();
    pods.recover();
    await world.timers.advance(0);
    t.equal(world.runtime.calls.includes("exec web prepare"), !isDone);
    t.match(web(pods), { ready: true, restartCount: 0 });
  }
});

t.test("a pod is ended at its activeDeadlineSeconds, with its grace, and has failed", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ activeDeadlineSeconds: 60 }));
  await timers.advance(59_999);
  t.equal(pods.get("default", "hello").status.phase, "Running");
  const stopped = Promise.withResolvers<void>();
  runtime.before = (call) => (call.startsWith("stopContainer") ? stopped.promise : undefined);
  await timers.advance(1);
  t.ok(runtime.calls.includes("stopContainer web 30"));
  t.equal(pods.get("default", "hello").status.phase, "Running", "not over while something runs");
  stopped.resolve();
  await timers.advance(0);
  t.match(pods.get("default", "hello").status, {
    phase: "Failed",
    reason: "DeadlineExceeded",
    message: "Pod was active on the node longer than the specified deadline",
  });
  t.ok(told(pods, "DeadlineExceeded"));
  t.ok(runtime.calls.includes("stopSandbox"));
});

t.test("a deadline that passed while no daemon ran ends the pod when the next one comes", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod({ activeDeadlineSeconds: 60 }));
  await settle();
  world.pods.stop();
  await world.timers.advance(120_000);
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(0);
  t.match(pods.get("default", "hello").status, { phase: "Failed", reason: "DeadlineExceeded" });
});

t.test("a deletion of a pod that is still beginning lets what runs have its grace", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const hang = Promise.withResolvers<void>();
  runtime.before = (call) => (call === "startContainer two" ? hang.promise : undefined);
  const sidecar = (name: string) => ({ name, image, restartPolicy: "Always" });
  await pods.create(makePod({ initContainers: [sidecar("one"), sidecar("two")] }));
  await timers.advance(0);
  await pods.delete("default", "hello");
  hang.resolve();
  runtime.before = (call) => (call.startsWith("stopContainer") ? new Promise(() => undefined) : undefined);
  await timers.advance(10_000);
  t.notOk(runtime.calls.includes("stopSandbox"));
  t.ok(runtime.calls.includes("stopContainer two 30"));
});
