// Pulls of whole images from a real registry, and containers that run them. Needs nothing but docker-registry: CI runs it in
// the VM too, for unpacking and overlay are the kernel's.
import t from "tap";
import { imageNames } from "./support/bad-images.ts";
import { busyboxLayer, layered } from "./support/images.ts";
import { isReady, makeManifest, startInstance } from "./support/podrun.ts";
import { pushImage, pushIndex } from "./support/push.ts";
import { registryEnv, startRegistry } from "./support/registry.ts";
import { rawTar, TYPE } from "./support/tar.ts";

for (const count of [1, 40, 120])
  t.test(`an image of ${count} layers is pulled, and a container sees them merged`, async (t) => {
    const registry = await startRegistry(t);
    const podrun = startInstance(t, { env: registryEnv(t, [registry]) });
    const { reference } = await pushImage(registry, { name: "layers", ...layered(count) });
    await podrun.apply(makeManifest("layers", [{ name: "main", image: reference, command: ["sleep", "100000"] }]));
    // A process for each layer: in an emulated VM that is a minute.
    await podrun.untilPod("layers", isReady, 60_000 * Number(process.env["PODRUN_TEST_SLOWNESS"] ?? 1));
    const script = "ls /layers 2>/dev/null | grep -vc short; cat /last 2>/dev/null";
    const { stdout } = await podrun.podrun("exec", "layers", "--", "sh", "-c", script);
    t.equal(stdout, count === 1 ? "0\n" : `${count - 1}\n${count - 1}\n`);
  });

t.test("whiteouts and opaque folders of one layer hide what lies below, and no more", async (t) => {
  const registry = await startRegistry(t);
  const podrun = startInstance(t, { env: registryEnv(t, [registry]) });
  const lower = ["d/", "d/old", "d/kept", "o/", "o/old", "o/deep/", "o/deep/old", "f", "g/", "g/old"].map((name) => ({
    name,
  }));
  const upper = [
    ...["d/.wh.old", "o/.wh..wh..opq", "o/new", "f/", "f/in"].map((name) => ({ name })),
    { name: "g", type: TYPE.symlink, link: "d" },
  ];
  const layers = [busyboxLayer(), rawTar(lower), rawTar(upper)];
  const { reference } = await pushImage(registry, { name: "whiteouts", layers });
  await podrun.start(makeManifest("w", [{ name: "main", image: reference, command: ["/bin/sleep", "100000"] }]));
  const found = await podrun.ok("exec", "w", "--", "/bin/find", "/d", "/o", "/f", "/g");
  t.same(found.trim().split("\n").sort(), ["/d", "/d/kept", "/f", "/f/in", "/g", "/o", "/o/new"]);
});

t.test("of an index the image for this machine is taken, or the one that is asked for", async (t) => {
  const registry = await startRegistry(t);
  const podrun = startInstance(t, { env: registryEnv(t, [registry]) });
  for (const format of ["oci", "docker"] as const) {
    const layers = (content: string) => [busyboxLayer(), rawTar([{ name: "which", content }])];
    const images = [
      { layers: layers("arm/v7"), architecture: "arm", variant: "v7", format },
      { layers: layers("ours"), format },
      { layers: layers("s390x"), architecture: "s390x", format },
    ];
    const {
      reference,
      digest,
      images: built,
    } = await pushIndex(registry, { name: `many-${format}:1`, images, format });
    await podrun.start(makeManifest(format, [{ name: "main", image: reference, command: ["/bin/sleep", "100000"] }]));
    t.equal(await podrun.ok("exec", format, "--", "/bin/cat", "/which"), "ours");
    const [inspected] = JSON.parse(await podrun.ok("inspect-image", reference)) as {
      Id: string;
      RepoDigests: string[];
    }[];
    t.match(inspected, { Id: built[1]?.id, RepoDigests: [`${reference.replace(/:1$/, "")}@${digest}`] });
    await podrun.ok("delete", "pod", format);
    await podrun.ok("rmi", "--force", built[1]?.id ?? "");
    const byDigest = `${registry.host}/many-${format}@${digest}`;
    await podrun.ok("pull", byDigest);
    t.same(await imageNames(podrun), [], "pulled by digest it has no tag");
    await podrun.ok("rmi", byDigest);
  }
});

t.test("over TLS, with a password, an image is pulled after login, and not after logout", async (t) => {
  const account = { user: "me", password: "Pä55 word" };
  const registry = await startRegistry(t, {
    tls: process.env["PODRUN_TEST_SLOWNESS"] === undefined,
    ...vmHasNoHtpasswd(account),
  });
  const podrun = startInstance(t, { env: registryEnv(t, [registry]) });
  const { reference } = await pushImage(registry, { name: "private", layers: [busyboxLayer()] });
  if (registry.password !== undefined) {
    t.match(await podrun.podrun("pull", reference), { code: 1, stderr: /401|login/ });
    const wrong = await podrun.run(["login", "-u", "me", "--password-stdin", registry.host], { input: "wrong" });
    t.match(wrong, { code: 1 });
    const login = ["login", "-u", account.user, "--password-stdin", registry.host];
    t.match(await podrun.run(login, { input: account.password }), { code: 0 });
  }
  await podrun.ok("pull", reference);
  await podrun.ok("rmi", reference);
  if (registry.password === undefined) return;
  await podrun.ok("logout", registry.host);
  t.match(await podrun.podrun("pull", reference), { code: 1, stderr: /401|login/ });
});

/** The VM has neither openssl nor htpasswd. */
function vmHasNoHtpasswd(password: { user: string; password: string }) {
  return process.env["PODRUN_TEST_SLOWNESS"] === undefined ? { password } : {};
}
