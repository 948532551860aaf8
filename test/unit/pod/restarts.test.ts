import t from "tap";
import { makePod, makeWorld, settle } from "./fixtures.ts";

const first = (pods: ReturnType<typeof makeWorld>["pods"]) =>
  pods.get("default", "hello").status.containerStatuses?.[0];

t.test("an ended container starts again at once, then after 10 s, 20 s, 40 s", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod());
  await settle();
  runtime.exit("web", 1);
  await timers.advance(0);
  t.match(first(pods), {
    restartCount: 1,
    state: { running: {} },
    lastState: { terminated: { exitCode: 1, reason: "Error" } },
  });
  for (const [index, seconds] of [10, 20, 40].entries()) {
    runtime.exit("web", 1);
    await timers.advance(0);
    t.match(first(pods), {
      ready: false,
      restartCount: index + 1,
      state: {
        waiting: {
          reason: "CrashLoopBackOff",
          message: new RegExp(`^back-off ${seconds}s restarting failed container=web`),
        },
      },
      lastState: { terminated: { exitCode: 1 } },
    });
    await timers.advance(seconds * 1000 - 1);
    t.equal(first(pods)?.restartCount, index + 1, "not yet");
    await timers.advance(1);
    t.match(first(pods), { restartCount: index + 2, state: { running: {} } });
  }
});

t.test(
  "Never does not restart: the pod has Failed, or Succeeded with exit code 0, and its sandbox is stopped",
  async (t) => {
    for (const [code, phase] of [
      [3, "Failed"],
      [0, "Succeeded"],
    ] as const) {
      const { pods, runtime, timers } = makeWorld(t.testdir());
      await pods.create(makePod({ restartPolicy: "Never" }));
      await settle();
      runtime.exit("web", code);
      await timers.advance(0);
      t.match(pods.get("default", "hello").status, {
        phase,
        podIP: "10.77.0.2",
        containerStatuses: [{ restartCount: 0, state: { terminated: { exitCode: code } } }],
      });
      t.ok(runtime.calls.includes("stopSandbox"));
      t.equal(pods.get("default", "hello").status.conditions?.[0]?.status, "False", "no sandbox, so none ready");
    }
  },
);

t.test("OnFailure restarts failures only", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ restartPolicy: "OnFailure" }));
  await settle();
  runtime.exit("web", 1);
  await timers.advance(0);
  t.equal(first(pods)?.restartCount, 1);
  runtime.exit("web", 0);
  await timers.advance(0);
  t.equal(pods.get("default", "hello").status.phase, "Succeeded");
});

t.test("a pod of which one container goes on is Running, whatever has ended", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const containers = ["a", "b"].map((name) => ({ name, image: "podrun.local/base" }));
  await pods.create(makePod({ restartPolicy: "Never", containers }));
  await settle();
  runtime.exit("a", 1);
  await timers.advance(0);
  t.equal(pods.get("default", "hello").status.phase, "Running");
  t.notOk(runtime.calls.includes("stopSandbox"));
});

t.test("a command that ends at once is restarted with back-off too", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  runtime.exitAtOnce = 7;
  await pods.create(makePod());
  await timers.advance(0);
  t.match(first(pods), { restartCount: 1, state: { waiting: { reason: "CrashLoopBackOff" } } });
  t.match(first(pods)?.lastState, { terminated: { exitCode: 7 } });
});

t.test("an OOM kill reads as OOMKilled, 137", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ restartPolicy: "Never" }));
  await settle();
  runtime.exit("web", 137, "OOMKilled");
  await timers.advance(0);
  t.match(first(pods)?.state, { terminated: { exitCode: 137, reason: "OOMKilled" } });
});

t.test("the end of a run is on record before the runtime forgets it", async (t) => {
  const { pods, runtime, timers, store } = makeWorld(t.testdir());
  await pods.create(makePod());
  await settle();
  let recorded = "";
  runtime.before = (call) => {
    if (call === "removeContainer web") recorded = [...store.objects.values()].join("");
  };
  runtime.exit("web", 5);
  await timers.advance(0);
  t.match(recorded, /"exitCode":5/);
});

t.test("a lost sandbox is made anew, and its containers restart", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const { metadata } = await pods.create(makePod());
  await settle();
  runtime.calls.length = 0;
  runtime.lose(metadata.uid);
  await timers.advance(0);
  t.same(runtime.calls, ["removeSandbox", "runSandbox", "createContainer web/1", "startContainer web"]);
  t.equal(runtime.configs.sandbox?.metadata.attempt, 1);
  t.match(first(pods), { restartCount: 1, lastState: { terminated: { reason: "ContainerStatusUnknown" } } });
  t.ok(pods.events().some(({ reason }) => reason === "SandboxChanged"));
});

t.test("a lost sandbox of a pod that never restarts makes the pod Failed, not a new sandbox", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const { metadata } = await pods.create(makePod({ restartPolicy: "Never" }));
  await settle();
  runtime.lose(metadata.uid);
  await timers.advance(0);
  t.equal(runtime.calls.filter((call) => call === "runSandbox").length, 1);
  t.equal(pods.get("default", "hello").status.phase, "Failed");
  t.ok(runtime.calls.includes("stopSandbox"), "its addresses and ports of the host go back");
});
