import t from "tap";
import type { Pods } from "../../../src/pod/pods.ts";
import { Reservations } from "../../../src/pod/reservations.ts";
import { type Place, whyNotHere } from "../../../src/pod/schedule.ts";
import type { Pod } from "../../../src/spec/index.ts";
import { CAPACITY, makePod, makeWorld, settle, until } from "./fixtures.ts";

const withPort = (name: string, ports: object) =>
  makePod({ containers: [{ name: "web", image: "podrun.local/base", ports: [ports] }] }, { name, uid: name });

/** What keeps a pod from a node where those are; `held`: how much of each resource they have. */
const why = (pod: Pod, others: () => readonly Pod[], held: Record<string, number> = {}, node: object = {}) => {
  const place: Place = {
    node: { name: "node", labels: {}, taints: [], allocatable: { ...CAPACITY, ...node } },
    held: (name) => held[name] ?? 0,
    pressure: new Set(),
    pods: others(),
    holdsPlace: () => true,
    namespaceLabels: () => ({}),
  };
  return whyNotHere(pod, place).join(", ") || undefined;
};

t.test("a pod has no place while another one has a port that it asks for, and is told whose it is", async (t) => {
  const first = withPort("first", { containerPort: 80, hostPort: 8080 });
  const second = withPort("second", { containerPort: 81, hostPort: 8080, hostIP: "127.0.0.1" });
  t.equal(
    why(second, () => [first]),
    "node(s) didn't have free ports for the requested pod ports (127.0.0.1:8080/TCP is the port of pod default/first)",
  );
  t.equal(
    why(first, () => [first]),
    undefined,
    "itself is no other",
  );
  t.equal(
    why(withPort("udp", { containerPort: 80, hostPort: 8080, protocol: "UDP" }), () => [first]),
    undefined,
  );
});

t.test("a pod on the host's network has its ports there", async (t) => {
  const host = makePod(
    { hostNetwork: true, containers: [{ name: "web", image: "podrun.local/base", ports: [{ containerPort: 80 }] }] },
    { name: "host", uid: "host" },
  );
  t.match(
    why(withPort("web", { containerPort: 1, hostPort: 80 }), () => [host]),
    /80\/TCP is the port of pod default\/host/,
  );
});

const asking = (requests: object, more: object = {}) =>
  makePod({ containers: [{ name: "web", image: "podrun.local/base", resources: { requests } }], ...more });
const nobody = () => [];

t.test(
  "a pod that asks for more than others leave has no place, and is told of everything that is short",
  async (t) => {
    const pod = asking({ cpu: "1500m", memory: "5Gi" });
    t.equal(why(pod, nobody), undefined);
    t.equal(why(pod, nobody, { cpu: 500, memory: 3 * 2 ** 30 }), undefined, "exactly what is left");
    t.equal(why(pod, nobody, { cpu: 501 }), "Insufficient cpu");
    t.equal(
      why(pod, nobody, { cpu: 501, memory: 2 ** 32, pods: 110 }),
      "Insufficient cpu, Insufficient memory, Too many pods",
    );
    t.equal(why(asking({ "ephemeral-storage": "65Gi" }), nobody), "Insufficient ephemeral-storage");
  },
);

t.test("what a pod does not ask for it need not find", async (t) => {
  t.equal(why(makePod(), nobody, { cpu: 2000, memory: 2 ** 33 }), undefined);
  t.equal(why(asking({ cpu: "0" }), nobody, { cpu: 3000 }), undefined);
  t.equal(why(makePod(), nobody, { pods: 110 }), "Too many pods");
});

t.test("a pod asks for what its containers ask for at once, or for what it says as a whole", async (t) => {
  const init = { name: "init", image: "podrun.local/base", resources: { requests: { cpu: "1800m" } } };
  t.equal(why(asking({ cpu: "1" }, { initContainers: [init] }), nobody, { cpu: 300 }), "Insufficient cpu");
  t.equal(why(asking({ cpu: "1" }, { initContainers: [init] }), nobody, { cpu: 200 }), undefined);
  const whole = { resources: { requests: { cpu: "1900m" } } };
  t.equal(why(asking({ cpu: "1" }, whole), nobody, { cpu: 200 }), "Insufficient cpu");
});

t.test("the running total is that of the pods that are there, whatever came and went", async (t) => {
  const held = new Reservations();
  const pods = ["a", "b", "c"].map((uid, i) => {
    const pod = asking({ cpu: `${i + 1}00m`, memory: "1Gi" });
    pod.metadata.uid = uid;
    return pod;
  });
  for (const pod of [...pods, ...pods]) held.hold(pod);
  t.same([held.held("cpu"), held.held("memory"), held.held("pods")], [600, 3 * 2 ** 30, 3], "nobody counts twice");
  held.release("b");
  held.release("b");
  t.same([held.held("cpu"), held.held("memory"), held.held("pods")], [400, 2 ** 31, 2]);
  const resized = { ...asking({ cpu: "1" }), metadata: { ...asking({}).metadata, uid: "a" } };
  held.hold(resized);
  t.same([held.held("cpu"), held.held("memory"), held.held("pods")], [1300, 2 ** 30, 2], "what it asks for now");
});

const phaseOf = (pods: Pods, name: string) => pods.get("default", name).status.phase;

const CPU = "0/1 nodes are available: 1 Insufficient cpu.";

t.test(
  "a pod that does not fit waits, starts when another one goes, and keeps its place over a new daemon",
  async (t) => {
    const world = makeWorld(t.testdir());
    const { pods } = world;
    const big = (name: string) => {
      const pod = asking({ cpu: "1500m" });
      return { ...pod, metadata: { ...pod.metadata, name } };
    };
    await pods.create(big("first"));
    const second = await pods.create(big("second"));
    t.equal(second.status.phase, "Pending");
    t.match(second.status.conditions, [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }]);
    t.match(second.status.conditions?.[0]?.message, CPU);
    const told = () => pods.events({ involvedName: "second" }).filter(({ reason }) => reason === "FailedScheduling");
    t.match(told(), [{ type: "Warning", count: 1 }]);
    await until(() => phaseOf(pods, "first") === "Running");
    pods.stop();
    const next = world.reborn();
    next.recover();
    await settle();
    t.equal(phaseOf(next, "first"), "Running", "it has its place already");
    t.equal(phaseOf(next, "second"), "Pending");
    await next.delete("default", "first", { gracePeriodSeconds: 0 });
    await until(() => phaseOf(next, "second") === "Running");
  },
);

t.test("a pod that is over gives back what it asked for", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  const once = asking({ cpu: "2" }, { restartPolicy: "Never" });
  await pods.create({ ...once, metadata: { ...once.metadata, name: "once" } });
  await pods.create(asking({ cpu: "1" }));
  await until(() => phaseOf(pods, "once") === "Running");
  await settle();
  t.equal(phaseOf(pods, "hello"), "Pending");
  runtime.exit("web", 0);
  await until(() => phaseOf(pods, "hello") === "Running");
});
