import t from "tap";
import type { Pods } from "../../../src/pod/pods.ts";
import { chooseVictims } from "../../../src/pod/preemption.ts";
import type { Pod } from "../../../src/spec/index.ts";
import { makePod, makeWorld, NO_CLAIMS, settle, until } from "./fixtures.ts";

/** A pod that asks for so much of the node's two CPUs. */
const asking = (name: string, cpu: string, more: object = {}): Pod => {
  const containers = [{ name: "web", image: "podrun.local/base", resources: { requests: { cpu } } }];
  return makePod({ containers, ...more }, { name });
};
const CRITICAL = { priorityClassName: "system-cluster-critical" };
const MORE_CRITICAL = { priorityClassName: "system-node-critical" };
const phaseOf = (pods: Pods, name: string) => pods.get("default", name).status.phase;
const isRunning = (pods: Pods, name: string) => phaseOf(pods, name) === "Running";
const messageOf = (pods: Pods, name: string) => pods.get("default", name).status.conditions?.[0]?.message;
const isGone = (pods: Pods, name: string) => !pods.list().some(({ metadata }) => metadata.name === name);

const weighing = (name: string, weight: number, priority: number, startTime = "2026-01-01T00:00:00Z"): Pod => {
  const pod = asking(name, `${weight}m`, { priority });
  return { ...pod, metadata: { ...pod.metadata, uid: name }, status: { ...pod.status, startTime } };
};
/** Names of the victims for a pod that needs so much of what these hold, and all else is held by others. */
const victimsOf = (need: number, pods: readonly Pod[]) => {
  const weightOf = (pod: Pod) => Number.parseInt(pod.spec.containers[0]?.resources.requests?.cpu ?? "0", 10);
  const freed = (gone: ReadonlySet<string>) =>
    pods.filter(({ metadata }) => gone.has(metadata.uid)).reduce((sum, pod) => sum + weightOf(pod), 0);
  return chooseVictims(pods, (gone) => freed(gone) >= need)?.map(({ metadata }) => metadata.name);
};

t.test("those of the lowest priority go, and no more of them than must", async (t) => {
  const pods = [weighing("low", 100, 1), weighing("lowest", 100, 0), weighing("lower", 300, 0, "2026-01-02T00:00:00Z")];
  t.same(victimsOf(300, pods), ["lower"]);
  t.same(victimsOf(400, pods), ["lowest", "lower"]);
  t.same(victimsOf(500, pods), ["low", "lowest", "lower"]);
  t.equal(victimsOf(501, pods), undefined, "nobody goes in vain");
  t.equal(victimsOf(1, []), undefined);
});

t.test("of equals those go who came last", async (t) => {
  const pods = [3, 1, 2].map((day) => weighing(`day-${day}`, 100, 0, `2026-01-0${day}T00:00:00Z`));
  t.same(victimsOf(200, pods), ["day-2", "day-3"]);
});

t.test("who is going already is waited for, and nobody else has to go", async (t) => {
  const [first, second] = [weighing("first", 100, 0), weighing("second", 100, 0)];
  const going = { ...first, metadata: { ...first.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
  t.same(victimsOf(100, [going, second]), []);
  t.same(victimsOf(200, [going, second]), ["second"]);
});

t.test(
  "a pod of higher priority takes the place of a lower one, which is told why and ends as when it is deleted",
  async (t) => {
    const { pods, seen } = makeWorld(t.testdir());
    await pods.create(asking("low", "1500m", { terminationGracePeriodSeconds: 0 }));
    await until(() => isRunning(pods, "low"));
    await pods.create(asking("high", "1500m", CRITICAL));
    t.equal(pods.get("default", "high").status.nominatedNodeName, "node");
    t.equal(messageOf(pods, "high"), "0/1 nodes are available: 1 Insufficient cpu.");
    await until(() => isRunning(pods, "high"));
    t.ok(isGone(pods, "low"));
    t.equal(pods.get("default", "high").status.nominatedNodeName, undefined, "it has its place");
    t.match(
      pods.events({ involvedName: "low" }).filter(({ reason }) => reason === "Preempted"),
      [{ type: "Normal", message: "Preempted by pod default/high on node node" }],
    );
    const last = seen.findLast(({ type, object }) => type === "DELETED" && object.metadata.name === "low");
    t.match(
      last?.object.status.conditions?.find(({ type }) => type === "DisruptionTarget"),
      { status: "True", reason: "PreemptionByScheduler" },
    );
  },
);

t.test("nobody goes for a pod of the same priority, for one that says so, or in vain", async (t) => {
  const { pods } = makeWorld(t.testdir());
  await pods.create(asking("there", "1500m", CRITICAL));
  await until(() => isRunning(pods, "there"));
  await pods.create(asking("equal", "1500m", CRITICAL));
  t.match(
    messageOf(pods, "equal"),
    /1 Insufficient cpu\. preemption: .* 1 No preemption victims found for incoming pod\.$/,
  );
  await pods.create(asking("vast", "3", MORE_CRITICAL));
  t.match(messageOf(pods, "vast"), /preemption: .* 1 Preemption is not helpful for scheduling\.$/);
  await pods.create(asking("elsewhere", "1500m", { ...MORE_CRITICAL, nodeSelector: { disk: "hdd" } }));
  t.match(messageOf(pods, "elsewhere"), /node affinity\/selector\. preemption: .* not helpful/);
  await settle();
  t.ok(isRunning(pods, "there"));
});

t.test("while others go for a pod nobody less important takes their place, and a new daemon knows it", async (t) => {
  const world = makeWorld(t.testdir());
  const { pods, runtime } = world;
  const end = Promise.withResolvers<void>();
  runtime.before = (call) => (call.startsWith("stopContainer") ? end.promise : undefined);
  await pods.create(asking("low", "2", { terminationGracePeriodSeconds: 3600 }));
  await until(() => isRunning(pods, "low"));
  await pods.create(asking("high", "1500m", CRITICAL));
  await pods.create(asking("sly", "400m"));
  await pods.create(asking("slyer", "1"));
  await settle();
  pods.stop();
  const next = world.reborn();
  next.recover();
  await settle();
  t.same(
    ["high", "sly", "slyer"].map((name) => phaseOf(next, name)),
    ["Pending", "Pending", "Pending"],
  );
  end.resolve();
  await until(() => isRunning(next, "high") && isRunning(next, "sly"));
  t.equal(phaseOf(next, "slyer"), "Pending", "beside the high one there is place for the small one only");
});

t.test("those who wait are served by priority, then by age", async (t) => {
  const { pods, timers } = makeWorld(t.testdir());
  await pods.create(asking("there", "2", MORE_CRITICAL));
  for (const [name, more] of [
    ["old", {}],
    ["young", {}],
    ["critical", CRITICAL],
  ] as const) {
    await pods.create(asking(name, "1", more));
    await timers.advance(1000);
  }
  await pods.delete("default", "there", { gracePeriodSeconds: 0 });
  await until(() => isRunning(pods, "critical") && isRunning(pods, "old"));
  t.equal(phaseOf(pods, "young"), "Pending");
});

t.test("where the deletion of one who has to go can't be recorded, it is tried again", async (t) => {
  const { pods, store, timers } = makeWorld(t.testdir());
  await pods.create(asking("low", "1500m", { terminationGracePeriodSeconds: 0 }));
  await until(() => isRunning(pods, "low"));
  const { put } = store;
  store.put = (object) => {
    if (object.metadata.deletionTimestamp !== undefined) throw new Error("no space left");
    return put(object);
  };
  await pods.create(asking("high", "1500m", CRITICAL));
  await timers.advance(3000);
  t.ok(isRunning(pods, "low"));
  store.put = put;
  await timers.advance(1000);
  await until(() => isRunning(pods, "high"));
});

t.test("what fails while those who wait are asked keeps nobody from being asked again", async (t) => {
  const { pods, node, timers, log } = makeWorld(t.testdir());
  let isBroken = false;
  const whyWaiting = (): undefined => {
    if (isBroken) throw new Error("no such volume");
  };
  Object.assign(node, { claims: { ...NO_CLAIMS, whyWaiting } });
  await pods.create(asking("first", "1500m"));
  await pods.create(asking("second", "1500m"));
  await until(() => isRunning(pods, "first"));
  isBroken = true;
  await pods.delete("default", "first", { gracePeriodSeconds: 0 });
  await until(() => isGone(pods, "first"));
  isBroken = false;
  await timers.advance(1000);
  await until(() => isRunning(pods, "second"));
  t.match(log.join(""), "no such volume");
});
