// restartPolicyRules with the action RestartAllContainers (KEP-5532).
import t from "tap";
import type { Pods } from "../../../src/pod/pods.ts";
import type { ContainerStatus } from "../../../src/spec/index.ts";
import { makePod, makeWorld, settle } from "./fixtures.ts";

const image = "podrun.local/base";
const rule = (action: string, ...values: number[]) => ({ action, exitCodes: { operator: "In", values } });
const WATCHED = {
  restartPolicy: "Never",
  initContainers: [
    { name: "init", image },
    {
      name: "side",
      image,
      restartPolicy: "Always",
      restartPolicyRules: [rule("RestartAllContainers", 42)],
      lifecycle: { preStop: { exec: { command: ["bye"] } } },
    },
  ],
  containers: [
    { name: "done", image },
    { name: "other", image },
    { name: "main", image, restartPolicy: "Never", restartPolicyRules: [rule("RestartAllContainers", 42)] },
  ],
};

const statusOf = (pods: Pods) => pods.get("default", "hello").status;
const containers = (pods: Pods): readonly ContainerStatus[] => {
  const { initContainerStatuses = [], containerStatuses = [] } = statusOf(pods);
  return [...initContainerStatuses, ...containerStatuses];
};
const restarts = (pods: Pods): Record<string, number> =>
  Object.fromEntries(containers(pods).map(({ name, restartCount }) => [name, restartCount]));
const condition = (pods: Pods, wanted = "AllContainersRestarting") =>
  statusOf(pods).conditions?.find(({ type }) => type === wanted);

/** A pod of which everything has begun, and `done` has ended well. */
async function startWatched(world: ReturnType<typeof makeWorld>): Promise<void> {
  await world.pods.create(makePod(WATCHED));
  await world.timers.advance(0);
  world.runtime.exit("init", 0);
  await world.timers.advance(0);
  world.runtime.exit("done", 0);
  await world.timers.advance(0);
}

const ONCE = { init: 1, side: 1, done: 1, main: 1, other: 1 };

t.test("an end that a rule matches ends all at once, and the pod starts over in the same sandbox", async (t) => {
  const world = makeWorld(t.testdir());
  const { pods, runtime, timers, seen } = world;
  await startWatched(world);
  t.match(condition(pods), { status: "False" });
  runtime.calls.length = 0;
  seen.length = 0;
  runtime.exit("main", 42);
  await timers.advance(0);
  t.same(runtime.calls.slice(0, 2).sort(), ["stopContainer other 0", "stopContainer side 0"], "no hook, no grace");
  t.same(runtime.calls.slice(-2), ["createContainer init/1", "startContainer init"], "it begins with the first");
  t.notOk(runtime.calls.some((call) => /Sandbox|exec/.test(call)));
  t.same(restarts(pods), ONCE, "also of those that had ended well, and whatever their policy");
  for (const { name, lastState } of containers(pods)) t.ok(lastState.terminated, `${name}'s end is told`);
  const stages = seen.map(({ object }) =>
    object.status.conditions?.find(({ type }) => type === "AllContainersRestarting"),
  );
  t.ok(stages.some((one) => one?.status === "True" && one.reason === "RestartAllContainersStarted"));
  t.match(condition(pods), { status: "False" });
  t.match(condition(pods, "Initialized"), { status: "True" });
  t.match(condition(pods, "Ready"), { status: "False" });
  t.equal(statusOf(pods).phase, "Pending");
  t.notOk(seen.some(({ object }) => ["Succeeded", "Failed"].includes(object.status.phase)));
  runtime.exit("init", 0);
  await timers.advance(0);
  t.equal(statusOf(pods).phase, "Running");
  for (const name of ["done", "other", "main"]) runtime.exit(name, 0);
  await timers.advance(0);
  t.equal(statusOf(pods).phase, "Succeeded");
  t.match(condition(pods), { status: "False", reason: "PodCompleted" });
  t.same(restarts(pods), ONCE);
});

t.test("a pod that starts over again and again waits in between, with everything ended", async (t) => {
  const world = makeWorld(t.testdir());
  const { pods, runtime, timers } = world;
  const again = async (): Promise<void> => {
    runtime.exit("main", 42);
    await timers.advance(0);
  };
  await startWatched(world);
  await again();
  runtime.exit("init", 0);
  await timers.advance(0);
  await again();
  t.match(containers(pods).find(({ name }) => name === "main")?.state.waiting, { reason: "CrashLoopBackOff" });
  t.match(condition(pods), { status: "True" });
  t.same(restarts(pods), ONCE, "it has not begun yet");
  t.notOk([...runtime.containers.values()].some(({ state }) => state === "running"));
  await timers.advance(9_999);
  t.same(restarts(pods), ONCE);
  await timers.advance(1);
  const twice = { init: 2, side: 2, done: 2, main: 2, other: 2 };
  t.same(restarts(pods), twice);
  t.match(condition(pods), { status: "False" });
  t.match(containers(pods).find(({ name }) => name === "main")?.state.waiting, { reason: "PodInitializing" });
  pods.stop();
  const next = world.reborn();
  next.recover();
  await timers.advance(0);
  t.same(restarts(next), twice, "a new daemon sees that it has begun");
});

t.test("a daemon that is killed in the middle goes on, and counts nothing twice", async (t) => {
  const calls = ["stopContainer other 0", "removeContainer side", "removeContainer main", "createContainer init/1"];
  for (const [stop, asks] of calls.flatMap((call) => ["main", "side"].map((name) => [call, name] as const))) {
    const world = makeWorld(t.testdir());
    await startWatched(world);
    let isReached = false;
    world.runtime.before = (call) => {
      isReached ||= call === stop;
      return isReached ? new Promise(() => undefined) : undefined;
    };
    world.runtime.exit(asks, 42);
    // What is due to be written is written, too.
    await world.timers.advance(100);
    t.ok(isReached, stop);
    world.pods.stop();
    world.runtime.before = () => undefined;
    const pods = world.reborn();
    pods.recover();
    await settle();
    await world.timers.advance(0);
    t.same(restarts(pods), ONCE, stop);
    t.match(containers(pods)[0]?.state, { running: {} }, stop);
    t.equal(statusOf(pods).phase, "Pending", stop);
  }
});

t.test("of the rules the first one that matches counts, and an ephemeral container is left alone", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const rules = [rule("Restart", 1), rule("RestartAllContainers", 1, 2)];
  await pods.create(
    makePod({
      containers: [
        { name: "main", image, restartPolicy: "Never", restartPolicyRules: rules },
        { name: "other", image },
      ],
    }),
  );
  await timers.advance(0);
  const debug = { ephemeralContainers: [{ name: "debug", image }] };
  const spec = { ...pods.get("default", "hello").spec, ...debug };
  await pods.replace(makePod(spec), { ephemeralContainers: true });
  await timers.advance(0);
  runtime.exit("main", 1);
  await timers.advance(0);
  t.same(restarts(pods), { main: 1, other: 0 });
  runtime.exit("main", 2);
  await timers.advance(10_000);
  t.same(restarts(pods), { main: 2, other: 1 });
  t.match(statusOf(pods).ephemeralContainerStatuses, [{ restartCount: 0, state: { running: {} } }]);
});

t.test("an init container or a sidecar may ask for it, a pod that ends does not", async (t) => {
  for (const [name, policy] of [
    ["init", "Never"],
    ["side", "Always"],
  ] as const) {
    const { pods, runtime, timers } = makeWorld(t.testdir());
    const restartPolicyRules = [rule("RestartAllContainers", 88)];
    const initContainers = [{ name, image, restartPolicy: policy, restartPolicyRules }];
    await pods.create(makePod({ restartPolicy: "Never", initContainers }));
    await timers.advance(0);
    runtime.exit(name, 88);
    await timers.advance(0);
    t.equal(statusOf(pods).phase, name === "init" ? "Pending" : "Running", name);
    t.equal(restarts(pods)[name], 1, name);
    t.match(containers(pods)[0]?.state, { running: {} }, name);
    await pods.delete("default", "hello", { gracePeriodSeconds: 30 });
    runtime.calls.length = 0;
    await timers.advance(40_000);
    t.notOk(
      runtime.calls.some((call) => call.startsWith("createContainer")),
      name,
    );
  }
});
