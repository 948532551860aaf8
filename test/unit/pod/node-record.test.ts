import t, { type Test } from "tap";
import { NodeRecord } from "../../../src/pod/node-record.ts";
import { OwnNode } from "../../../src/pod/own-node.ts";
import type { NodeWatchEvent } from "../../../src/pod/types.ts";
import { decodeKind, type KubeNode } from "../../../src/spec/index.ts";
import { testStore } from "../store/fixtures.ts";
import { makePod, makeWorld, settle } from "./fixtures.ts";

const SSD = { labels: { "kubernetes.io/hostname": "n", disk: "ssd" }, taints: [] };
const NOW = Date.parse("2026-01-01T00:00:00Z");

const node = (change: { labels?: object; annotations?: object; spec?: object }): KubeNode =>
  decodeKind("Node", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n", labels: change.labels, annotations: change.annotations },
    spec: change.spec,
  }) as KubeNode;

const taint = (key: string, value = "", effect = "NoSchedule") => ({ key, value, effect: effect as "NoSchedule" });

function makeRecords(t: Test) {
  const { store } = testStore(t);
  const open = (given: ConstructorParameters<typeof NodeRecord>[2] = SSD, name = "n", now = NOW) =>
    new NodeRecord(store.objects, { name, uid: "u" }, given, () => now);
  return { open, names: () => store.objects.list("Node").map(({ metadata }) => metadata.name) };
}

t.test("what the owner writes outlives the daemon, and a start that changes nothing writes nothing", (t) => {
  const { open } = makeRecords(t);
  const first = open();
  const wanted = node({ labels: { rack: "7" }, annotations: { note: "x" }, spec: { unschedulable: true } });
  t.equal(first.change(wanted, [{ key: "a", effect: "NoSchedule" }], { dryRun: true }), true);
  t.equal(first.unschedulable, false, "a dry run changes nothing");
  t.equal(first.change(wanted, [{ key: "a", effect: "NoSchedule" }], { dryRun: false }), true);
  t.equal(first.change(wanted, [{ key: "a", effect: "NoSchedule" }], { dryRun: false }), false);
  const next = open();
  t.same(next.labels, { rack: "7", "kubernetes.io/hostname": "n" }, "a kubelet puts its own labels right");
  t.same(next.annotations, { note: "x" });
  t.same(
    next.taints.map(({ key }) => key),
    ["a", "node.kubernetes.io/unschedulable"],
  );
  t.equal(open().resourceVersion, next.resourceVersion);
  t.end();
});

t.test("of the environment only what has changed since the last start is taken over", (t) => {
  const { open } = makeRecords(t);
  const first = open({ labels: { a: "1", b: "1", c: "1" }, taints: [taint("x"), taint("y"), taint("z", "1")] });
  t.same(first.labels, { a: "1", b: "1", c: "1" });
  first.change(node({ labels: { a: "mine", b: "1", c: "1", d: "mine" } }), [taint("y"), taint("z", "1")], {
    dryRun: false,
  });
  const same = open({ labels: { a: "1", b: "1", c: "1" }, taints: [taint("x"), taint("y"), taint("z", "1")] });
  t.same(same.labels, { a: "mine", b: "1", c: "1", d: "mine" }, "the owner's changes stay");
  t.same(
    same.taints.map(({ key }) => key),
    ["y", "z"],
    "as a kubelet's --register-with-taints do",
  );
  const next = open({ labels: { a: "2", c: "1" }, taints: [taint("x"), taint("z", "2"), taint("w")] });
  t.same(next.labels, { a: "2", c: "1", d: "mine" });
  t.same(
    next.taints.map(({ key, value }) => `${key}=${value}`),
    ["z=2", "w="],
  );
  t.end();
});

t.test("a machine with another name has one node, with what its owner has written", (t) => {
  const { open, names } = makeRecords(t);
  open().change(node({ labels: { rack: "7" } }), [taint("a")], { dryRun: false });
  const renamed = open({ ...SSD, labels: { "kubernetes.io/hostname": "m" } }, "m");
  t.same(names(), ["m"]);
  t.same(renamed.labels, { rack: "7", "kubernetes.io/hostname": "m" });
  t.match(renamed.taints, [{ key: "a" }]);
  t.end();
});

t.test("a NoExecute taint has the time since when it is there, also for the next daemon", (t) => {
  const { open } = makeRecords(t);
  const first = open();
  const broken = { key: "broken", effect: "NoExecute" } as const;
  first.change(node({}), [broken, taint("a")], { dryRun: false });
  t.match(first.taints, [
    { key: "broken", timeAdded: "2026-01-01T00:00:00Z" },
    { key: "a", timeAdded: undefined },
  ]);
  const later = open(SSD, "n", NOW + 60_000);
  later.change(node({ labels: { x: "y" } }), [broken], { dryRun: false });
  t.match(later.taints, [{ timeAdded: "2026-01-01T00:00:00Z" }]);
  later.change(node({}), [{ ...broken, value: "2" }], { dryRun: false });
  t.match(later.taints, [{ value: "2", timeAdded: "2026-01-01T00:01:00Z" }], "another value is another taint");
  t.end();
});

/** The node of a pod layer on fakes: its labels and taints are those of the record. */
function makeOwn(t: Test) {
  const { open } = makeRecords(t);
  const record = open(undefined, "node");
  const world = makeWorld(t.testdir());
  const { facts } = world.node as { facts: object };
  Object.defineProperty(facts, "labels", { get: () => record.labels });
  Object.defineProperty(facts, "taints", { get: () => record.taints });
  const identity = {
    uid: "u",
    createdAt: "2026-01-01T00:00:00Z",
    readySince: "2026-01-01T00:00:00Z",
    info: {} as never,
  };
  const own = new OwnNode(world.node, identity, record);
  const events: NodeWatchEvent[] = [];
  own.watch((event) => {
    events.push(event);
    world.pods.nodeChanged();
  });
  const set = (change: object) => {
    const before = own.get("node");
    const spec = { ...before.spec, ...change };
    return own.replace({ ...before, spec } as KubeNode);
  };
  return { ...world, own, events, set };
}

t.test("a pod that waits for a label, or for a taint to go, starts when the node's owner sees to it", async (t) => {
  const { pods, own, set } = makeOwn(t);
  set({ taints: [taint("busy")] });
  await pods.create(makePod());
  t.match(pods.get("default", "hello").status.conditions, [
    {
      reason: "Unschedulable",
      message:
        "0/1 nodes are available: 1 node(s) had untolerated taint {busy: }. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.",
    },
  ]);
  await pods.create(makePod({ tolerations: [{ operator: "Exists" }], nodeSelector: { gpu: "yes" } }, { name: "gpu" }));
  t.equal(pods.get("default", "gpu").status.phase, "Pending");
  set({ taints: [] });
  const before = own.get("node");
  own.replace({ ...before, metadata: { ...before.metadata, labels: { ...before.metadata.labels, gpu: "yes" } } });
  await settle();
  t.equal(pods.get("default", "hello").status.phase, "Running");
  t.equal(pods.get("default", "gpu").status.phase, "Running");
});

t.test("a cordoned node takes no new pod, but who names it or bears its taint", async (t) => {
  const { pods, own, set, node, events } = makeOwn(t);
  t.match(set({ unschedulable: true }), {
    spec: { unschedulable: true, taints: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }] },
  });
  t.equal(events.length, 1);
  await pods.create(makePod());
  await pods.create(makePod({ nodeName: "node" }, { name: "named" }));
  const tolerations = [{ key: "node.kubernetes.io/unschedulable", operator: "Exists", effect: "NoSchedule" }];
  await pods.create(makePod({ tolerations }, { name: "bears" }));
  await settle();
  t.match(pods.get("default", "hello").status.conditions?.[0]?.message, /1 node\(s\) were unschedulable/);
  t.equal(pods.get("default", "named").status.phase, "Running");
  t.equal(pods.get("default", "bears").status.phase, "Running");
  // As a client's patch leaves the taint that it was shown.
  set({ unschedulable: false });
  t.same(own.get("node").spec.taints, undefined);
  await settle();
  t.equal(pods.get("default", "hello").status.phase, "Running");
  const told = node.events.list().filter(({ involvedObject }) => involvedObject.kind === "Node");
  t.same(
    told.map(({ reason, message }) => `${reason}: ${message}`),
    [
      "NodeNotSchedulable: Node node status is now: NodeNotSchedulable",
      "NodeSchedulable: Node node status is now: NodeSchedulable",
    ],
  );
});

t.test("a change of the node is refused when it is another's, is late, or changes what can't be changed", (t) => {
  const { own, set, node, events } = makeOwn(t);
  const before = own.get("node");
  t.throws(() => own.get("other"), { code: "NotFound" });
  t.throws(() => own.replace({ ...before, metadata: { ...before.metadata, name: "other" } }), { code: "NotFound" });
  t.throws(() => set({ podCIDR: "10.0.0.0/8" }), { code: "InvalidObject", message: /spec\.podCIDR: can't be changed/ });
  t.same(own.replace(before), before, "nothing has changed");
  t.equal(events.length, 0);
  t.match(own.replace({ ...before, spec: { unschedulable: true } }, { dryRun: true }), {
    spec: { unschedulable: true },
  });
  t.equal(events.length, 0);
  set({ unschedulable: true });
  t.throws(() => own.replace(before), { code: "Conflict" });
  set({ taints: [{ key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" }] });
  t.match(own.get("node").spec.taints, [{ key: "node.kubernetes.io/unschedulable" }], "pressure has its own taints");
  t.equal(own.get("node").spec.taints?.length, 1);
  const { resourceVersion } = own.get("node").metadata;
  node.pressure.set(new Set(["MemoryPressure"]), "2026-01-01T00:00:00Z");
  t.match(events.at(-1)?.object.spec.taints, [{}, { key: "node.kubernetes.io/memory-pressure" }]);
  t.ok(
    Number(events.at(-1)?.object.metadata.resourceVersion) > Number(resourceVersion),
    "watchers are told of a version",
  );
  t.end();
});

t.test("a node's taints are checked as the API server checks them", (t) => {
  const spec = (...taints: object[]) => node({ spec: { taints } });
  t.throws(() => spec({ key: "a", effect: "Never" }), { message: /spec\.taints\[0\]\.effect/ });
  t.throws(() => spec({ key: "a b", effect: "NoSchedule" }), { message: /is not a label key/ });
  t.throws(() => spec({ effect: "NoSchedule" }), { message: /spec\.taints\[0\]\.key: required/ });
  t.throws(() => spec({ key: "a", effect: "NoExecute", timeAdded: "yesterday" }), { message: /is not a time/ });
  t.throws(() => spec({ key: "a", effect: "NoSchedule" }, { key: "a", value: "b", effect: "NoSchedule" }), {
    message: /spec\.taints\[1\]: a:NoSchedule is there twice/,
  });
  t.equal(spec({ key: "a", effect: "NoSchedule" }, { key: "a", effect: "NoExecute" }).spec.taints?.length, 2);
  t.end();
});
