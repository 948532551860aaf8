import t from "tap";
import { makePod, makeWorld, settle, until } from "./fixtures.ts";

const first = (pods: ReturnType<typeof makeWorld>["pods"]) =>
  pods.get("default", "hello").status.containerStatuses?.[0];

t.test("a new daemon takes running containers up and does nothing to them", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod());
  await settle();
  world.pods.stop();
  world.runtime.calls.length = 0;
  const pods = world.reborn();
  pods.recover();
  await settle();
  t.same(world.runtime.calls, []);
  t.match(first(pods), { restartCount: 0, state: { running: {} } });
});

t.test("what ended while no daemon ran is restarted once, and counted", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod());
  await settle();
  world.pods.stop();
  world.runtime.exit("web", 4);
  const pods = world.reborn();
  pods.recover();
  await settle();
  t.match(first(pods), { restartCount: 1, state: { running: {} }, lastState: { terminated: { exitCode: 4 } } });
});

t.test("a pod that was being created is finished", async (t) => {
  const world = makeWorld(t.testdir());
  world.runtime.before = () => new Promise(() => undefined);
  await world.pods.create(makePod());
  world.pods.stop();
  world.runtime.before = () => undefined;
  const pods = world.reborn();
  pods.recover();
  await settle();
  t.equal(pods.get("default", "hello").status.phase, "Running");
  t.equal(first(pods)?.restartCount, 0);
});

t.test("a daemon killed between forgetting a run and the next one counts the run once", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod());
  await settle();
  world.runtime.before = (call) => (call.startsWith("createContainer") ? new Promise(() => undefined) : undefined);
  world.runtime.exit("web", 9);
  await world.timers.advance(0);
  world.pods.stop();
  world.runtime.before = () => undefined;
  const pods = world.reborn();
  pods.recover();
  await settle();
  t.match(first(pods), { restartCount: 1, state: { running: {} }, lastState: { terminated: { exitCode: 9 } } });
});

t.test("a deletion under way is finished", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod());
  await settle();
  world.runtime.before = (call) => (call.startsWith("stopContainer") ? new Promise(() => undefined) : undefined);
  await world.pods.delete("default", "hello");
  await settle();
  world.pods.stop();
  world.runtime.before = () => undefined;
  const pods = world.reborn();
  pods.recover();
  await until(() => pods.list().length === 0);
  t.equal(world.runtime.sandboxes.size, 0);
});

t.test("after a reboot Always starts anew with one restart more, Never has Failed", async (t) => {
  for (const [restartPolicy, phase, restarts] of [
    ["Always", "Running", 1],
    ["Never", "Failed", 0],
  ] as const) {
    const world = makeWorld(t.testdir());
    await world.pods.create(makePod({ restartPolicy }));
    await settle();
    world.pods.stop();
    world.runtime.sandboxes.clear();
    world.runtime.containers.clear();
    const pods = world.reborn();
    pods.recover();
    await world.timers.advance(0);
    t.equal(pods.get("default", "hello").status.phase, phase);
    t.equal(first(pods)?.restartCount, restarts);
    const { state, lastState } = first(pods) ?? {};
    t.match(state?.terminated ?? lastState?.terminated, { exitCode: 137, reason: "ContainerStatusUnknown" });
  }
});

t.test("a pod that is over stays over", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod({ restartPolicy: "Never" }));
  await settle();
  world.runtime.exit("web", 0);
  await world.timers.advance(0);
  world.pods.stop();
  world.runtime.calls.length = 0;
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(0);
  t.same(world.runtime.calls, ["stopSandbox"], "nothing is made; whether it was stopped or lost nobody knows any more");
  t.match(pods.get("default", "hello").status, {
    phase: "Succeeded",
    podIP: "10.77.0.2",
    containerStatuses: [{ state: { terminated: { exitCode: 0, reason: "Completed" } } }],
  });
});

t.test("the sandbox of a pod that never restarts, lost while no daemon ran, gives back what it holds", async (t) => {
  const world = makeWorld(t.testdir());
  const { metadata } = await world.pods.create(makePod({ restartPolicy: "Never" }));
  await settle();
  world.pods.stop();
  world.runtime.lose(metadata.uid);
  world.runtime.calls.length = 0;
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(0);
  t.same(world.runtime.calls, ["stopSandbox"]);
  t.equal(pods.get("default", "hello").status.phase, "Failed");
});

t.test("a back-off goes on with the next daemon, and after a reboot", async (t) => {
  for (const isReboot of [false, true]) {
    const world = makeWorld(t.testdir());
    await world.pods.create(makePod());
    await settle();
    for (const wait of [0, 10_000, 20_000]) {
      world.runtime.exit("web", 1);
      await world.timers.advance(wait);
    }
    world.runtime.exit("web", 1);
    await world.timers.advance(1_000);
    t.match(first(world.pods), { restartCount: 3, state: { waiting: { message: /^back-off 40s/ } } });
    world.pods.stop();
    if (isReboot) {
      world.runtime.sandboxes.clear();
      world.runtime.containers.clear();
    }
    const pods = world.reborn();
    pods.recover();
    await world.timers.advance(38_999);
    t.match(first(pods), { restartCount: 3, state: { waiting: { reason: "CrashLoopBackOff" } } });
    await world.timers.advance(1);
    t.match(first(pods), { restartCount: 4, state: { running: {} } });
    world.runtime.exit("web", 1);
    await world.timers.advance(0);
    t.match(first(pods)?.state.waiting, { message: /^back-off 1m20s/ });
  }
});

t.test("a container that runs when its daemon changes waits twice as long after its next crash", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod());
  await settle();
  for (const wait of [0, 10_000, 20_000]) {
    world.runtime.exit("web", 1);
    await world.timers.advance(wait);
  }
  world.pods.stop();
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(1_000);
  world.runtime.exit("web", 1);
  await world.timers.advance(0);
  t.match(first(pods)?.state.waiting, { message: /^back-off 40s/ });
});
