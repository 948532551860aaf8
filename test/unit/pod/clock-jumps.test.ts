// Somebody sets the wall clock: what is waited for takes as long as it would have, and what is shown is the new time.
import t from "tap";
import { makePod, makeWorld, settle, until } from "./fixtures.ts";

const HOUR = 3_600_000;
const image = "podrun.local/base";

for (const [way, jump] of [
  ["forward", 5 * HOUR],
  ["back", -5 * HOUR],
] as const) {
  t.test(`a back-off is as long as it was when the clock is set ${way}`, async (t) => {
    const { pods, runtime, timers } = makeWorld(t.testdir());
    const restarts = () => pods.get("default", "hello").status.containerStatuses?.[0]?.restartCount;
    await pods.create(makePod());
    await settle();
    runtime.exit("web", 1);
    await timers.advance(0);
    runtime.exit("web", 1);
    await timers.advance(4000);
    timers.jumped = jump;
    pods.retry();
    await timers.advance(5999);
    t.equal(restarts(), 1, "not sooner");
    await timers.advance(1);
    t.equal(restarts(), 2, "not later");
    runtime.exit("web", 1);
    await timers.advance(19_999);
    t.equal(restarts(), 2);
    await timers.advance(1);
    t.equal(restarts(), 3, "the next one is twice as long: it is not forgotten");
  });

  t.test(`probes go on in their periods when the clock is set ${way}`, async (t) => {
    const { pods, runtime, timers } = makeWorld(t.testdir());
    const execs = () => runtime.calls.filter((call) => call.startsWith("exec")).length;
    const readinessProbe = { exec: { command: ["check"] }, periodSeconds: 5, initialDelaySeconds: 10 };
    await pods.create(makePod({ containers: [{ name: "web", image, readinessProbe }] }));
    await timers.advance(1000);
    timers.jumped = jump;
    await timers.advance(9000);
    t.equal(execs(), 1);
    timers.jumped = 0;
    await timers.advance(15_000);
    t.equal(execs(), 4);
  });

  t.test(`a grace period is as long as it was when the clock is set ${way}`, async (t) => {
    const { pods, runtime, timers, reborn } = makeWorld(t.testdir());
    const stops = () => runtime.calls.filter((call) => call.startsWith("stopContainer"));
    const ended = Promise.withResolvers<void>();
    runtime.before = (call) => (call.startsWith("stopContainer") ? ended.promise : undefined);
    await pods.create(makePod());
    await settle();
    await pods.delete("default", "hello");
    await timers.advance(10_000);
    timers.jumped = jump;
    await pods.delete("default", "hello", { gracePeriodSeconds: 25 });
    await settle();
    t.same(stops()[0], "stopContainer web 30");
    pods.stop();
    const next = reborn();
    next.recover();
    await settle();
    const left = Number(stops().at(-1)?.split(" ").at(-1));
    t.ok(left <= 30, `a new daemon gives it no more than its whole grace: ${left} s`);
    ended.resolve();
    await until(() => next.list().length === 0);
  });
}

t.test("what objects show is the clock as it is now", async (t) => {
  const { pods, timers } = makeWorld(t.testdir());
  timers.jumped = -2 * HOUR;
  const { metadata, status } = await pods.create(makePod());
  t.equal(metadata.creationTimestamp, "2025-12-31T22:00:00Z");
  t.equal(status.conditions?.[0]?.lastTransitionTime, "2025-12-31T22:00:00Z");
  const deleted = await pods.delete("default", "hello", { gracePeriodSeconds: 40 });
  t.equal(deleted.metadata.deletionTimestamp, "2025-12-31T22:00:40Z");
});
