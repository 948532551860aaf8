import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { makePod, makeWorld, settle, until } from "./fixtures.ts";

const TWO = {
  containers: [
    { name: "web", image: "podrun.local/base" },
    { name: "side", image: "podrun.local/base" },
  ],
};

t.test("create answers a recorded Pending pod, and the sandbox is under way by then", async (t) => {
  const { pods, runtime, store } = makeWorld(t.testdir());
  const pod = await pods.create(makePod());
  t.match(pod, {
    metadata: { name: "hello", uid: /^[0-9a-f-]{36}$/, resourceVersion: "1" },
    status: { phase: "Pending" },
  });
  t.equal(store.objects.size, 1);
  t.same(runtime.calls, ["runSandbox"]);
});

t.test(
  "containers start side by side once the sandbox is there, and the pod is Running with its addresses",
  async (t) => {
    const { pods, runtime, seen } = makeWorld(t.testdir());
    await pods.create(makePod(TWO));
    await settle();
    t.same(runtime.calls, [
      "runSandbox",
      "createContainer web/0",
      "createContainer side/0",
      "startContainer web",
      "startContainer side",
    ]);
    const { status } = pods.get("default", "hello");
    t.match(status, {
      phase: "Running",
      podIP: "10.77.0.2",
      podIPs: [{ ip: "10.77.0.2" }, { ip: "fd77::2" }],
      hostIP: "192.0.2.1",
      qosClass: "BestEffort",
      containerStatuses: [
        { name: "side", ready: true, started: true, restartCount: 0, imageID: "sha256:1", state: { running: {} } },
        { name: "web", ready: true, containerID: /^podrun:\/\/id-/ },
      ],
    });
    t.same(
      status.conditions?.map(({ type, status }) => [type, status]),
      [
        ["PodReadyToStartContainers", "True"],
        ["Initialized", "True"],
        ["Ready", "True"],
        ["ContainersReady", "True"],
        ["PodScheduled", "True"],
      ],
    );
    t.same(
      seen.map(({ type }) => type),
      ["ADDED", "MODIFIED"],
      "one write for the whole start",
    );
  },
);

t.test("a start leaves the kubelet's events", async (t) => {
  const { pods } = makeWorld(t.testdir());
  await pods.create(makePod());
  await settle();
  t.same(
    pods.events().map(({ reason }) => reason),
    ["Scheduled", "Pulled", "Created", "Started"],
  );
});

t.test("a second pod of the same name is refused, in another namespace it is not", async (t) => {
  const { pods } = makeWorld(t.testdir());
  await pods.create(makePod());
  await t.rejects(pods.create(makePod()), { code: "AlreadyExists" });
  await pods.create(makePod({}, { namespace: "other" }));
  t.equal(pods.list().length, 2);
  t.equal(pods.list({ namespace: "other" }).length, 1);
});

t.test("a dry run answers the pod and makes nothing", async (t) => {
  const { pods, runtime, store } = makeWorld(t.testdir());
  const pod = await pods.create(makePod(), { dryRun: true });
  await settle();
  t.equal(pod.status.phase, "Pending");
  t.same([runtime.calls.length, store.objects.size, pods.list().length], [0, 0, 0]);
});

t.test(
  "deletion records its time, stops all containers with the grace, removes everything and then the object",
  async (t) => {
    const root = t.testdir();
    const { pods, runtime, store, seen } = makeWorld(root);
    await pods.create(makePod({ ...TWO, volumes: [{ name: "data" }] }));
    await settle();
    const uid = pods.get("default", "hello").metadata.uid;
    writeFileSync(join(root, "pods", uid, "volumes/empty-dir/data/file"), "x");
    mkdirSync(join(root, "logs", `default_hello_${uid}`), { recursive: true });
    runtime.calls.length = 0;
    const answer = await pods.delete("default", "hello");
    t.match(answer.metadata, { deletionTimestamp: "2026-01-01T00:00:30Z", deletionGracePeriodSeconds: 30 });
    t.match([...store.objects.values()][0], /deletionTimestamp/);
    await until(() => pods.list().length === 0);
    t.same(runtime.calls, ["stopContainer web 30", "stopContainer side 30", "removeSandbox"]);
    t.equal(existsSync(join(root, "pods", uid)), false);
    t.equal(existsSync(join(root, "logs", `default_hello_${uid}`)), false);
    t.equal(store.objects.size, 0);
    t.equal(seen.at(-1)?.type, "DELETED");
    t.throws(() => pods.get("default", "hello"), { code: "NotFound" });
  },
);

t.test("deleting again with a shorter grace stops sooner, with a longer one changes nothing", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  await pods.create(makePod());
  await settle();
  const stopped = Promise.withResolvers<void>();
  runtime.before = (call) => (call === "stopContainer web 30" ? stopped.promise : undefined);
  runtime.calls.length = 0;
  await pods.delete("default", "hello");
  await settle();
  const longer = await pods.delete("default", "hello", { gracePeriodSeconds: 60 });
  t.equal(longer.metadata.deletionGracePeriodSeconds, 30);
  const shorter = await pods.delete("default", "hello", { gracePeriodSeconds: 1 });
  t.equal(shorter.metadata.deletionGracePeriodSeconds, 1);
  t.same(runtime.calls, ["stopContainer web 30", "stopContainer web 1"]);
  stopped.resolve();
  await until(() => pods.list().length === 0);
});

t.test("a pod that does not exist can't be deleted", async (t) => {
  const { pods } = makeWorld(t.testdir());
  await t.rejects(pods.delete("default", "nope"), { code: "NotFound", message: 'pods "nope" not found' });
});

for (const hanging of ["runSandbox", "startContainer web"]) {
  t.test(`a start that hangs at ${hanging} does not keep a pod from being deleted`, async (t) => {
    const { pods, runtime, timers } = makeWorld(t.testdir());
    const hang = Promise.withResolvers<void>();
    runtime.before = (call) => {
      if (call === hanging) return hang.promise;
      if (call === "stopSandbox") hang.reject(new PodrunError("Cancelled", "cancelled"));
    };
    await pods.create(makePod());
    await settle();
    await pods.delete("default", "hello");
    await timers.advance(1999);
    t.equal(pods.list().length, 1);
    await timers.advance(1);
    t.ok(runtime.calls.includes("stopSandbox"));
    await until(() => pods.list().length === 0);
  });
}

t.test("a removal that fails is told and tried again until it succeeds", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod());
  await settle();
  let failures = 2;
  runtime.before = (call) => {
    if (call === "removeSandbox" && failures-- > 0) throw new Error("EBUSY");
  };
  await pods.delete("default", "hello");
  await settle();
  t.match(pods.events().at(-1), { reason: "FailedKillPod", message: "error killing pod: EBUSY" });
  await timers.advance(1000);
  t.equal(pods.list().length, 1);
  await timers.advance(2000);
  await until(() => pods.list().length === 0);
});

t.test("labels and annotations are replaced; a field that may not change is refused", async (t) => {
  const { pods, seen } = makeWorld(t.testdir());
  await pods.create(makePod());
  await settle();
  await pods.replace(makePod({}, { labels: { a: "b" } }));
  t.same(pods.get("default", "hello").metadata.labels, { a: "b" });
  t.equal(seen.at(-1)?.type, "MODIFIED");
  await t.rejects(pods.replace(makePod({ hostname: "other" })), { code: "InvalidObject", message: /spec.hostname/ });
  const stale = makePod({}, { resourceVersion: "1" });
  await t.rejects(pods.replace(stale), { code: "Conflict" });
});

t.test("a changed image stops the container and starts it again with the new one", async (t) => {
  const { pods, runtime, images } = makeWorld(t.testdir());
  images.set("podrun.local/base:2", { ...images.get("podrun.local/base")!, id: "sha256:2" });
  await pods.create(makePod({ restartPolicy: "Never" }));
  await settle();
  runtime.calls.length = 0;
  // The policy of a pod that is there never changes.
  const imagePullPolicy = pods.get("default", "hello").spec.containers[0]?.imagePullPolicy;
  const containers = [{ name: "web", image: "podrun.local/base:2", imagePullPolicy }];
  await pods.replace(makePod({ restartPolicy: "Never", containers }));
  await settle();
  t.same(runtime.calls, ["stopContainer web 30", "removeContainer web", "createContainer web/1", "startContainer web"]);
  t.match(pods.get("default", "hello").status.containerStatuses, [
    { image: "podrun.local/base:2", imageID: "sha256:2" },
  ]);
});
