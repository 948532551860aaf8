import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import type { Pods } from "../../../src/pod/pods.ts";
import type { Pod } from "../../../src/spec/index.ts";
import { makePod, makeWorld, settle } from "./fixtures.ts";

const having = (cpu: string, memory = "64Mi", more: object = {}) => ({
  name: "web",
  image: "podrun.local/base",
  resources: { requests: { cpu, memory: "16Mi" }, limits: { cpu: "2", memory } },
  ...more,
});
const podOf = (container: object, name = "hello", spec: object = {}): Pod =>
  makePod({ containers: [container], ...spec }, { name });

const resize = (pods: Pods, name: string, container: object, spec: object = {}) => {
  const { metadata } = pods.get("default", name);
  return pods.replace({ ...podOf(container, name, spec), metadata }, { resize: true });
};
const conditionOf = (pods: Pods, type: string, name = "hello") =>
  pods.get("default", name).status.conditions?.find((one) => one.type === type);
const statusOf = (pods: Pods, name = "hello") => pods.get("default", name).status.containerStatuses?.[0];
const resizes = (calls: readonly string[]) => calls.filter((call) => call.startsWith("resize"));
const reasons = (pods: Pods) => pods.events().map(({ reason }) => reason);

t.test("what there is room for is written at once, told in the status, and counted as one generation", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(podOf(having("100m")));
  await settle();
  t.match(statusOf(pods), {
    allocatedResources: { cpu: "100m", memory: "16Mi" },
    resources: { requests: { cpu: "100m", memory: "16Mi" }, limits: { cpu: "2", memory: "64Mi" } },
  });
  await resize(pods, "hello", having("300m", "96Mi"));
  await timers.advance(100);
  t.equal(pods.get("default", "hello").metadata.generation, 2);
  t.match(statusOf(pods), {
    restartCount: 0,
    allocatedResources: { cpu: "300m" },
    resources: { requests: { cpu: "300m" }, limits: { memory: "96Mi" } },
  });
  t.equal(resizes(runtime.calls).length, 1);
  t.same(conditionOf(pods, "PodResizeInProgress"), undefined);
  const event = pods.events().find(({ reason }) => reason === "ResizeCompleted");
  t.match(
    event?.message,
    /^Pod resize completed: \{"containers":\[\{"name":"web","resources":\{.*"cpu":"300m".*\}\}\],"generation":2\}$/,
  );
});

t.test(
  "without room it is deferred, and done when another pod gives its own back; more than the node has never",
  async (t) => {
    const { pods, runtime, timers } = makeWorld(t.testdir());
    await pods.create(podOf({ ...having("1500m"), name: "big" }, "big"));
    await pods.create(podOf(having("100m")));
    await settle();
    const asked = await resize(pods, "hello", having("1"));
    t.match(
      asked.status.conditions?.find(({ type }) => type === "PodResizePending"),
      {
        status: "True",
        reason: "Deferred",
        message: "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000",
        observedGeneration: 2,
      },
    );
    await timers.advance(100);
    t.match(statusOf(pods), { allocatedResources: { cpu: "100m" }, resources: { requests: { cpu: "100m" } } });
    t.same(resizes(runtime.calls), [], "nothing is written");
    // A new run of it has what the pod has been given.
    runtime.exit("web", 1);
    await timers.advance(100);
    t.match(runtime.configs.containers.at(-1)?.resources, { cpuRequestMillis: 100 });
    // What a deferred resize waits for is not given to a new pod.
    await pods.create(podOf(having("300m"), "late"));
    t.equal(conditionOf(pods, "PodScheduled", "late")?.status, "False");
    await pods.delete("default", "late", { gracePeriodSeconds: 0 });
    await pods.delete("default", "big", { gracePeriodSeconds: 0 });
    while (conditionOf(pods, "PodResizePending")) await timers.advance(1);
    await timers.advance(100);
    t.match(statusOf(pods), { allocatedResources: { cpu: "1" }, resources: { requests: { cpu: "1" } } });
    t.match(
      await resize(pods, "hello", {
        ...having("1"),
        resources: { requests: { cpu: "9", memory: "16Mi" }, limits: { cpu: "9", memory: "64Mi" } },
      }),
      {
        status: {
          conditions: [
            {},
            {},
            {},
            {},
            {},
            {
              type: "PodResizePending",
              reason: "Infeasible",
              message: /enough capacity: cpu, requested: 9000, capacity: 2000/,
            },
          ],
        },
      },
    );
    await timers.advance(100);
    t.match(statusOf(pods), { allocatedResources: { cpu: "1" } });
    await resize(pods, "hello", having("1"));
    t.same(conditionOf(pods, "PodResizePending"), undefined, "taken back");
    const told = reasons(pods);
    for (const reason of ["ResizeDeferred", "ResizeInfeasible", "ResizeStarted", "ResizeCompleted"])
      t.ok(told.includes(reason), reason);
  },
);

t.test("a deferred resize is taken up by the next daemon", async (t) => {
  const { pods, timers, reborn } = makeWorld(t.testdir());
  await pods.create(podOf({ ...having("1500m"), name: "big" }, "big"));
  await pods.create(podOf(having("100m")));
  await settle();
  await resize(pods, "hello", having("1"));
  await timers.advance(100);
  pods.stop();
  const next = reborn();
  next.recover();
  await timers.advance(100);
  t.match(statusOf(next), { allocatedResources: { cpu: "100m" } });
  t.equal(conditionOf(next, "PodResizePending")?.reason, "Deferred");
  await resize(next, "big", { ...having("500m"), name: "big" });
  await timers.advance(100);
  t.match(statusOf(next), { allocatedResources: { cpu: "1" } }, "another one's smaller resize makes room");
});

t.test(
  "with RestartContainer the container starts again, with the limits and whatever its restart policy",
  async (t) => {
    const { pods, runtime, timers } = makeWorld(t.testdir());
    const more = { resizePolicy: [{ resourceName: "memory", restartPolicy: "RestartContainer" }] };
    const spec = { restartPolicy: "OnFailure" };
    await pods.create(podOf(having("100m", "64Mi", more), "hello", spec));
    await settle();
    await resize(pods, "hello", having("300m", "64Mi", more), spec);
    await timers.advance(100);
    t.equal(statusOf(pods)?.restartCount, 0, "cpu needs none");
    runtime.before = (call) => {
      if (call.startsWith("stopContainer")) runtime.exit("web", 0);
    };
    await resize(pods, "hello", having("300m", "32Mi", more), spec);
    await timers.advance(100);
    t.match(statusOf(pods), { restartCount: 1, state: { running: {} }, resources: { limits: { memory: "32Mi" } } });
    t.equal(pods.get("default", "hello").status.phase, "Running");
    t.match(runtime.configs.containers.at(-1)?.resources, { memoryLimitBytes: 32 * 2 ** 20 });
    const limits = resizes(runtime.calls).map((call) => /"memoryLimitBytes":(\d+)/.exec(call)?.[1]);
    t.same(limits, [`${64 * 2 ** 20}`, `${32 * 2 ** 20}`], "the pod is made smaller when its container is");
    t.match(
      pods
        .events()
        .map(({ message }) => message)
        .join("\n"),
      /Container web resize requires restart/,
    );
    t.same(conditionOf(pods, "PodResizeInProgress"), undefined);
  },
);

t.test("a restart for a resize is finished by the next daemon", async (t) => {
  const { pods, runtime, timers, reborn } = makeWorld(t.testdir());
  const more = { resizePolicy: [{ resourceName: "memory", restartPolicy: "RestartContainer" }] };
  const spec = { restartPolicy: "OnFailure" };
  await pods.create(podOf(having("100m", "64Mi", more), "hello", spec));
  await settle();
  runtime.before = (call) => {
    if (!call.startsWith("stopContainer")) return;
    pods.stop();
    runtime.exit("web", 0);
  };
  await resize(pods, "hello", having("100m", "32Mi", more), spec);
  await timers.advance(100);
  const next = reborn();
  next.recover();
  await timers.advance(100);
  t.match(statusOf(next), { restartCount: 1, state: { running: {} }, resources: { limits: { memory: "32Mi" } } });
});

t.test("what can't be written is said, and tried again until it can", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(podOf(having("100m")));
  await settle();
  let refuse = true;
  runtime.before = (call) => {
    if (refuse && call.startsWith("resize")) throw new PodrunError("MemoryInUse", "attempting to set …");
  };
  await resize(pods, "hello", having("100m", "32Mi"));
  await timers.advance(100);
  t.match(conditionOf(pods, "PodResizeInProgress"), {
    status: "True",
    reason: "Error",
    message: "attempting to set …",
  });
  t.match(statusOf(pods), { resources: { limits: { memory: "64Mi" } } }, "what is in force is told");
  await timers.advance(10_000);
  t.equal(pods.events().filter(({ reason }) => reason === "ResizeError").length, 1, "said once");
  refuse = false;
  await timers.advance(60_000);
  t.same(conditionOf(pods, "PodResizeInProgress"), undefined);
  t.match(statusOf(pods), { resources: { limits: { memory: "32Mi" } } });
});

t.test("a pod without a place takes other resources as they are, and one of a file can't", async (t) => {
  const { pods } = makeWorld(t.testdir());
  await pods.create(podOf({ ...having("1500m"), name: "big" }, "big"));
  await pods.create(podOf(having("1")));
  await settle();
  t.match(conditionOf(pods, "PodScheduled"), { status: "False" });
  await resize(pods, "hello", having("300m"));
  await settle();
  t.match(conditionOf(pods, "PodScheduled"), { status: "True" });
  t.match(statusOf(pods), { allocatedResources: { cpu: "300m" } });
  await pods.create(podOf(having("10m"), "file"), { uid: "0".repeat(32) });
  const answer = await resize(pods, "file", having("20m"));
  t.match(answer.status.conditions?.at(-1), { reason: "Infeasible", message: /static-pods is not supported/ });
});

t.test("watchers hear of a change before they hear of what it brings about", async (t) => {
  const { pods, seen } = makeWorld(t.testdir());
  await pods.create(podOf({ ...having("1500m"), name: "big" }, "big"));
  await pods.create(podOf(having("1")));
  await settle();
  seen.length = 0;
  await resize(pods, "hello", having("300m"));
  await pods.delete("default", "hello", { gracePeriodSeconds: 0 });
  const versions = seen.map(({ object }) => Number(object.metadata.resourceVersion));
  t.same(
    versions,
    [...versions].sort((a, b) => a - b),
  );
  t.ok(seen.length > 2, "its new place and its deletion are more than one change each");
});

t.test("what a smaller resize has not taken yet is given to nobody, and then to who waits for it", async (t) => {
  const { pods, runtime, timers, reborn } = makeWorld(t.testdir());
  await pods.create(podOf({ ...having("1500m"), name: "big" }, "big"));
  await pods.create(podOf(having("100m")));
  await settle();
  let refuse = true;
  runtime.before = (call) => {
    if (refuse && call.startsWith("resize")) throw new PodrunError("MemoryInUse", "attempting to set …");
  };
  await resize(pods, "big", { ...having("200m"), name: "big" });
  await pods.create(podOf(having("600m"), "new"));
  const asked = await resize(pods, "hello", having("1"));
  t.match(asked.status.conditions?.at(-1), { reason: "Deferred", message: /requested: 1000, used: 1500,/ });
  await timers.advance(100);
  t.equal(conditionOf(pods, "PodScheduled", "new")?.status, "False");
  t.match(conditionOf(pods, "PodResizeInProgress", "big"), { reason: "Error" });
  t.same(resizes(runtime.calls).length, 1, "the other one's is not tried");
  await pods.delete("default", "hello", { gracePeriodSeconds: 0 });
  await timers.advance(100);
  pods.stop();
  const next = reborn();
  next.recover();
  await timers.advance(100);
  t.equal(conditionOf(next, "PodScheduled", "new")?.status, "False", "nor by the next daemon");
  refuse = false;
  await timers.advance(60_000);
  t.match(statusOf(next, "big"), { resources: { requests: { cpu: "200m" } } });
  t.equal(conditionOf(next, "PodScheduled", "new")?.status, "True", "nobody else's change woke it");
});

t.test("who asks for what it still has is not held against others", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(podOf(having("1500m")));
  await settle();
  runtime.before = (call) => {
    if (call.startsWith("resize")) throw new PodrunError("MemoryInUse", "attempting to set …");
  };
  await resize(pods, "hello", having("200m"));
  await timers.advance(100);
  await pods.create(podOf(having("500m"), "small"));
  t.equal(conditionOf(pods, "PodScheduled", "small")?.status, "True");
  t.match(await resize(pods, "hello", having("1600m")), {
    status: { conditions: [{}, {}, {}, {}, {}, {}, { reason: "Deferred" }] },
  });
  await resize(pods, "hello", having("1500m"));
  t.same(conditionOf(pods, "PodResizePending"), undefined);
});
