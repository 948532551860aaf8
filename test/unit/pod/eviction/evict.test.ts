import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { makePod, makeWorld, settle, until } from "../fixtures.ts";

const EVICTION = { message: "Too much. ", graceSeconds: 1, isDisrupted: false };
const SPEC = { restartPolicy: "Always", volumes: [{ name: "v", emptyDir: {} }] };

t.test(
  "an evicted pod fails for good: recorded before its containers end, its disk given back, its object kept",
  async (t) => {
    const { pods, runtime, store, timers, node } = makeWorld(t.testdir());
    const pod = await pods.create(makePod({ ...SPEC, terminationGracePeriodSeconds: 100 }));
    await settle();
    const folder = join(node.config.root, "pods", pod.metadata.uid);
    t.ok(existsSync(folder));
    let recorded: unknown;
    runtime.before = (call) => {
      if (call.startsWith("stopContainer")) recorded = JSON.parse([...store.objects.values()][0] ?? "").status;
    };
    const ended = pods.evict(pods.get("default", "hello"), EVICTION);
    await timers.advance(0);
    await ended;
    t.match(recorded, { phase: "Running", reason: "Evicted", message: "Too much. " });
    t.ok(runtime.calls.includes("stopContainer web 1"), "with the grace of an eviction, not its own");
    await until(() => !existsSync(folder));
    await timers.advance(1000);
    t.match(pods.get("default", "hello").status, {
      phase: "Failed",
      reason: "Evicted",
      message: "Too much. ",
      containerStatuses: [{ state: { terminated: { exitCode: 143 } }, restartCount: 0 }],
    });
    t.equal(runtime.containers.size, 0);
    t.equal(runtime.sandboxes.size, 0);
    t.match(pods.events().at(-2), { type: "Warning", reason: "Evicted", message: "Too much. " });
    t.equal(pods.evict(pods.get("default", "hello"), EVICTION), undefined, "once is enough");
  },
);

t.test("who goes for the others' sake has the condition DisruptionTarget, and keeps it", async (t) => {
  const { pods, timers, reborn } = makeWorld(t.testdir());
  await pods.create(makePod(SPEC));
  await settle();
  void pods.evict(pods.get("default", "hello"), { ...EVICTION, isDisrupted: true });
  const condition = { type: "DisruptionTarget", status: "True", reason: "TerminationByKubelet", message: "Too much. " };
  const found = () => pods.get("default", "hello").status.conditions?.filter(({ type }) => type === "DisruptionTarget");
  t.match(found(), [condition]);
  await timers.advance(5000);
  t.match(found(), [condition]);
  pods.stop();
  const next = reborn();
  next.recover();
  await timers.advance(5000);
  t.match(next.get("default", "hello").status, { phase: "Failed", reason: "Evicted" });
  t.match(
    next.get("default", "hello").status.conditions?.find(({ type }) => type === "DisruptionTarget"),
    condition,
  );
});

t.test("an eviction that a daemon had only recorded is done by the next one", async (t) => {
  const { pods, runtime, timers, reborn } = makeWorld(t.testdir());
  await pods.create(makePod(SPEC));
  await settle();
  const hang = Promise.withResolvers<void>();
  runtime.before = (call) => (call.startsWith("stopContainer") ? hang.promise : undefined);
  void pods.evict(pods.get("default", "hello"), EVICTION);
  pods.stop();
  runtime.before = () => undefined;
  const next = reborn();
  next.recover();
  await timers.advance(5000);
  await until(() => runtime.sandboxes.size === 0);
  await timers.advance(1000);
  t.match(next.get("default", "hello").status, { phase: "Failed", reason: "Evicted", message: "Too much. " });
  t.equal(runtime.calls.filter((call) => call === "runSandbox").length, 1, "nothing was made anew");
});

t.test("a pod without a place, or on its way out, is not evicted", async (t) => {
  const { pods } = makeWorld(t.testdir());
  const waiting = await pods.create(makePod({ nodeSelector: { no: "where" } }));
  t.equal(pods.evict(waiting, EVICTION), undefined);
  const going = await pods.create(makePod({}, { name: "going" }));
  await settle();
  await pods.delete("default", "going");
  t.equal(pods.evict(going, EVICTION), undefined);
});

t.test("of a pod that is over reclaiming leaves its object and its logs", async (t) => {
  const { pods, runtime, timers, node } = makeWorld(t.testdir());
  const pod = await pods.create(makePod({ ...SPEC, restartPolicy: "Never" }));
  await settle();
  const logs = join(node.config.logs, `default_hello_${pod.metadata.uid}`);
  mkdirSync(logs, { recursive: true });
  await pods.reclaim();
  t.equal(runtime.sandboxes.size, 1, "what runs is left alone");
  runtime.exit("web", 0);
  await timers.advance(100);
  await pods.reclaim();
  t.equal(runtime.containers.size, 0);
  t.notOk(existsSync(join(node.config.root, "pods", pod.metadata.uid)));
  t.ok(existsSync(logs));
  t.match(pods.get("default", "hello").status, {
    phase: "Succeeded",
    containerStatuses: [{ state: { terminated: { exitCode: 0 } } }],
  });
});
