import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { decodeKubeObject, type Secret } from "../../../src/spec/index.ts";
import { IMAGE, makePod, makeWorld, settle, until, type World } from "./fixtures.ts";

const image = (id: string) => ({ ...IMAGE, id });
const onePod = (container: object = {}, spec: object = {}, name = "hello") =>
  makePod({ containers: [{ name: "web", image: "nginx", ...container }], ...spec }, { name });
const statusOf = ({ pods }: World, name = "hello") => pods.get("default", name).status;
const waitingOf = (world: World, name?: string) => statusOf(world, name).containerStatuses?.[0]?.state.waiting;
/** Reasons and messages, oldest first, without those that every start has. */
const eventsOf = ({ pods }: World) =>
  pods
    .events()
    .filter(({ reason }) => !["Scheduled", "Created", "Started", "Killing"].includes(reason))
    .map(({ type, reason, message }) => [type, reason, message]);

/** A pull that waits until it is let go on. */
function gate(world: World): () => void {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  world.service.before = () => opened;
  return open;
}

t.test("an image that is here is not pulled with IfNotPresent, and the event says so", async (t) => {
  const world = makeWorld(t.testdir());
  world.images.set("nginx:1", image("sha256:c0"));
  world.service.digests.set("sha256:c0", ["quay.io/n@sha256:q", "docker.io/library/nginx@sha256:d0"]);
  await world.pods.create(onePod({ image: "nginx:1" }));
  await settle();
  t.match(statusOf(world), { phase: "Running" });
  t.match(statusOf(world).containerStatuses, [{ image: "nginx:1", imageID: "docker.io/library/nginx@sha256:d0" }]);
  t.equal(world.service.pulls.length, 0);
  t.same(world.service.held, [], "held only until the container is on record");
  t.same(eventsOf(world), [["Normal", "Pulled", 'Container image "nginx:1" already present on machine']]);
});

t.test("Always asks the registry although the image is here, and tells time and size", async (t) => {
  const world = makeWorld(t.testdir());
  world.images.set("nginx", image("sha256:old"));
  world.service.registry.set("nginx", image("sha256:new"));
  const open = gate(world);
  await world.pods.create(onePod());
  await settle();
  await world.timers.advance(1234);
  t.match(statusOf(world), { phase: "Pending" });
  t.match(waitingOf(world), { reason: "ContainerCreating" });
  open();
  await settle();
  t.match(statusOf(world), { phase: "Running" });
  t.match(statusOf(world).containerStatuses, [{ imageID: "docker.io/library/nginx@sha256:of-manifest" }]);
  t.equal(world.runtime.configs.containers[0]?.image.id, "sha256:new");
  t.same(eventsOf(world), [
    ["Normal", "Pulling", 'Pulling image "nginx"'],
    [
      "Normal",
      "Pulled",
      'Successfully pulled image "nginx" in 1.234s (1.234s including waiting). Image size: 1234 bytes.',
    ],
  ]);
  t.same(world.service.held, []);
});

t.test("with Always and no registry the container waits, though the image is here", async (t) => {
  const world = makeWorld(t.testdir());
  world.images.set("nginx", image("sha256:old"));
  await world.pods.create(onePod());
  await settle();
  t.match(waitingOf(world), { reason: "ErrImagePull", message: "no answer for nginx" });
  t.equal(world.runtime.configs.containers.length, 0);
});

t.test("what only this machine can have is never asked for, whatever the policy", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(onePod({ image: "podrun.local/base" }));
  await settle();
  t.match(statusOf(world), { phase: "Running" });
  t.equal(world.service.pulls.length, 0);
});

t.test(
  "a failed pull backs off twice as long each time, in the kubelet's words, and a success forgets it",
  async (t) => {
    const world = makeWorld(t.testdir());
    await world.pods.create(onePod({ image: "nginx:1" }));
    await settle();
    t.same(waitingOf(world), { reason: "ErrImagePull", message: "no answer for nginx:1" });
    await world.timers.advance(5000);
    t.same(waitingOf(world), {
      reason: "ImagePullBackOff",
      message: 'Back-off pulling image "nginx:1": ErrImagePull: no answer for nginx:1',
    });
    t.same(eventsOf(world), [
      ["Normal", "Pulling", 'Pulling image "nginx:1"'],
      ["Warning", "Failed", 'Failed to pull image "nginx:1": no answer for nginx:1'],
      ["Warning", "Failed", "Error: ErrImagePull"],
      ["Normal", "BackOff", 'Back-off pulling image "nginx:1"'],
      ["Warning", "Failed", "Error: ImagePullBackOff"],
    ]);
    await world.timers.advance(4999);
    t.equal(world.service.pulls.length, 1);
    await world.timers.advance(1);
    t.equal(world.service.pulls.length, 2, "after 10 s");
    await world.timers.advance(19_999);
    t.equal(world.service.pulls.length, 2);
    await world.timers.advance(1);
    t.equal(world.service.pulls.length, 3, "after 20 s more");
    await world.timers.advance(40_000 + 80_000 + 160_000 + 300_000 + 300_000);
    t.equal(world.service.pulls.length, 8, "never longer than 300 s");
    world.service.registry.set("nginx:1", image("sha256:n"));
    await world.timers.advance(300_000);
    t.match(statusOf(world), { phase: "Running" });
    world.images.delete("nginx:1");
    world.service.registry.delete("nginx:1");
    world.runtime.exit("web", 1);
    await settle();
    const count = world.service.pulls.length;
    await world.timers.advance(10_000);
    t.equal(world.service.pulls.length, count + 1, "the back-off begins anew");
  },
);

t.test("a crashed container with policy Always pulls again before it starts again", async (t) => {
  const world = makeWorld(t.testdir());
  world.service.registry.set("nginx", image("sha256:1"));
  await world.pods.create(onePod());
  await settle();
  world.service.registry.set("nginx", image("sha256:2"));
  world.runtime.exit("web", 1);
  await settle();
  t.equal(world.service.pulls.length, 2);
  t.same(
    world.runtime.configs.containers.map((config) => config.image.id),
    ["sha256:1", "sha256:2"],
  );
});

t.test("Never and no image: its own reason, and it starts when the image has come", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(onePod({ imagePullPolicy: "Never" }));
  await settle();
  const message = 'Container image "nginx" is not present with pull policy of Never';
  t.same(waitingOf(world), { reason: "ErrImageNeverPull", message });
  t.same(eventsOf(world), [
    ["Warning", "ErrImageNeverPull", message],
    ["Warning", "Failed", "Error: ErrImageNeverPull"],
  ]);
  world.images.set("nginx", image("sha256:n"));
  await world.timers.advance(10_000);
  t.match(statusOf(world), { phase: "Running" });
  t.equal(world.service.pulls.length, 0);
});

t.test("a name that is none waits as InvalidImageName and asks nobody", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(onePod({ image: "Nginx:" }));
  await settle();
  t.match(waitingOf(world), {
    reason: "InvalidImageName",
    message: /^Failed to apply default image tag "Nginx:": image "Nginx:": /,
  });
  t.match(eventsOf(world), [
    ["Warning", "InspectFailed", /^Failed to apply default image tag "Nginx:"/],
    ["Warning", "Failed", "Error: InvalidImageName"],
  ]);
  t.equal(world.service.pulls.length, 0);
});

t.test("a signature that the policy does not take has the kubelet's reason; a blocked registry has not", async (t) => {
  const world = makeWorld(t.testdir());
  world.service.before = ({ reference }) => {
    const details = reference === "blocked" ? { prefix: "docker.io" } : { scope: "docker.io" };
    throw new PodrunError("ImageRejected", "not signed", { details });
  };
  await world.pods.create(onePod());
  await world.pods.create(onePod({ image: "blocked" }, {}, "other"));
  await settle();
  t.same(waitingOf(world), {
    reason: "SignatureValidationFailed",
    message: "image pull failed for nginx because the signature validation failed: not signed",
  });
  t.match(waitingOf(world, "other"), { reason: "ErrImagePull" });
});

t.test("a container whose image is here does not wait for another one's pull, not even to start again", async (t) => {
  const world = makeWorld(t.testdir());
  gate(world);
  const containers = [
    { name: "quick", image: "podrun.local/base" },
    { name: "slow", image: "nginx" },
  ];
  await world.pods.create(makePod({ containers }));
  await settle();
  const states = () => statusOf(world).containerStatuses?.map(({ state }) => Object.keys(state)[0]);
  t.same(states(), ["running", "waiting"]);
  world.runtime.exit("quick", 1);
  await settle();
  t.same(states(), ["running", "waiting"]);
  t.equal(statusOf(world).containerStatuses?.[0]?.restartCount, 1);
  t.equal(world.service.pulls.length, 1, "the pull that goes on is not begun again");
});

t.test("two containers of one image that can't be pulled share one back-off", async (t) => {
  const world = makeWorld(t.testdir());
  const containers = ["a", "b"].map((name) => ({ name, image: "nginx:1" }));
  await world.pods.create(makePod({ containers }));
  await settle();
  t.equal(world.service.pulls.length, 2);
  await world.timers.advance(10_000);
  t.equal(world.service.pulls.length, 4, "10 s later, not 20");
  await world.timers.advance(19_999);
  t.equal(world.service.pulls.length, 4);
});

t.test("deleting a pod whose image is being pulled does not wait for the pull, and gives it up", async (t) => {
  const world = makeWorld(t.testdir());
  gate(world);
  await world.pods.create(onePod());
  await settle();
  await world.pods.delete("default", "hello");
  await until(() => world.pods.list().length === 0);
  t.equal(world.service.pulls[0]?.signal?.aborted, true);
  t.equal(eventsOf(world).length, 1, "a pull that was given up has not failed");
});

t.test("an image that comes when its pod is gone is not held for ever", async (t) => {
  const world = makeWorld(t.testdir());
  world.service.registry.set("nginx", image("sha256:n"));
  let came = false;
  const hold = world.service.hold.bind(world.service);
  world.service.hold = async (reference) => {
    await world.pods.delete("default", "hello");
    await until(() => world.pods.list().length === 0);
    const held = await hold(reference);
    came = true;
    return held;
  };
  await world.pods.create(onePod());
  await until(() => came);
  await settle();
  t.same(world.service.held, []);
});

t.test("a pod that is deleted while its container is about to start again begins no pull any more", async (t) => {
  const world = makeWorld(t.testdir());
  world.service.registry.set("nginx", image("sha256:n"));
  await world.pods.create(onePod());
  await settle();
  let goOn: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  world.runtime.before = (call) => (call.startsWith("removeContainer") ? gone : undefined);
  world.runtime.exit("web", 1);
  await settle();
  await world.pods.delete("default", "hello");
  goOn();
  await until(() => world.pods.list().length === 0);
  t.equal(world.service.pulls.length, 1);
});

t.test("an image that a pod is changed to while another is pulled takes its place", async (t) => {
  const world = makeWorld(t.testdir());
  world.service.registry.set("other:1", image("sha256:o"));
  world.service.before = ({ reference }) => (reference === "nginx" ? new Promise(() => undefined) : undefined);
  const pod = await world.pods.create(onePod());
  await settle();
  const [web] = pod.spec.containers;
  if (!web) throw new Error("no container");
  await world.pods.replace({
    ...pod,
    metadata: { ...pod.metadata, resourceVersion: "" },
    spec: { ...pod.spec, containers: [{ ...web, image: "other:1" }] },
  });
  await settle();
  t.match(statusOf(world), { phase: "Running" });
  t.equal(world.service.pulls[0]?.signal?.aborted, true);
});

const dockerSecret = (name: string, content: object, type = "kubernetes.io/dockerconfigjson"): Secret =>
  decodeKubeObject({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name },
    type,
    stringData: { [type.endsWith("cfg") ? ".dockercfg" : ".dockerconfigjson"]: JSON.stringify(content) },
  }) as Secret;

t.test(
  "imagePullSecrets go with the pull in the pod's order, both forms, and what is missing is an event",
  async (t) => {
    const world = makeWorld(t.testdir());
    world.service.registry.set("nginx", image("sha256:n"));
    const old = { "b.example": { auth: "b2xk" } };
    world.objects.set("Secret/default/new", dockerSecret("new", { auths: { "a.example": { auth: "bmV3" } } }));
    world.objects.set("Secret/default/old", dockerSecret("old", old, "kubernetes.io/dockercfg"));
    world.objects.set("Secret/default/opaque", { ...dockerSecret("opaque", {}), type: "Opaque" });
    world.objects.set("Secret/elsewhere/gone", dockerSecret("gone", { auths: {} }));
    const imagePullSecrets = ["new", "gone", "old", "lost", "opaque"].map((name) => ({ name }));
    await world.pods.create(onePod({}, { imagePullSecrets }));
    await settle();
    t.same(world.service.pulls[0]?.pullSecrets, [{ auths: { "a.example": { auth: "bmV3" } } }, { auths: old }]);
    t.match(statusOf(world), { phase: "Running" });
    t.same(eventsOf(world).slice(1, 3), [
      [
        "Warning",
        "FailedToRetrieveImagePullSecret",
        "Unable to retrieve some image pull secrets (gone, lost); attempting to pull the image may not succeed.",
      ],
      [
        "Warning",
        "FailedToRetrieveImagePullSecret",
        'Image pull secret "opaque" can\'t be used: its type is Opaque, not kubernetes.io/dockerconfigjson; attempting to pull the image may not succeed.',
      ],
    ]);
  },
);

t.test("a Secret that comes ends the back-off of the pods that name it, and of no others", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(onePod({}, { imagePullSecrets: [{ name: "key" }] }));
  await world.pods.create(onePod({}, {}, "other"));
  await settle();
  t.equal(world.service.pulls.length, 2);
  world.service.registry.set("nginx", image("sha256:n"));
  world.objects.set("Secret/default/key", dockerSecret("key", { auths: { a: { auth: "YTpi" } } }));
  const elsewhere = dockerSecret("key", {});
  elsewhere.metadata.namespace = "elsewhere";
  world.pods.objectChanged(dockerSecret("another", {}));
  world.pods.objectChanged(elsewhere);
  await settle();
  t.equal(world.service.pulls.length, 2);
  world.pods.objectChanged(dockerSecret("key", {}));
  await settle();
  t.equal(world.service.pulls.length, 3);
  t.match(statusOf(world), { phase: "Running" });
  t.match(statusOf(world, "other"), { phase: "Pending" });
});

t.test("another pod's end does not make pods ask their registry again", async (t) => {
  const world = makeWorld(t.testdir());
  await world.pods.create(onePod());
  await world.pods.create(onePod({ image: "podrun.local/base" }, {}, "other"));
  await settle();
  await world.pods.delete("default", "other", { gracePeriodSeconds: 0 });
  await until(() => world.pods.list().length === 1);
  await settle();
  t.equal(world.service.pulls.length, 1);
});

t.test("a plan of an image that is not here says what to pull, and pulls nothing", async (t) => {
  const world = makeWorld(t.testdir());
  await t.rejects(world.pods.plan([onePod()]), {
    code: "ImageNotFound",
    message: 'image "nginx" is not here, and a plan pulls nothing; run podrun pull nginx first',
  });
  t.equal(world.service.pulls.length, 0);
});
