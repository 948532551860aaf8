// What is fetched once: by many pods of one image, by images that share layers; and what goes on side by side.
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { HostileRegistry } from "./support/hostile-registry.ts";
import { busyboxLayer } from "./support/images.ts";
import { makeManifest, startInstance, until } from "./support/podrun.ts";
import { pushImage } from "./support/push.ts";
import { registryEnv, startRegistry } from "./support/registry.ts";
import { rawTar } from "./support/tar.ts";

const layer = (name: string): Buffer => rawTar([{ name, content: randomBytes(50_000) }]);
const pod = (name: string, image: string, policy = "Always") =>
  makeManifest(name, [{ name: "main", image, imagePullPolicy: policy, command: ["/bin/sleep", "100000"] }]);

async function setUp(t: Test) {
  const registry = await startRegistry(t);
  return { registry, podrun: startInstance(t, { env: registryEnv(t, [registry]) }) };
}

t.test("fifty pods of one image fetch each of its blobs once", async (t) => {
  const { registry, podrun } = await setUp(t);
  const image = await pushImage(registry, { name: "fifty", layers: [busyboxLayer(), layer("a"), layer("b")] });
  await podrun.start(...Array.from({ length: 50 }, (_, index) => pod(`pod-${index}`, image.reference)));
  t.same(Object.fromEntries(registry.blobsSent()), Object.fromEntries(image.blobs.map(({ digest }) => [digest, 1])));
});

t.test("images that share layers fetch those once, also when they are pulled at the same time", async (t) => {
  const { registry, podrun } = await setUp(t);
  const [base, shared] = [busyboxLayer(), layer("shared")];
  const images = await Promise.all(
    ["x", "y", "z"].map((name) => pushImage(registry, { name, layers: [base, shared, layer(name)] })),
  );
  await Promise.all(images.map(({ reference }) => podrun.ok("pull", reference)));
  t.ok(
    [...registry.blobsSent().values()].every((times) => times === 1),
    "no blob twice",
  );
  t.equal(registry.blobsSent().size, 2 + 3 + 3, "two shared layers, three of their own, three configs");
  await podrun.ok("rmi", images[0]?.reference ?? "", images[1]?.reference ?? "");
  await podrun.start(pod("last", images[2]?.reference ?? "", "Never"));
  t.equal(
    await podrun.ok("exec", "last", "--", "/bin/ls", "/shared"),
    "/shared\n",
    "a removal leaves what others have",
  );
});

t.test("a layer that one image has twice is fetched once, and both count", async (t) => {
  const { registry, podrun } = await setUp(t);
  const [again, hide] = [rawTar([{ name: "again", content: "there" }]), rawTar([{ name: ".wh.again" }])];
  const image = await pushImage(registry, { name: "twice", layers: [busyboxLayer(), again, hide, again] });
  await podrun.start(pod("twice", image.reference));
  t.equal(await podrun.ok("exec", "twice", "--", "/bin/cat", "/again"), "there");
  t.ok([...registry.blobsSent().values()].every((times) => times === 1));
});

t.test("a second pull fetches nothing but the manifest", async (t) => {
  const { registry, podrun } = await setUp(t);
  const image = await pushImage(registry, { name: "second", layers: [busyboxLayer()] });
  await podrun.ok("pull", image.reference);
  await podrun.ok("pull", image.reference);
  t.ok([...registry.blobsSent().values()].every((times) => times === 1));
});

t.test("an image whose registry does not go on does not hold up another", async (t) => {
  const slow = await HostileRegistry.start(t);
  const { registry, podrun } = await (async () => {
    const registry = await startRegistry(t);
    return { registry, podrun: startInstance(t, { env: registryEnv(t, [registry, slow]) }) };
  })();
  const waiting = await slow.image("slow", { layers: [busyboxLayer(), layer("slow")] });
  const quick = await pushImage(registry, { name: "quick", layers: [busyboxLayer(), layer("quick")] });
  const held: (() => void)[] = [];
  slow.misbehave(/GET .*blobs/, (_request, response, content) => {
    held.push(() => response.writeHead(200, { "content-length": content?.length ?? 0 }).end(content));
    return true;
  });
  const pull = podrun.podrun("pull", waiting.reference);
  await until(async () => held.length > 0);
  await podrun.ok("pull", quick.reference);
  slow.behave();
  for (const release of held) release();
  t.match(await pull, { code: 0 });
});
