// Images as volumes: one layer, several, and those that are not here.
import t, { type Test } from "tap";
import { busyboxLayer, layered } from "./support/images.ts";
import { makeManifest, startInstance, stateOf, until } from "./support/podrun.ts";
import { pushImage } from "./support/push.ts";
import { registryEnv, startRegistry } from "./support/registry.ts";

async function setUp(t: Test) {
  const registry = await startRegistry(t);
  const env = { ...registryEnv(t, [registry]), PODRUN_IMAGE_PULL_BACKOFF: "0.5", PODRUN_IMAGE_PULL_BACKOFF_MAX: "1" };
  return { registry, podrun: startInstance(t, { env }) };
}

const pod = (
  name: string,
  images: Readonly<Record<string, object>>,
  containers: readonly object[] = [{ name: "main" }],
) => {
  const volumes = Object.entries(images).map(([volume, image]) => ({ name: volume, image }));
  const volumeMounts = volumes.map((volume) => ({ name: volume.name, mountPath: `/${volume.name}` }));
  return makeManifest(
    name,
    containers.map((one) => ({ volumeMounts, ...one })),
    { volumes },
  );
};

t.test(
  "an image volume shows its layers as one, read-only and without anything to run, and keeps the image here",
  async (t) => {
    const { registry, podrun } = await setUp(t);
    const many = await pushImage(registry, { name: "many", ...layered(4) });
    const one = await pushImage(registry, { name: "one", layers: [busyboxLayer()] });
    const images = {
      many: { reference: many.reference },
      one: { reference: one.reference, pullPolicy: "IfNotPresent" },
      base: { reference: "podrun.local/base", pullPolicy: "Never" },
    };
    await podrun.start(pod("shows", images, [{ name: "main" }, { name: "side" }]));
    const see = (script: string) => podrun.ok("exec", "shows", "-c", "main", "--", "sh", "-c", script);
    t.equal(await see("cat /many/last; ls /many/layers"), "3\n1\n2\n3\n3-short\n");
    t.equal(await see("test -x /one/bin/busybox && ls /base/bin/busybox"), "/base/bin/busybox\n");
    for (const folder of ["many", "one", "base"]) {
      t.match(await see(`touch /${folder}/x 2>&1 || true`), /Read-only/);
      t.match(await see(`/${folder}/bin/busybox true 2>&1 || true`), /Permission denied/);
    }
    t.match(await podrun.podrun("rmi", many.reference), { code: 2, stderr: /shows/ });
    await podrun.ok("delete", "pod", "shows");
    await podrun.ok("rmi", many.reference);
  },
);

t.test(
  "an image that is not here keeps its container waiting with the kubelet's reasons, until it comes",
  async (t) => {
    const { registry, podrun } = await setUp(t);
    const reference = `${registry.host}/late:1`;
    await podrun.apply(pod("never", { v: { reference, pullPolicy: "Never" } }), pod("pulls", { v: { reference } }));
    const waits = (name: string, reason: string) =>
      podrun.untilPod(name, (one) => stateOf(one, "main").waiting?.reason === reason);
    await waits("never", "ErrImageNeverPull");
    await waits("pulls", "ErrImagePull");
    await waits("pulls", "ImagePullBackOff");
    await pushImage(registry, { name: "late:1", layers: [busyboxLayer()] });
    for (const name of ["pulls", "never"]) await podrun.untilPod(name, ({ status }) => status.phase === "Running");
    t.equal(await podrun.ok("exec", "pulls", "--", "ls", "/v/bin/busybox"), "/v/bin/busybox\n");
  },
);

t.test("with policy Always an image is asked for once a start, also while another one is waited for", async (t) => {
  const { registry, podrun } = await setUp(t);
  const here = await pushImage(registry, { name: "here:latest", layers: [busyboxLayer()] });
  const main = { name: "main", image: here.reference, imagePullPolicy: "Always" };
  const images = { a: { reference: here.reference, pullPolicy: "Always" }, b: { reference: `${registry.host}/b:1` } };
  await podrun.apply(pod("both", images, [main]));
  await podrun.untilPod("both", (one) => stateOf(one, "main").waiting?.reason === "ImagePullBackOff");
  const pulled = async () =>
    (await podrun.ok("describe", "pod", "both")).split("\n").filter((line) => / Pulled /.test(line));
  t.equal((await pulled()).length, 1);
  await pushImage(registry, { name: "b:1", layers: [busyboxLayer()] });
  await podrun.untilPod("both", ({ status }) => status.phase === "Running");
  await until(async () => (await pulled()).length === 3);
  t.notMatch((await pulled()).join("\n"), /\(x\d+ over/, "each of them once");
});

t.test(
  "a subPath of an image is a folder or a file of it, of one layer and of several; what it lacks is told",
  async (t) => {
    const { registry, podrun } = await setUp(t);
    t.match(await podrun.apply(pod("bad", { v: {} })), { code: 1, stderr: /image\.reference: required/ });
    const many = await pushImage(registry, { name: "many", ...layered(4) });
    const images = { many: { reference: many.reference }, one: { reference: "podrun.local/base" } };
    const part = (name: string, mountPath: string, subPath: string) => ({ name, mountPath, subPath });
    const parts = [part("many", "/l", "layers"), part("many", "/last", "last"), part("one", "/b", "bin")];
    await podrun.start(pod("parts", images, [{ name: "main", volumeMounts: parts }]));
    const see = (script: string) => podrun.ok("exec", "parts", "--", "sh", "-c", script);
    t.equal(
      await see("ls /l; cat /last; ls /b/busybox; wc -l < /proc/self/mountinfo > /dev/null"),
      "1\n2\n3\n3-short\n3\n/b/busybox\n",
    );
    t.match(await see("touch /l/x 2>&1 || true; /b/busybox true 2>&1 || true"), /Read-only.*Permission denied/s);
    await podrun.apply(pod("lacks", images, [{ name: "main", volumeMounts: [part("many", "/l", "none")] }]));
    await until(async () => /none.*ENOENT/.test(await podrun.ok("events", "--for=pod/lacks")));
  },
);
