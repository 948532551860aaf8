// The machine goes down under pods that run.
import t from "tap";
import { makePod, makeWorld, settle } from "./fixtures.ts";

const SIDECAR = {
  terminationGracePeriodSeconds: 300,
  initContainers: [{ name: "proxy", image: "podrun.local/base", restartPolicy: "Always" as const }],
  containers: [
    {
      name: "web",
      image: "podrun.local/base",
      lifecycle: { preStop: { exec: { command: ["goodbye"] } } },
    },
  ],
};

t.test(
  "pods end in their order, hooks first, within the time that there is, and stay on record as they were",
  async (t) => {
    const world = makeWorld(t.testdir());
    const { pods, runtime, timers } = world;
    await pods.create(makePod(SIDECAR));
    await settle();
    runtime.calls.length = 0;
    const before = JSON.stringify(pods.list()[0]);
    const down = pods.shutDown(60);
    await timers.advance(0);
    await down;
    const ends = runtime.calls.filter((call) => /stop|exec/.test(call));
    t.match(ends, [/^exec.*goodbye/, /^stopContainer web 60/, /^stopContainer proxy 60/, "stopSandbox"]);
    t.notMatch(runtime.calls.join(), /startContainer|runSandbox/, "nothing is started again");
    t.equal(JSON.stringify(world.store.list()[0]), before);
  },
);

t.test("the next boot starts them again", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod({ terminationGracePeriodSeconds: 0 }));
  await settle();
  const down = world.pods.shutDown(60);
  await world.timers.advance(0);
  await down;
  world.runtime.sandboxes.clear();
  world.runtime.containers.clear();
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(0);
  t.match(pods.list()[0]?.status, {
    phase: "Running",
    containerStatuses: [{ restartCount: 1, state: { running: {} } }],
  });
});

t.test("a pod that can't be ended holds no other up", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod({ terminationGracePeriodSeconds: 0 }));
  await settle();
  world.runtime.before = (call) => {
    if (call.startsWith("stopContainer")) throw new Error("the monitor hangs");
  };
  const down = world.pods.shutDown(60);
  await world.timers.advance(0);
  await down;
  t.match(world.log.join(), /a pod can't be ended: the monitor hangs/);
});
