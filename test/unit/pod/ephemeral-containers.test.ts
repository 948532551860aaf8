import t from "tap";
import { makePod, makeWorld, settle } from "./fixtures.ts";

const image = "podrun.local/base";
const debug = (more: object = {}) => ({ ephemeralContainers: [{ name: "debug", image, ...more }] });
const asked = { ephemeralContainers: true };

t.test("an ephemeral container starts in a pod that runs, and says so in a list of its own", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod());
  await settle();
  runtime.calls.length = 0;
  await pods.replace(makePod(debug()), asked);
  await timers.advance(0);
  t.same(runtime.calls, ["createContainer debug/0", "startContainer debug"]);
  t.match(pods.get("default", "hello").status, {
    phase: "Running",
    containerStatuses: [{ name: "web", restartCount: 0 }],
    ephemeralContainerStatuses: [{ name: "debug", ready: false, state: { running: {} } }],
  });
  t.equal(pods.get("default", "hello").status.conditions?.find(({ type }) => type === "Ready")?.status, "True");
});

t.test("it is never restarted, whatever the policy, and the pod is what it is without it", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod());
  await settle();
  await pods.replace(makePod(debug()), asked);
  await timers.advance(0);
  runtime.exit("debug", 1);
  await timers.advance(600_000);
  t.match(pods.get("default", "hello").status, {
    phase: "Running",
    ephemeralContainerStatuses: [{ restartCount: 0, state: { terminated: { exitCode: 1 } } }],
  });
});

t.test("it does not keep a pod from being over", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ restartPolicy: "Never" }));
  await settle();
  await pods.replace(makePod({ restartPolicy: "Never", ...debug() }), asked);
  await timers.advance(0);
  runtime.exit("web", 0);
  await timers.advance(0);
  t.ok(runtime.calls.includes("stopContainer debug 30"));
  t.equal(pods.get("default", "hello").status.phase, "Succeeded");
});

t.test("it starts beside init containers that go on, and passes none of them", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  const row = { initContainers: ["one", "two"].map((name) => ({ name, image })) };
  await pods.create(makePod(row));
  await settle();
  await pods.replace(makePod({ ...row, ...debug() }), asked);
  await timers.advance(0);
  t.ok(runtime.calls.includes("startContainer debug"));
  t.notOk(runtime.calls.some((call) => call.includes("two") || call.includes("web")));
});

t.test("it joins its target's processes, unless the pod shares them anyway", async (t) => {
  for (const share of [false, true]) {
    const { pods, runtime, timers } = makeWorld(t.testdir());
    const spec = share ? { shareProcessNamespace: true } : {};
    await pods.create(makePod(spec));
    await settle();
    await pods.replace(makePod({ ...spec, ...debug({ targetContainerName: "web" }) }), asked);
    await timers.advance(0);
    const web = [...runtime.containers.values()].find(({ name }) => name === "web");
    t.equal(runtime.configs.containers.at(-1)?.pidTarget, share ? undefined : web?.id);
  }
});

t.test("a target that does not run is told, and tried again", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ restartPolicy: "OnFailure", containers: ["a", "b"].map((name) => ({ name, image })) }));
  await settle();
  runtime.exit("a", 0);
  await timers.advance(0);
  const before = pods.get("default", "hello");
  const spec = { ...before.spec, ...debug({ targetContainerName: "a" }) };
  await pods.replace(makePod(spec), asked);
  await timers.advance(0);
  t.match(pods.get("default", "hello").status.ephemeralContainerStatuses, [
    { state: { waiting: { message: 'target container "a" is not running' } } },
  ]);
});

t.test("they can be added only, and only by the request that is for them", async (t) => {
  const { pods } = makeWorld(t.testdir());
  await t.rejects(pods.create(makePod(debug())), { code: "InvalidObject", message: /^spec.ephemeralContainers: / });
  await pods.create(makePod());
  await settle();
  await pods.replace(makePod(debug()), asked);
  await t.rejects(pods.replace(makePod(), asked), {
    code: "InvalidObject",
    message: /"debug" is there and can't be removed/,
  });
  await t.rejects(pods.replace(makePod(debug({ command: ["x"] })), asked), { message: /can't be changed/ });
  await pods.replace(makePod({}, { labels: { a: "b" } }));
  t.match(pods.get("default", "hello").spec.ephemeralContainers, [{ name: "debug" }], "kept by every other change");
  t.throws(() => makePod(debug({ targetContainerName: "nope" })), { message: /no container "nope"; it has web/ });
  t.throws(() => makePod(debug({ name: "web" })), { message: /"web" is used twice/ });
  t.throws(() => makePod(debug({ ports: [] })), { code: "UnsupportedField" });
  t.throws(() => makePod(debug({ resources: { limits: { cpu: 1 } } })), { message: /resources: / });
});

t.test("a new daemon takes them up, and starts none again that has ended", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(makePod());
  await settle();
  await world.pods.replace(makePod({ ephemeralContainers: ["x", "y"].map((name) => ({ name, image })) }), asked);
  await world.timers.advance(0);
  world.runtime.exit("x", 3);
  await world.timers.advance(0);
  world.pods.stop();
  world.runtime.calls.length = 0;
  const pods = world.reborn();
  pods.recover();
  await world.timers.advance(0);
  t.same(world.runtime.calls, []);
  t.match(pods.get("default", "hello").status.ephemeralContainerStatuses, [
    { name: "x", state: { terminated: { exitCode: 3 } } },
    { name: "y", state: { running: {} } },
  ]);
});
