import t from "tap";
import { readNodeLabels, readNodeTaints } from "../../../src/daemon/node-placement.ts";
import { GATED, type PlacementNode } from "../../../src/pod/placement.ts";
import { whyNoPlace } from "../../../src/pod/schedule.ts";
import type { Pod } from "../../../src/spec/index.ts";
import { CAPACITY, makePod, makeWorld, settle, until } from "./fixtures.ts";

const NODE: PlacementNode = { name: "node", labels: { zone: "a", cores: "8" }, taints: [] };
const SELECTOR = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
const required = (name: string, value: object) => ({
  affinity: { [name]: { requiredDuringSchedulingIgnoredDuringExecution: value } },
});
const nodeTerms = (...nodeSelectorTerms: object[]) => required("nodeAffinity", { nodeSelectorTerms });
const expression = (key: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ key, operator, ...(values.length > 0 && { values }) }],
});
const labelled = (name: string, labels: object, spec: object = {}, namespace = "default"): Pod => {
  const pod = makePod(spec, { name, labels, namespace });
  pod.metadata.uid = `uid-${namespace}-${name}`;
  return pod;
};
const why = (pod: Pod, others: readonly Pod[] = [], node: Partial<PlacementNode> = {}) =>
  whyNoPlace(pod, {
    node: { ...NODE, ...node, allocatable: CAPACITY },
    held: () => 0,
    pressure: new Set(),
    pods: others,
    holdsPlace: ({ metadata }) => metadata.labels["over"] === undefined,
    namespaceLabels: (name) => ({ team: name }),
  });

t.test("a node's labels and name are held against what the pod asks of them", async (t) => {
  for (const [spec, fits] of [
    [{}, true],
    [{ nodeSelector: { zone: "a" } }, true],
    [{ nodeSelector: { zone: "b" } }, false],
    [{ nodeSelector: { zone: "a", disk: "ssd" } }, false],
    [{ nodeSelector: { constructor: "x" } }, false],
    [nodeTerms(expression("zone", "In", "b", "a")), true],
    [nodeTerms(expression("zone", "NotIn", "a")), false],
    [nodeTerms(expression("disk", "NotIn", "a")), true],
    [nodeTerms(expression("zone", "Exists")), true],
    [nodeTerms(expression("disk", "Exists")), false],
    [nodeTerms(expression("disk", "DoesNotExist")), true],
    [nodeTerms(expression("cores", "Gt", "7")), true],
    [nodeTerms(expression("cores", "Gt", "8")), false],
    [nodeTerms(expression("cores", "Lt", "9")), true],
    [nodeTerms(expression("zone", "Lt", "9")), false],
    [nodeTerms(expression("zone", "In", "b"), expression("cores", "Exists")), true],
    [nodeTerms({}), false],
    [nodeTerms({ matchFields: [{ key: "metadata.name", operator: "In", values: ["node"] }] }), true],
    [nodeTerms({ matchFields: [{ key: "metadata.name", operator: "NotIn", values: ["node"] }] }), false],
    [{ ...nodeTerms(expression("zone", "Exists")), nodeSelector: { zone: "b" } }, false],
  ] as const)
    t.equal(why(makePod(spec)), fits ? undefined : SELECTOR, JSON.stringify(spec));
  t.equal(why(makePod({ nodeName: "node" })), undefined);
  t.equal(
    why(makePod({ nodeName: "other" })),
    "0/1 nodes are available: 1 node(s) didn't match the requested node name.",
  );
  const preferred = [{ weight: 1, preference: expression("zone", "In", "b") }];
  const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: preferred };
  t.equal(why(makePod({ affinity: { nodeAffinity } })), undefined, "a preference is no rule");
});

t.test("a taint keeps out who does not tolerate it", async (t) => {
  const taint = { key: "dedicated", value: "gpu", effect: "NoSchedule" } as const;
  const words = "0/1 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}.";
  const withTolerations = (...tolerations: object[]) => why(makePod({ tolerations }), [], { taints: [taint] });
  t.equal(withTolerations(), words);
  t.equal(withTolerations({ key: "dedicated", value: "gpu" }), undefined);
  t.equal(withTolerations({ key: "dedicated", value: "gpu", effect: "NoSchedule" }), undefined);
  t.equal(withTolerations({ key: "dedicated", operator: "Exists" }), undefined);
  t.equal(withTolerations({ operator: "Exists" }), undefined);
  t.equal(withTolerations({ key: "dedicated", value: "cpu" }), words);
  t.equal(withTolerations({ key: "dedicated", operator: "Exists", effect: "NoExecute" }), words);
  t.equal(why(makePod(), [], { taints: [{ ...taint, effect: "PreferNoSchedule" }] }), undefined);
  t.equal(why(makePod({ nodeName: "node" }), [], { taints: [taint] }), undefined, "the scheduler was passed by");
  t.equal(why(makePod({ nodeName: "node" }), [], { taints: [{ ...taint, effect: "NoExecute" }] }), words);
});

t.test("pods are kept together and apart as their affinities say", async (t) => {
  const term = (labels: object, more: object = {}) => ({
    labelSelector: { matchLabels: labels },
    topologyKey: "zone",
    ...more,
  });
  const near = (...terms: object[]) => required("podAffinity", terms);
  const apart = (...terms: object[]) => required("podAntiAffinity", terms);
  const db = labelled("db", { app: "db" });
  const NEAR = "0/1 nodes are available: 1 node(s) didn't match pod affinity rules.";
  const APART = "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.";
  const web = labelled("web", { app: "web" }, near(term({ app: "db" })));
  t.equal(why(web), NEAR);
  t.equal(why(web, [db]), undefined);
  t.equal(why(web, [labelled("db", { app: "db", over: "" })]), NEAR, "it has no place any more");
  t.equal(why(web, [labelled("db", { app: "db" }, {}, "other")]), NEAR, "another namespace");
  const elsewhere = labelled("web", {}, near(term({ app: "db" }, { namespaces: ["other"] })));
  t.equal(why(elsewhere, [labelled("db", { app: "db" }, {}, "other")]), undefined);
  const selected = labelled(
    "web",
    {},
    near(term({ app: "db" }, { namespaceSelector: { matchLabels: { team: "other" } } })),
  );
  t.equal(why(selected, [labelled("db", { app: "db" }, {}, "other")]), undefined);
  t.equal(why(selected, [db]), NEAR);
  t.equal(why(labelled("web", {}, near(term({ app: "db" }, { topologyKey: "rack" }))), [db]), NEAR);
  t.equal(why(labelled("one", { app: "group" }, near(term({ app: "group" })))), undefined, "the first of its group");
  const lone = labelled("one", { app: "lone" }, apart(term({ app: "lone" })));
  t.equal(why(lone), undefined);
  t.equal(why(lone, [lone]), undefined, "itself is no other");
  t.equal(why(labelled("two", { app: "lone" }, apart(term({ app: "lone" }))), [lone]), APART);
  t.equal(
    why(labelled("three", { app: "lone" }), [lone]),
    "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
  );
  t.equal(why(labelled("two", {}, apart(term({ app: "lone" }, { topologyKey: "rack" }))), [lone]), undefined);
  const everyone = labelled("x", {}, apart({ topologyKey: "zone", labelSelector: {} }));
  t.equal(why(everyone, [db]), APART, "an empty selector takes everything");
  t.equal(why(labelled("x", {}, apart({ topologyKey: "zone" })), [db]), undefined, "an absent one nothing");
});

t.test("matchLabelKeys narrows a rule to pods with the pod's own label, mismatchLabelKeys to the others", async (t) => {
  const apart = (keys: object) => required("podAntiAffinity", [{ labelSelector: {}, topologyKey: "zone", ...keys }]);
  const APART = "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.";
  const old = labelled("old", { version: "1" });
  const same = { matchLabelKeys: ["version"] };
  t.equal(why(labelled("new", { version: "2" }, apart(same)), [old]), undefined);
  t.equal(why(labelled("new", { version: "1" }, apart(same)), [old]), APART);
  t.equal(why(labelled("new", {}, apart(same)), [old]), APART, "a key without a label adds nothing");
  const others = { mismatchLabelKeys: ["version"] };
  t.equal(why(labelled("new", { version: "2" }, apart(others)), [old]), APART);
  t.equal(why(labelled("new", { version: "1" }, apart(others)), [old]), undefined);
  const spread = (more: object) => ({
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        minDomains: 2,
        topologyKey: "zone",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: {},
        ...more,
      },
    ],
  });
  t.match(why(labelled("new", { version: "2" }, spread({})), [old]), "topology spread constraints");
  t.equal(why(labelled("new", { version: "2" }, spread(same)), [old]), undefined);
});

t.test("a spread over several domains is not to be had on one", async (t) => {
  const spread = (more: object) => ({
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "zone",
        whenUnsatisfiable: "DoNotSchedule",
        labelSelector: { matchLabels: { app: "web" } },
        ...more,
      },
    ],
  });
  const words = "0/1 nodes are available: 1 node(s) didn't match pod topology spread constraints";
  const one = labelled("one", { app: "web" });
  t.equal(why(labelled("two", { app: "web" }, spread({})), [one]), undefined);
  t.equal(why(labelled("two", { app: "web" }, spread({ topologyKey: "rack" }))), `${words} (missing required label).`);
  t.equal(
    why(labelled("two", { app: "web" }, spread({ topologyKey: "rack", whenUnsatisfiable: "ScheduleAnyway" }))),
    undefined,
  );
  t.equal(why(labelled("one", { app: "web" }, spread({ minDomains: 2 }))), undefined);
  t.equal(why(labelled("two", { app: "web" }, spread({ minDomains: 2 })), [one]), `${words}.`);
  t.equal(why(labelled("two", { app: "web" }, spread({ minDomains: 2, maxSkew: 2 })), [one]), undefined);
});

t.test("a gate holds a pod before anything else is looked at", async (t) => {
  t.equal(why(makePod({ schedulingGates: [{ name: "example.com/quota" }], nodeSelector: { zone: "b" } })), GATED);
});

t.test("a pod without its place waits, says why, and starts when it can", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  const gated = await pods.create(makePod({ schedulingGates: [{ name: "a" }, { name: "b" }] }));
  await settle();
  t.same(runtime.calls, []);
  t.match(pods.get("default", "hello").status, {
    phase: "Pending",
    conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated", message: GATED }],
  });
  t.match(pods.events(), [{ reason: "FailedScheduling", type: "Warning", message: GATED }]);
  const more = { ...gated, spec: { ...gated.spec, schedulingGates: [{ name: "a" }, { name: "c" }] } };
  await t.rejects(pods.replace({ ...more, metadata: { ...more.metadata, resourceVersion: "" } }), {
    code: "InvalidObject",
  });
  const { schedulingGates: _, ...spec } = gated.spec;
  await pods.replace({ ...gated, spec, metadata: { ...gated.metadata, resourceVersion: "" } });
  await until(() => pods.get("default", "hello").status.phase === "Running");
  t.same(
    pods
      .events()
      .map(({ reason }) => reason)
      .slice(0, 2),
    ["FailedScheduling", "Scheduled"],
  );
});

t.test(
  "a pod that wants to be with another starts when that one comes, one that wants to be alone when it goes",
  async (t) => {
    const { pods } = makeWorld(t.testdir());
    const term = { labelSelector: { matchLabels: { app: "db" } }, topologyKey: "kubernetes.io/hostname" };
    const phase = (name: string) => pods.get("default", name).status.phase;
    await pods.create(makePod(required("podAffinity", [term]), { name: "near" }));
    await settle();
    t.equal(phase("near"), "Pending");
    await pods.create(makePod({}, { name: "db", labels: { app: "db" } }));
    await until(() => phase("near") === "Running");
    await pods.create(makePod(required("podAntiAffinity", [term]), { name: "alone" }));
    await settle();
    t.equal(phase("alone"), "Pending");
    const db = pods.get("default", "db");
    await pods.replace({ ...db, metadata: { ...db.metadata, labels: { app: "other" } } });
    await until(() => phase("alone") === "Running");
    t.equal(phase("near"), "Running", "what runs goes on");
  },
);

t.test("a pod that waits still waits for a new daemon, until the node is another", async (t) => {
  const { pods, reborn, runtime } = makeWorld(t.testdir());
  await pods.create(makePod({ nodeSelector: { disk: "hdd" } }));
  await settle();
  pods.stop();
  const next = reborn();
  next.recover();
  await settle();
  t.same(runtime.calls, []);
  t.match(next.get("default", "hello").status.conditions, [{ reason: "Unschedulable", message: SELECTOR }]);
  t.equal(next.events().length, 1, "it is not told again");
});

t.test("the node's labels and taints are the kubelet's, and the owner's", async (t) => {
  t.match(readNodeLabels("n", {}), {
    "kubernetes.io/hostname": "n",
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": /64$/,
  });
  t.match(readNodeLabels("n", { PODRUN_NODE_LABELS: "disk=ssd, example.com/gpu=,kubernetes.io/hostname=x" }), {
    disk: "ssd",
    "example.com/gpu": "",
    "kubernetes.io/hostname": "x",
  });
  t.same(readNodeTaints({ PODRUN_NODE_TAINTS: "a=b:NoSchedule,c:NoExecute" }), [
    { key: "a", value: "b", effect: "NoSchedule" },
    { key: "c", value: "", effect: "NoExecute" },
  ]);
  for (const text of ["a b=c", "a=b=c", "=x", "a=-"])
    t.throws(() => readNodeLabels("n", { PODRUN_NODE_LABELS: text }), /PODRUN_NODE_LABELS has/, text);
  for (const text of ["a=b", "a=b:Never", "a:NoSchedule:x", ":NoSchedule"])
    t.throws(() => readNodeTaints({ PODRUN_NODE_TAINTS: text }), /PODRUN_NODE_TAINTS has/, text);
});

t.test("a pod that waits for pods of a namespace with a label starts when the namespace gets it", async (t) => {
  const { pods, objects } = makeWorld(t.testdir());
  await pods.create(makePod({}, { name: "db", labels: { app: "db" } }));
  const namespaceSelector = { matchLabels: { team: "blue" } };
  const term = {
    labelSelector: { matchLabels: { app: "db" } },
    topologyKey: "kubernetes.io/hostname",
    namespaceSelector,
  };
  await pods.create(makePod(required("podAffinity", [term]), { name: "web" }));
  await until(() => pods.get("default", "db").status.phase === "Running");
  t.match(pods.get("default", "web").status.conditions, [{ type: "PodScheduled", status: "False" }]);
  const namespace = { kind: "Namespace", metadata: { name: "default", labels: { team: "blue" } } } as never;
  objects.set("Namespace//default", namespace);
  pods.objectChanged(namespace);
  await until(() => pods.get("default", "web").status.phase === "Running");
});
