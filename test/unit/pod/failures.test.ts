import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { IMAGE, makePod, makeWorld, settle, until } from "./fixtures.ts";

const statusOf = (pods: ReturnType<typeof makeWorld>["pods"]) => pods.get("default", "hello").status;

t.test("a sandbox that can't be made leaves the pod Pending with an event, and is tried again", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  let failures = 1;
  runtime.before = (call) => {
    if (call === "runSandbox" && failures-- > 0) throw new PodrunError("AddressesExhausted", "all addresses are taken");
  };
  await pods.create(makePod());
  await settle();
  t.equal(statusOf(pods).phase, "Pending");
  t.match(pods.events().at(-1), {
    type: "Warning",
    reason: "FailedCreatePodSandBox",
    message: "Failed to create pod sandbox: all addresses are taken",
  });
  await timers.advance(1000);
  t.equal(statusOf(pods).phase, "Running");
});

t.test("a pod that waits for an address tries again as soon as another pod is gone", async (t) => {
  const { pods, runtime, timers } = makeWorld(t.testdir());
  await pods.create(makePod({}, { name: "first" }));
  await settle();
  runtime.before = (call) => {
    if (call === "runSandbox" && runtime.sandboxes.size > 0) throw new PodrunError("AddressesExhausted", "taken");
  };
  await pods.create(makePod());
  await settle();
  t.equal(statusOf(pods).phase, "Pending");
  await pods.delete("default", "first", { gracePeriodSeconds: 0 });
  await until(() => pods.list().length === 1);
  await timers.advance(0);
  t.equal(statusOf(pods).phase, "Running");
});

t.test("a missing image waits with the kubelet's reasons and starts when it has come", async (t) => {
  const { pods, images, timers } = makeWorld(t.testdir());
  await pods.create(makePod({ containers: [{ name: "web", image: "nope:1" }] }));
  await settle();
  t.match(statusOf(pods).containerStatuses, [
    { state: { waiting: { reason: "ErrImagePull", message: /no answer for nope:1/ } } },
  ]);
  await timers.advance(5000);
  t.match(statusOf(pods).containerStatuses, [{ state: { waiting: { reason: "ImagePullBackOff" } } }]);
  images.set("nope:1", IMAGE);
  pods.retry();
  await settle();
  t.equal(statusOf(pods).phase, "Running");
});

t.test("imagePullPolicy Never has its own reason", async (t) => {
  const { pods } = makeWorld(t.testdir());
  await pods.create(makePod({ containers: [{ name: "web", image: "nope:1", imagePullPolicy: "Never" }] }));
  await settle();
  t.match(statusOf(pods).containerStatuses, [
    {
      state: {
        waiting: {
          reason: "ErrImageNeverPull",
          message: 'Container image "nope:1" is not present with pull policy of Never',
        },
      },
    },
  ]);
});

t.test("one container's failure does not keep its sibling from running", async (t) => {
  const { pods } = makeWorld(t.testdir());
  const containers = [
    { name: "web", image: "podrun.local/base" },
    { name: "bad", image: "nope:1" },
  ];
  await pods.create(makePod({ containers }));
  await settle();
  t.match(statusOf(pods), {
    phase: "Pending",
    containerStatuses: [
      { name: "bad", state: { waiting: { reason: "ErrImagePull" } } },
      { name: "web", state: { running: {} } },
    ],
  });
});

t.test("a user that the image does not have is a configuration error", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  runtime.before = (call) => {
    if (call.startsWith("createContainer")) throw new PodrunError("InvalidObject", 'user "nope" is not in the image');
  };
  await pods.create(makePod());
  await settle();
  t.match(statusOf(pods).containerStatuses, [
    { state: { waiting: { reason: "CreateContainerConfigError", message: 'user "nope" is not in the image' } } },
  ]);
});

t.test("a command that is not there: Never ends as StartError 128 and the pod Failed", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  runtime.before = (call) => {
    if (call.startsWith("startContainer")) throw new PodrunError("CommandNotFound", 'command "nope" not found');
  };
  await pods.create(makePod({ restartPolicy: "Never" }));
  await settle();
  t.match(statusOf(pods), {
    phase: "Failed",
    containerStatuses: [
      { state: { terminated: { exitCode: 128, reason: "StartError", message: 'command "nope" not found' } } },
    ],
  });
  t.ok(
    pods.events().some(({ reason, message }) => reason === "Failed" && message === 'Error: command "nope" not found'),
  );
});

t.test("a command that is not there: Always backs off, and the last state says why", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  runtime.before = (call) => {
    if (call.startsWith("startContainer")) throw new PodrunError("CommandNotFound", 'command "nope" not found');
  };
  await pods.create(makePod());
  await settle();
  t.match(statusOf(pods), {
    phase: "Running",
    containerStatuses: [
      {
        restartCount: 1,
        state: { waiting: { reason: "CrashLoopBackOff" } },
        lastState: { terminated: { exitCode: 128, reason: "StartError" } },
      },
    ],
  });
});

t.test("a hostPath that is not what its type says keeps the pod waiting with FailedMount", async (t) => {
  const { pods, runtime } = makeWorld(t.testdir());
  const volumes = [{ name: "data", hostPath: { path: "/dev/null", type: "Directory" } }];
  await pods.create(makePod({ volumes }));
  await settle();
  t.same(runtime.calls, []);
  t.match(pods.events().at(-1), {
    reason: "FailedMount",
    message: /hostPath type check failed: \/dev\/null is not a directory/,
  });
});

t.test("a store that refuses to write makes create fail and leaves no pod", async (t) => {
  const { pods, store, runtime } = makeWorld(t.testdir());
  store.put = () => {
    throw new PodrunError("StateUnavailable", "the disk is full");
  };
  await t.rejects(pods.create(makePod()), { code: "StateUnavailable" });
  t.equal(pods.list().length, 0);
  t.same(runtime.calls, []);
});

t.test("a status that can't be written is shown and logged, and the pod goes on", async (t) => {
  const { pods, store, log } = makeWorld(t.testdir());
  const put = store.put;
  await pods.create(makePod());
  store.put = () => {
    throw new PodrunError("StateUnavailable", "the disk is full");
  };
  await settle();
  t.equal(statusOf(pods).phase, "Running");
  t.match(log.join(""), /status can't be recorded/);
  store.put = put;
});

t.test("a pod whose object can't be removed stays, and is removed as soon as it can be", async (t) => {
  const { pods, store, timers } = makeWorld(t.testdir());
  await pods.create(makePod());
  await settle();
  const remove = store.delete;
  store.delete = () => {
    throw new Error("database or disk is full");
  };
  await pods.delete("default", "hello", { gracePeriodSeconds: 0 });
  await until(() => pods.events().at(-1)?.reason === "FailedKillPod");
  t.match(pods.events().at(-1)?.message, "database or disk is full");
  t.equal(pods.list().length, 1);
  store.delete = remove;
  // The folders' removal goes through threads: time must not pass before it is under way again.
  await settle();
  await timers.advance(1000);
  await until(() => pods.list().length === 0);
});
