import t from "tap";
import type { Pods } from "../../../src/pod/pods.ts";
import { makePod, makeWorld, settle, until } from "./fixtures.ts";

const image = "podrun.local/base";
const INIT = { initContainers: ["one", "two"].map((name) => ({ name, image })) };
const SIDECARS = {
  initContainers: [
    { name: "log", image, restartPolicy: "Always" },
    { name: "work", image },
    { name: "proxy", image, restartPolicy: "Always" },
  ],
};

const status = (pods: Pods) => pods.get("default", "hello").status;
const condition = (pods: Pods, type: string) => status(pods).conditions?.find((one) => one.type === type);
const initStatus = (pods: Pods, name: string) => status(pods).initContainerStatuses?.find((one) => one.name === name);

t.test("init containers run one after the other, and then the pod's own", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod(INIT));
  await settle();
  t.same(runtime.calls, ["runSandbox", "createContainer one/0", "startContainer one"]);
  t.match(status(pods), {
    phase: "Pending",
    initContainerStatuses: [
      { name: "one", ready: false, state: { running: {} } },
      { name: "two", state: { waiting: { reason: "PodInitializing" } } },
    ],
    containerStatuses: [{ state: { waiting: { reason: "PodInitializing" } } }],
  });
  t.match(condition(pods, "Initialized"), {
    status: "False",
    reason: "ContainersNotInitialized",
    message: "containers with incomplete status: [one two]",
  });
  runtime.calls.length = 0;
  runtime.exit("one", 0);
  await timers.advance(0);
  t.same(runtime.calls, ["createContainer two/0", "startContainer two"]);
  t.match(initStatus(pods, "one"), { ready: true, state: { terminated: { reason: "Completed" } } });
  t.equal(condition(pods, "Initialized")?.message, "containers with incomplete status: [two]");
  runtime.exit("two", 0);
  await timers.advance(0);
  t.same(runtime.calls.slice(2), ["createContainer web/0", "startContainer web"]);
  t.equal(status(pods).phase, "Running");
  t.match(condition(pods, "Initialized"), { status: "True" });
});

t.test("init containers that end at once do not stop the row", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  runtime.before = (call) => {
    runtime.exitAtOnce = call === "startContainer web" ? undefined : 0;
  };
  await pods.create(makePod(INIT));
  await timers.advance(0);
  t.equal(status(pods).phase, "Running");
});

t.test("an init container that fails is tried again with back-off, and nothing behind it starts", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod(INIT));
  await settle();
  for (let run = 0; run < 2; run++) {
    runtime.exit("one", 1);
    await timers.advance(0);
  }
  t.match(initStatus(pods, "one"), {
    restartCount: 1,
    state: { waiting: { reason: "CrashLoopBackOff" } },
    lastState: { terminated: { exitCode: 1 } },
  });
  t.equal(status(pods).phase, "Pending");
  await timers.advance(10_000);
  t.equal(initStatus(pods, "one")?.restartCount, 2);
  t.notOk(runtime.calls.some((call) => call.includes("two") || call.includes("web")));
});

t.test("with Never an init container that fails fails the pod", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ ...INIT, restartPolicy: "Never" }));
  await settle();
  runtime.exit("one", 3);
  await timers.advance(0);
  t.equal(status(pods).phase, "Failed");
  t.equal(condition(pods, "Initialized")?.status, "False");
  t.ok(runtime.calls.includes("stopSandbox"));
  t.notOk(runtime.calls.some((call) => call.includes("two") || call.includes("web")));
});

t.test("a sidecar lets the next one go when it runs, and goes on beside the pod's own containers", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod(SIDECARS));
  await timers.advance(0);
  t.same(runtime.calls, [
    "runSandbox",
    "createContainer log/0",
    "startContainer log",
    "createContainer work/0",
    "startContainer work",
  ]);
  runtime.exit("work", 0);
  await timers.advance(0);
  t.same(runtime.calls.slice(5), [
    "createContainer proxy/0",
    "startContainer proxy",
    "createContainer web/0",
    "startContainer web",
  ]);
  t.match(condition(pods, "Ready"), { status: "True" });
  runtime.exit("log", 0);
  await timers.advance(0);
  t.match(initStatus(pods, "log"), { restartCount: 1, state: { running: {} } }, "restarted whatever its exit code");
  t.equal(status(pods).phase, "Running");
  t.notOk(runtime.calls.includes("createContainer work/1"), "what is done is done");
});

t.test("a sidecar that crashes in the middle of the row is restarted, and the row goes on", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod(SIDECARS));
  await timers.advance(0);
  for (let run = 0; run < 2; run++) {
    runtime.exit("log", 1);
    await timers.advance(0);
  }
  t.match(initStatus(pods, "log")?.state, { waiting: { reason: "CrashLoopBackOff" } });
  runtime.exit("work", 0);
  await timers.advance(0);
  t.ok(runtime.calls.includes("startContainer web"));
  t.match(condition(pods, "ContainersReady"), {
    status: "False",
    message: "containers with unready status: [log]",
  });
});

t.test("sidecars do not keep a pod from being over, and end in reverse order behind its containers", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ ...SIDECARS, restartPolicy: "Never" }));
  await timers.advance(0);
  runtime.exit("work", 0);
  await timers.advance(0);
  const stopping = Promise.withResolvers<void>();
  runtime.before = (call) => (call.startsWith("stopContainer proxy") ? stopping.promise : undefined);
  runtime.calls.length = 0;
  runtime.exit("web", 0);
  await timers.advance(0);
  t.same(runtime.calls, ["stopContainer proxy 30"]);
  t.equal(status(pods).phase, "Running", "not over while something runs");
  stopping.resolve();
  await timers.advance(0);
  t.same(runtime.calls, ["stopContainer proxy 30", "stopContainer log 30", "stopSandbox"]);
  t.match(status(pods), { phase: "Succeeded" });
  t.match(condition(pods, "Initialized"), { status: "True", reason: "PodCompleted" });
});

t.test("a deletion ends sidecars after the pod's containers, and all by the end of the grace", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ ...SIDECARS, terminationGracePeriodSeconds: 10 }));
  await timers.advance(0);
  runtime.exit("work", 0);
  await timers.advance(0);
  const never = new Promise<void>(() => undefined);
  runtime.before = (call) => (call.startsWith("stopContainer web") ? never : undefined);
  runtime.calls.length = 0;
  await pods.delete("default", "hello");
  await timers.advance(9_000);
  t.same(runtime.calls, ["stopContainer web 10"]);
  await timers.advance(1_000);
  t.same(
    runtime.calls.slice(1).sort(),
    ["stopContainer log 2", "stopContainer proxy 2"],
    "the kubelet's two seconds more",
  );
});

t.test("a deletion while sidecars end cuts their grace short", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ ...SIDECARS, restartPolicy: "Never" }));
  await timers.advance(0);
  runtime.exit("work", 0);
  await timers.advance(0);
  const hang = Promise.withResolvers<void>();
  runtime.before = (call) => {
    if (call === "stopContainer proxy 30") return hang.promise;
    if (call.startsWith("stopContainer proxy")) hang.resolve();
  };
  runtime.exit("web", 0);
  await timers.advance(0);
  await pods.delete("default", "hello", { gracePeriodSeconds: 1 });
  await timers.advance(0);
  t.ok(runtime.calls.includes("stopContainer proxy 1"));
  await until(() => pods.list().length === 0);
});

t.test("a new daemon goes on in the middle of the row", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod(INIT));
  await settle();
  world.runtime.exit("one", 0);
  await world.timers.advance(0);
  world.pods.stop();
  world.runtime.calls.length = 0;
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(0);
  t.same(world.runtime.calls, [], "the second init container runs on");
  world.runtime.exit("two", 0);
  await world.timers.advance(0);
  t.same(world.runtime.calls, ["createContainer web/0", "startContainer web"]);
  t.match(initStatus(pods, "one"), { ready: true, restartCount: 0 });
});

t.test("after a reboot the row begins anew, and what ran before counts a restart", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod(INIT));
  await settle();
  world.runtime.exit("one", 0);
  await world.timers.advance(0);
  world.pods.stop();
  world.runtime.sandboxes.clear();
  world.runtime.containers.clear();
  world.runtime.calls.length = 0;
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(0);
  t.same(world.runtime.calls, ["runSandbox", "createContainer one/1", "startContainer one"]);
  t.match(initStatus(pods, "one"), { restartCount: 1, lastState: { terminated: { exitCode: 0 } } });
  world.runtime.exit("one", 0);
  await world.timers.advance(0);
  t.match(initStatus(pods, "two"), {
    restartCount: 1,
    lastState: { terminated: { reason: "ContainerStatusUnknown" } },
  });
});

t.test("a lost sandbox makes the row begin anew", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const { metadata } = await pods.create(makePod(INIT));
  await settle();
  runtime.exit("one", 0);
  await timers.advance(0);
  runtime.exit("two", 0);
  await timers.advance(0);
  runtime.calls.length = 0;
  runtime.lose(metadata.uid);
  await timers.advance(0);
  t.same(runtime.calls, ["removeSandbox", "runSandbox", "createContainer one/1", "startContainer one"]);
});

t.test("an init container's image that never comes is told, and the row waits", async (t) => {
  const { pods } = makeWorld(t.testdir());
  const initContainers = [{ name: "one", image: "podrun.local/none", imagePullPolicy: "Never" }];
  await pods.create(makePod({ initContainers }));
  await settle();
  t.match(initStatus(pods, "one")?.state, { waiting: { reason: "ErrImageNeverPull" } });
  t.match(status(pods).containerStatuses?.[0]?.state, { waiting: { reason: "PodInitializing" } });
});

t.test("a container's own policy and rules go before the pod's", async (t) => {
  const containers = [
    { name: "web", image, restartPolicy: "Never" },
    {
      name: "rule",
      image,
      restartPolicy: "Never",
      restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
    },
    {
      name: "not",
      image,
      restartPolicy: "Never",
      restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "NotIn", values: [1, 2] } }],
    },
  ];
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ containers }));
  await settle();
  const restarts = (name: string) => status(pods).containerStatuses?.find((one) => one.name === name)?.restartCount;
  runtime.exit("web", 1);
  runtime.exit("rule", 42);
  runtime.exit("not", 7);
  await timers.advance(0);
  t.same(["web", "rule", "not"].map(restarts), [0, 1, 1]);
  runtime.exit("rule", 41);
  runtime.exit("not", 2);
  await timers.advance(0);
  t.same(["web", "rule", "not"].map(restarts), [0, 1, 1]);
  t.equal(status(pods).phase, "Failed");
});

t.test("a sidecar's image may change: it alone is restarted", async (t) => {
  const { pods, runtime, images, timers } = makeWorld(t.testdir());
  images.set("podrun.local/base:2", { ...images.get(image)!, id: "sha256:2" });
  const always = { restartPolicy: "Always", imagePullPolicy: "IfNotPresent" };
  const sidecar = (name: string) => ({ initContainers: [{ name: "log", image: name, ...always }] });
  await pods.create(makePod(sidecar(image)));
  await timers.advance(0);
  runtime.calls.length = 0;
  await pods.replace(makePod(sidecar("podrun.local/base:2")));
  await timers.advance(0);
  t.same(runtime.calls, ["stopContainer log 30", "removeContainer log", "createContainer log/1", "startContainer log"]);
});
