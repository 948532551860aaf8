import t from "tap";
import type { Pods } from "../../../src/pod/pods.ts";
import { makePod, makeWorld, settle, until } from "./fixtures.ts";

const image = "podrun.local/base";
const exec = { exec: { command: ["check"] } };

/** A pod whose one container has these probes. */
const probed = (probes: object, spec: object = {}) =>
  makePod({ containers: [{ name: "web", image, ...probes }], ...spec });

const web = (pods: Pods) => pods.get("default", "hello").status.containerStatuses?.[0];
const execs = (calls: readonly string[]): number => calls.filter((call) => call.startsWith("exec")).length;
const events = (pods: Pods, reason: string) =>
  pods
    .events()
    .filter((event) => event.reason === reason)
    .map(({ message, count }) => `${message} x${count}`);

t.test("without a readiness probe what runs is ready; with one it is not until it has succeeded", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  runtime.command = () => 1;
  await pods.create(probed({ readinessProbe: { ...exec, successThreshold: 2, initialDelaySeconds: 5 } }));
  await timers.advance(4_999);
  t.equal(execs(runtime.calls), 0, "not before its initial delay");
  t.match(web(pods), { ready: false, started: true });
  await timers.advance(1);
  t.match(events(pods, "Unhealthy"), ["Readiness probe failed: exit code 1 x1"]);
  runtime.command = () => 0;
  await timers.advance(10_000);
  t.match(web(pods), { ready: false }, "once is not twice");
  t.match(
    pods.get("default", "hello").status.conditions?.find(({ type }) => type === "Ready"),
    {
      status: "False",
      reason: "ContainersNotReady",
      message: "containers with unready status: [web]",
    },
  );
  await timers.advance(10_000);
  t.match(web(pods), { ready: true, restartCount: 0 });
});

t.test("a container is unready after failureThreshold failures in a row, and never restarted for it", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(probed({ readinessProbe: { ...exec, periodSeconds: 1 } }));
  await timers.advance(0);
  t.match(web(pods), { ready: true });
  runtime.command = () => ({ code: 3, output: "no answer\n" });
  await timers.advance(2_000);
  t.match(web(pods), { ready: true }, "two failures are not three");
  await timers.advance(1_000);
  t.match(web(pods), { ready: false, restartCount: 0 });
  t.same(events(pods, "Unhealthy"), ["Readiness probe failed: no answer x3"]);
  runtime.command = () => 0;
  await timers.advance(1_000);
  t.match(web(pods), { ready: true });
});

t.test("a failed liveness probe ends the container with its grace, and it starts again", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const livenessProbe = { ...exec, periodSeconds: 1, failureThreshold: 2, terminationGracePeriodSeconds: 7 };
  await pods.create(probed({ livenessProbe }));
  await timers.advance(0);
  runtime.command = () => 1;
  await timers.advance(1_000);
  t.notOk(runtime.calls.some((call) => call.startsWith("stopContainer")));
  await timers.advance(1_000);
  t.ok(runtime.calls.includes("stopContainer web 7"));
  t.same(events(pods, "Killing"), ["Container web failed liveness probe, will be restarted x1"]);
  t.match(web(pods), { restartCount: 1, lastState: { terminated: { exitCode: 143 } } });
  runtime.command = () => 0;
  await timers.advance(20_000);
  t.match(web(pods), { restartCount: 1, ready: true }, "the new run begins with nothing against it");
});

t.test("with Never a failed liveness probe ends the pod", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  runtime.command = () => 1;
  await pods.create(probed({ livenessProbe: { ...exec, failureThreshold: 1 } }, { restartPolicy: "Never" }));
  await timers.advance(0);
  t.equal(pods.get("default", "hello").status.phase, "Failed");
});

t.test("the startup probe keeps the others waiting, and ends with its first success", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const probe = (word: string, more: object = {}) => ({ exec: { command: [word] }, periodSeconds: 1, ...more });
  runtime.command = (words) => (words === "startup" ? 1 : 0);
  await pods.create(
    probed({
      startupProbe: probe("startup", { failureThreshold: 30 }),
      livenessProbe: probe("live"),
      readinessProbe: probe("ready"),
    }),
  );
  await timers.advance(5_000);
  t.match(web(pods), { ready: false, started: false, state: { running: {} } });
  t.notOk(runtime.calls.some((call) => /exec web (live|ready)/.test(call)));
  runtime.command = () => 0;
  await timers.advance(1_000);
  t.match(web(pods), { ready: true, started: true });
  runtime.calls.length = 0;
  await timers.advance(3_000);
  t.notOk(runtime.calls.includes("exec web startup"));
  t.ok(runtime.calls.includes("exec web live"));
});

t.test("a startup probe that fails to the end restarts the container", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  runtime.command = () => 1;
  await pods.create(probed({ startupProbe: { ...exec, periodSeconds: 1, failureThreshold: 2 } }));
  await timers.advance(1_000);
  t.same(events(pods, "Killing"), ["Container web failed startup probe, will be restarted x1"]);
  t.equal(web(pods)?.restartCount, 1);
});

t.test("a probe that hangs is ended at its timeout, and never overlaps the next one", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  let running = 0;
  let most = 0;
  runtime.command = () => {
    most = Math.max(most, ++running);
    return new Promise(() => undefined);
  };
  const ended = runtime.exec.bind(runtime);
  runtime.exec = async (...args) => {
    const session = await ended(...args);
    running--;
    return session;
  };
  await pods.create(probed({ readinessProbe: { ...exec, periodSeconds: 1, timeoutSeconds: 3 } }));
  await timers.advance(9_000);
  t.equal(most, 1);
  t.equal(execs(runtime.calls), 4, "a new one every three seconds");
  t.match(events(pods, "Unhealthy"), [/^Readiness probe failed: command timed out: "check" timed out after 3s x3$/]);
});

t.test("a probe that can't be made says nothing and is tried three times", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  runtime.before = (call) => {
    if (call.startsWith("exec")) throw new Error("no monitor");
  };
  await pods.create(probed({ livenessProbe: { ...exec, failureThreshold: 1, periodSeconds: 1 } }));
  await timers.advance(0);
  t.equal(execs(runtime.calls), 3);
  t.equal(web(pods)?.restartCount, 0);
  t.match(events(pods, "Unhealthy"), [/^Liveness probe errored and resulted in unknown state: no monitor/]);
});

t.test("a sidecar lets the next one go when its startup probe has succeeded", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  runtime.command = () => 1;
  const startupProbe = { ...exec, periodSeconds: 1, failureThreshold: 100 };
  await pods.create(makePod({ initContainers: [{ name: "proxy", image, restartPolicy: "Always", startupProbe }] }));
  await timers.advance(3_000);
  t.notOk(runtime.calls.includes("createContainer web/0"));
  t.match(pods.get("default", "hello").status, { phase: "Pending" });
  runtime.command = () => 0;
  await timers.advance(1_000);
  t.equal(web(pods)?.ready, true);
  t.equal(pods.get("default", "hello").status.phase, "Running");
});

t.test("a pod that is being deleted is restarted by no probe", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(probed({ livenessProbe: { ...exec, periodSeconds: 1, failureThreshold: 1 } }));
  await timers.advance(0);
  const stopped = Promise.withResolvers<void>();
  runtime.before = (call) => (call.startsWith("stopContainer") ? stopped.promise : undefined);
  runtime.command = () => 1;
  await pods.delete("default", "hello");
  runtime.calls.length = 0;
  await timers.advance(10_000);
  t.equal(execs(runtime.calls), 0);
  stopped.resolve();
  await until(() => pods.list().length === 0);
});

t.test("a new daemon keeps what the probes have said, and asks again", async (t) => {
  const world = makeWorld(t.testdir());
  const probe = { ...exec, periodSeconds: 5 };
  await world.pods.create(probed({ readinessProbe: probe, startupProbe: probe }));
  await world.timers.advance(5_000);
  t.match(web(world.pods), { ready: true, started: true });
  world.pods.stop();
  world.runtime.calls.length = 0;
  const hang = Promise.withResolvers<number>();
  world.runtime.command = () => hang.promise;
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(0);
  t.match(web(pods), { ready: true, started: true });
  t.same(world.runtime.calls, ["exec web check"], "readiness only: it has started");
  hang.resolve(0);
  await settle();
  t.match(web(pods), { ready: true });
});

t.test("no probe goes on when its daemon leaves", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(probed({ readinessProbe: exec }));
  await timers.advance(0);
  pods.stop();
  runtime.calls.length = 0;
  await timers.advance(60_000);
  t.equal(execs(runtime.calls), 0);
});
