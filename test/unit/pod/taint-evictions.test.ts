import t, { type Test } from "tap";
import { TaintEvictions } from "../../../src/pod/taint-evictions.ts";
import type { Taint } from "../../../src/pod/tolerations.ts";
import { makePod, makeWorld, settle, until } from "./fixtures.ts";

const BROKEN: Taint = { key: "broken", value: "", effect: "NoExecute" };
const broken = (more: object = {}) => ({ key: "broken", operator: "Exists", ...more });

/** The pod layer with a node whose taints a test sets; `set` tells of them. */
function makeTainted(t: Test, first: readonly Taint[] = []) {
  const world = makeWorld(t.testdir());
  let taints = first;
  const evictions = new TaintEvictions(world.node, world.pods, () => taints);
  evictions.start();
  t.teardown(() => evictions.stop());
  const set = (...wanted: readonly Taint[]): Promise<void> => {
    taints = wanted;
    evictions.taintsChanged();
    return world.timers.advance(0);
  };
  const names = () => world.pods.list().map(({ metadata }) => metadata.name);
  const run = async (name: string, spec: object = {}) => {
    await world.pods.create(makePod({ terminationGracePeriodSeconds: 0, ...spec }, { name }));
    await until(() => world.pods.get("default", name).status.phase === "Running");
  };
  const told = () =>
    world.pods
      .events()
      .filter(({ reason }) => reason === "TaintManagerEviction")
      .map(({ type, message }) => `${type} ${message}`);
  return { ...world, set, names, run, told };
}

t.test("a NoExecute taint ends who does not tolerate it, with its grace and the reason; others stay", async (t) => {
  const { pods, set, names, run, told, seen } = makeTainted(t);
  await run("none");
  await run("bears", { tolerations: [broken()] });
  await run("otherwise", { tolerations: [broken({ effect: "NoSchedule" })] });
  await set({ ...BROKEN, effect: "NoSchedule" });
  await settle();
  t.same(names(), ["bears", "none", "otherwise"], "only NoExecute ends what runs");
  await set(BROKEN);
  await until(() => names().length === 1);
  t.same(names(), ["bears"]);
  t.same(told().sort(), [
    "Normal Marking for deletion Pod default/none",
    "Normal Marking for deletion Pod default/otherwise",
  ]);
  const last = seen.findLast(({ type, object }) => type === "DELETED" && object.metadata.name === "none")?.object;
  t.ok(last?.metadata.deletionTimestamp);
  t.match(
    last?.status.conditions?.find(({ type }) => type === "DisruptionTarget"),
    {
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
    },
  );
  t.equal(pods.get("default", "bears").status.phase, "Running");
});

t.test("tolerationSeconds are counted from the taint, and the least of them goes", async (t) => {
  const { set, names, run, told, timers } = makeTainted(t);
  const worse: Taint = { ...BROKEN, key: "worse" };
  await run("a", { tolerations: [broken({ effect: "NoExecute", tolerationSeconds: 60 })] });
  await run("b", {
    tolerations: [
      broken({ effect: "NoExecute", tolerationSeconds: 60 }),
      { key: "worse", operator: "Exists", effect: "NoExecute", tolerationSeconds: 20 },
    ],
  });
  await timers.advance(100_000);
  const timeAdded = new Date(timers.now()).toISOString();
  await set({ ...BROKEN, timeAdded }, { ...worse, timeAdded });
  await until(() => names().length === 1);
  t.same(names(), ["b"], "a does not tolerate the worse one at all");
  await timers.advance(19_000);
  t.same(names(), ["b"]);
  await timers.advance(1_000);
  await until(() => names().length === 0);
  t.equal(told().length, 2);
});

t.test("a taint that goes in time lets the pod stay, and says so", async (t) => {
  const { set, names, run, told, timers } = makeTainted(t);
  await run("a", { tolerations: [broken({ effect: "NoExecute", tolerationSeconds: 60 })] });
  await set({ ...BROKEN, timeAdded: new Date(timers.now()).toISOString() });
  await timers.advance(59_000);
  await set();
  await timers.advance(3_600_000);
  t.same(names(), ["a"]);
  t.same(told(), ["Normal Cancelling deletion of Pod default/a"]);
});

t.test("a pod that comes where the taint is already has its time from when it got its place", async (t) => {
  const { names, run, timers } = makeTainted(t, [BROKEN]);
  await timers.advance(1_000_000);
  await run("a", { tolerations: [broken({ effect: "NoExecute", tolerationSeconds: 60 })] });
  await timers.advance(59_000);
  t.same(names(), ["a"]);
  await timers.advance(2_000);
  await until(() => names().length === 0);
});

t.test("a deletion that can't be recorded is tried again; a pod that is over is left alone", async (t) => {
  const { set, names, run, store, runtime, pods, log, timers } = makeTainted(t);
  await run("over", { restartPolicy: "Never" });
  runtime.exit("web", 0);
  await until(() => pods.get("default", "over").status.phase === "Succeeded");
  await run("a");
  const put = store.put;
  store.put = (object: { metadata: { deletionTimestamp?: string } }) => {
    if (object.metadata.deletionTimestamp !== undefined) throw new Error("disk full");
    return put(object);
  };
  await set(BROKEN);
  await settle();
  t.match(log.join("\n"), /does not tolerate a taint can't be deleted/);
  store.put = put;
  await timers.advance(1000);
  await until(() => !names().includes("a"));
  t.same(names(), ["over"]);
});
