import t, { type Test } from "tap";
import { NodeEvictions } from "../../../../src/pod/eviction/node-evictions.ts";
import { whyUnderPressure } from "../../../../src/pod/eviction/pressure.ts";
import { type Observation, parseThresholds, type Signal } from "../../../../src/pod/eviction/thresholds.ts";
import type { SandboxStats } from "../../../../src/sandbox/types.ts";
import type { Pod } from "../../../../src/spec/index.ts";
import { makePod, makeWorld, settle } from "../fixtures.ts";

const MI = 2 ** 20;

const statsOf = ({ metadata }: Pod, workingSet: number): SandboxStats => {
  const memory = { usage: workingSet, workingSet, rss: 0, pageFaults: 0, majorPageFaults: 0, limit: undefined };
  const usage = { at: 0, cpuNanos: 0n, memory, pids: 3 };
  const { name, namespace, uid = "" } = metadata;
  const web = { id: `${uid}-web`, name: "web", attempt: 0, startedAt: undefined, folder: "", usage };
  return {
    id: uid,
    metadata: { name, namespace, uid, attempt: 0 },
    createdAt: "",
    usage,
    link: undefined,
    containers: [web],
  };
};

function setUp(t: Test, thresholds: string, soft = "", folder = t.testdir()) {
  const world = makeWorld(folder);
  const { node, pods, runtime } = world;
  const seen = new Map<Signal, Observation>();
  const reclaimed: string[] = [];
  const settings = {
    ...node.settings.eviction,
    thresholds: [
      ...parseThresholds(thresholds),
      ...parseThresholds(soft, new Map([["memory.available", 30_000]] as const)),
    ],
    maxPodGraceSeconds: 7,
  };
  const grace = (seconds: number): void => void Object.assign(settings, { maxPodGraceSeconds: seconds });
  /** Pods whose disk can't be measured. */
  const broken = new Set<string>();
  /** Pods whose disk takes for ever to be measured. */
  const endless = new Set<string>();
  const evictions = new NodeEvictions({
    node,
    settings,
    meter: {
      measure: async (path) => {
        if ([...broken].some((uid) => path.includes(uid))) throw new Error("input/output error");
        if ([...endless].some((uid) => path.includes(uid))) return new Promise(() => undefined);
        return path.includes("/pods/") ? { usedBytes: 5 * MI, inodesUsed: 9 } : undefined;
      },
    },
    pods,
    pressure: node.pressure,
    observe: async () => new Map(seen),
    removeImages: async () => void reclaimed.push("images"),
  });
  const start = async (name: string, used: number, spec: object = {}): Promise<Pod> => {
    const pod = await pods.create(makePod(spec, { name }));
    await settle();
    runtime.usage.push(statsOf(pod, used));
    return pod;
  };
  const look = async (millis = 0): Promise<boolean> => {
    const looked = evictions.look();
    await world.timers.advance(millis);
    return looked;
  };
  const phases = () => pods.list().map(({ metadata, status }) => `${metadata.name} ${status.reason ?? status.phase}`);
  return { ...world, seen, look, start, phases, reclaimed, evictions, grace, broken, endless };
}

const asking = (memory: string) => ({
  containers: [{ name: "web", image: "podrun.local/base", resources: { requests: { memory } } }],
});

t.test("one pod at a time goes while memory is short: who is furthest above what he asked for", async (t) => {
  const { seen, look, start, phases, pods, node } = setUp(t, "memory.available<100Mi");
  await start("within", 90 * MI, asking("100Mi"));
  await start("above", 30 * MI, asking("10Mi"));
  await start("best-effort", 50 * MI);
  seen.set("memory.available", { available: 200 * MI, capacity: 1000 * MI });
  t.equal(await look(), false);
  t.equal(node.pressure.active.size, 0);
  seen.set("memory.available", { available: 50 * MI, capacity: 1000 * MI });
  t.equal(await look(), true);
  t.same(phases(), ["above Running", "best-effort Evicted", "within Running"]);
  const message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ";
  t.equal(
    pods.get("default", "best-effort").status.message,
    `${message}Container web was using 50Mi, request is 0, has larger consumption of memory. `,
  );
  t.match(pods.get("default", "best-effort").status.conditions?.at(-1), { type: "DisruptionTarget" });
  await look();
  t.same(phases(), ["above Evicted", "best-effort Evicted", "within Running"]);
  await look();
  t.equal(pods.get("default", "within").status.message, message);
  t.equal(await look(), false, "nobody is left");
});

t.test("static pods are spared", async (t) => {
  const { seen, look, start, phases, pods, runtime } = setUp(t, "memory.available<100Mi");
  const pod = await pods.create(makePod({}, { name: "static" }), { uid: "0123456789abcdef0123456789abcdef" });
  await settle();
  runtime.usage.push(statsOf(pod, 900 * MI));
  await start("small", MI);
  seen.set("memory.available", { available: 50 * MI, capacity: 1000 * MI });
  t.equal(await look(), true);
  t.equal(await look(), false);
  t.same(phases(), ["small Evicted", "static Running"]);
});

t.test("a soft threshold evicts when it was crossed for its grace period, with the grace that is given", async (t) => {
  const { seen, look, start, phases, timers, runtime } = setUp(t, "", "memory.available<100Mi");
  await start("web", 10 * MI);
  const short = { available: 50 * MI, capacity: 1000 * MI };
  seen.set("memory.available", short);
  await look();
  await timers.advance(20_000);
  seen.set("memory.available", { available: 500 * MI, capacity: 1000 * MI });
  await look();
  seen.set("memory.available", short);
  await timers.advance(20_000);
  await look();
  t.same(phases(), ["web Running"], "it had not been crossed all the time");
  await timers.advance(30_000);
  t.equal(await look(), true);
  t.same(phases(), ["web Evicted"]);
  t.ok(runtime.calls.includes("stopContainer web 7"));
});

t.test("a full disk is freed of what nobody needs first, and pods go only when that was not enough", async (t) => {
  const { seen, look, start, phases, reclaimed, pods, runtime } = setUp(t, "nodefs.available<10%");
  await start("done", MI, { restartPolicy: "Never" });
  runtime.exit("web", 0);
  await settle();
  await start("web", MI, { volumes: [{ name: "v", emptyDir: {} }] });
  const full = { available: 50 * MI, capacity: 1000 * MI };
  seen.set("nodefs.available", full);
  runtime.before = (call) => {
    if (call === "removeSandbox") seen.set("nodefs.available", { ...full, available: 200 * MI });
  };
  t.equal(await look(), false);
  t.same(reclaimed, ["images"]);
  t.same(phases(), ["done Succeeded", "web Running"]);
  runtime.before = () => undefined;
  seen.set("nodefs.available", full);
  t.equal(await look(), true);
  t.same(phases(), ["done Succeeded", "web Evicted"]);
  t.match(pods.get("default", "web").status.message, /^The node was low on resource: ephemeral-storage\. /);
});

t.test(
  "pressure keeps new pods away until the transition period is over: by memory only best-effort ones",
  async (t) => {
    const { seen, look, pods, timers, node, runtime } = setUp(t, "memory.available<100Mi,nodefs.available<10%");
    seen.set("memory.available", { available: 50 * MI, capacity: 1000 * MI });
    await look();
    t.match(node.pressure.conditions, [
      { type: "MemoryPressure", status: "True", reason: "KubeletHasInsufficientMemory" },
      { type: "DiskPressure", status: "False", message: "kubelet has no disk pressure" },
      { type: "PIDPressure", status: "False", lastTransitionTime: "2026-01-01T00:00:00Z" },
    ]);
    const told = pods.events().filter(({ involvedObject }) => involvedObject.kind === "Node");
    t.match(told, [
      { reason: "NodeHasInsufficientMemory", message: "Node node status is now: NodeHasInsufficientMemory" },
      { type: "Warning", reason: "EvictionThresholdMet", message: "Attempting to reclaim memory" },
    ]);
    await pods.create(makePod({}, { name: "best-effort" }));
    await pods.create(makePod(asking("1Mi"), { name: "burstable" }));
    await pods.create(makePod({ tolerations: [{ operator: "Exists" }] }, { name: "tolerant" }));
    await settle();
    t.same(
      pods.list().map(({ status }) => status.phase),
      ["Pending", "Running", "Running"],
    );
    t.match(pods.get("default", "best-effort").status.conditions, [
      {
        reason: "Unschedulable",
        message: "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/memory-pressure: }.",
      },
    ]);
    seen.set("memory.available", { available: 500 * MI, capacity: 1000 * MI });
    seen.set("nodefs.available", { available: 5, capacity: 100 });
    runtime.usage.length = 0;
    await timers.advance(299_000);
    await look();
    t.equal(pods.get("default", "best-effort").status.phase, "Pending");
    t.match(
      whyUnderPressure(makePod(asking("1Mi")), node.pressure.active),
      "untolerated taint {node.kubernetes.io/disk-pressure: }",
    );
    seen.clear();
    await timers.advance(300_000);
    await look();
    await settle();
    t.equal(node.pressure.active.size, 0);
    t.equal(pods.get("default", "best-effort").status.phase, "Running");
  },
);

const SHORT = { available: 50 * MI, capacity: 1000 * MI };

/** Calls of the runtime that begin so do not come back before the returned function is called. */
function hang({ runtime }: Pick<ReturnType<typeof makeWorld>, "runtime">, call: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  runtime.before = (text) => (text.startsWith(call) ? promise : undefined);
  return resolve;
}

t.test("a pod whose sidecar takes its time to end holds no eviction up", async (t) => {
  const world = setUp(t, "nodefs.available<10%");
  const { seen, look, start, phases, runtime } = world;
  const initContainers = [{ name: "side", image: "podrun.local/base", restartPolicy: "Always" }];
  await start("done", MI, { restartPolicy: "Never", terminationGracePeriodSeconds: 3600, initContainers });
  hang(world, "stopContainer side");
  runtime.exit("web", 0);
  await settle();
  await start("web", MI, { volumes: [{ name: "v", emptyDir: {} }] });
  seen.set("nodefs.available", SHORT);
  t.equal(await look(), true);
  t.same(phases(), ["done Running", "web Evicted"]);
});

t.test("remains that can't be removed hold evictions up for half a minute, not for ever", async (t) => {
  const world = setUp(t, "nodefs.available<10%");
  const { seen, look, start, phases, runtime } = world;
  await start("done", MI, { restartPolicy: "Never" });
  runtime.exit("web", 0);
  await settle();
  await start("web", MI, { volumes: [{ name: "v", emptyDir: {} }] });
  const { uid } = world.pods.get("default", "done").metadata;
  const never = new Promise<void>(() => undefined);
  const { removeSandbox } = runtime;
  runtime.removeSandbox = (id) => (id === uid ? never : removeSandbox.call(runtime, id));
  seen.set("nodefs.available", SHORT);
  t.equal(await look(30_000), true);
  t.same(phases(), ["done Succeeded", "web Evicted"]);
});

t.test(
  "a pod has one and a half times its grace to end, and half a minute at least, before another goes",
  async (t) => {
    for (const [own, seconds] of [
      [300, 180],
      [30, 45],
      [5, 30],
    ] as const) {
      const world = setUp(t, "", "memory.available<100Mi");
      const { seen, look, start, phases, grace, timers, evictions } = world;
      grace(120);
      await start("first", 90 * MI, { terminationGracePeriodSeconds: own });
      await start("second", 10 * MI, { terminationGracePeriodSeconds: own });
      hang(world, "stopContainer");
      seen.set("memory.available", SHORT);
      await look();
      await timers.advance(30_000);
      const looks: boolean[] = [];
      void evictions.look().then((again) => looks.push(again));
      await timers.advance(seconds * 1000 - 1);
      t.same(looks, [], `${own}`);
      await timers.advance(1);
      t.same(looks, [true], `${own}`);
      t.same(phases(), ["first Evicted", "second Running"]);
      void evictions.look();
      await timers.advance(0);
      t.same(phases(), ["first Evicted", "second Evicted"], "who does not end in time protects nobody");
    }
  },
);

t.test("while a pod that somebody else has evicted is ending no other one goes", async (t) => {
  const world = setUp(t, "memory.available<100Mi");
  const { seen, look, start, phases, pods, timers, evictions } = world;
  const first = await start("first", 90 * MI);
  await start("second", 10 * MI);
  hang(world, "stopContainer");
  void pods.evict(first, { message: "Too much. ", graceSeconds: 1, isDisrupted: false });
  seen.set("memory.available", SHORT);
  t.equal(await look(), false);
  await timers.advance(29_999);
  t.equal(await look(), false);
  t.same(phases(), ["first Evicted", "second Running"]);
  await timers.advance(1);
  void evictions.look();
  await timers.advance(0);
  t.same(phases(), ["first Evicted", "second Evicted"]);
});

t.test("a pod whose disk can't be measured stops no eviction: it is feared, so it goes first", async (t) => {
  const { seen, look, start, phases, broken, log } = setUp(t, "nodefs.available<10%");
  const spec = { volumes: [{ name: "v", emptyDir: {} }] };
  await start("sound", MI, spec);
  const { metadata } = await start("unknown", MI, spec);
  broken.add(metadata.uid);
  seen.set("nodefs.available", SHORT);
  t.equal(await look(), true);
  t.same(phases(), ["sound Running", "unknown Evicted"]);
  t.match(log.join(""), /can't be measured.*input\/output error/);
  t.equal(await look(), true);
  t.same(phases(), ["sound Evicted", "unknown Evicted"]);
});

t.test(
  "a pod whose disk takes for ever to be measured holds evictions up for half a minute: it goes first",
  async (t) => {
    const { seen, look, start, phases, endless, log } = setUp(t, "nodefs.available<10%");
    const spec = { volumes: [{ name: "v", emptyDir: {} }] };
    await start("small", MI, spec);
    const { metadata } = await start("unknown", MI, spec);
    endless.add(metadata.uid);
    seen.set("nodefs.available", SHORT);
    t.equal(await look(30_000), true);
    t.same(phases(), ["small Running", "unknown Evicted"]);
    t.match(log.join(""), /takes long to measure/);
    t.equal(await look(), true);
    t.same(phases(), ["small Evicted", "unknown Evicted"]);
  },
);
