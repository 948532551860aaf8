// The daemon is killed in the middle of pulls, unpacking and removals: never is there half an image.
import { randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { imageFolders, imageNames } from "./support/bad-images.ts";
import { busyboxLayer } from "./support/images.ts";
import { type Instance, isAlive, makeManifest, startInstance, until } from "./support/podrun.ts";
import { type ImageParts, pushImage } from "./support/push.ts";
import { registryEnv, startRegistry } from "./support/registry.ts";
import { rawTar } from "./support/tar.ts";

/** Moments of a pull, in their order (src/base/fault.ts). */
const PULL = [
  "image.resolved",
  "image.layer-unpacked",
  "image.unpacked",
  "image.skeleton-published",
  "image.published",
  "image.recorded",
];

const layer = (name: string, size: number): Buffer => rawTar([{ name, content: randomBytes(size) }]);
const parts = (size = 200_000): ImageParts => ({
  layers: [busyboxLayer(), ...["one", "two", "three"].map((name) => layer(name, size))],
  config: { Cmd: ["sleep", "100000"], Env: ["PATH=/bin"] },
});

async function setUp(t: Test, image: ImageParts) {
  const registry = await startRegistry(t);
  const podrun = startInstance(t, { faults: true, env: registryEnv(t, [registry]) });
  await podrun.pods();
  return { registry, podrun, ...(await pushImage(registry, { name: "victim:1", ...image })) };
}

/** Runs a command in whose course the daemon comes to the step and is killed there. */
async function killAt(podrun: Instance, fault: string, command: () => Promise<unknown>): Promise<void> {
  await podrun.pods();
  const pid = podrun.daemonPid() as number;
  podrun.fault(`${fault}:kill`);
  const done = command().catch(() => undefined);
  await until(
    async () => !isAlive(pid),
    30_000,
    () => `(the daemon did not come to ${fault})`,
  );
  podrun.fault("");
  await done;
}

/** The image is there, and a container of it has every layer; or it is not there, and no part of it is. */
async function expectWholeOrNone(t: Test, podrun: Instance, reference: string, when: string): Promise<void> {
  if ((await imageNames(podrun)).includes(reference)) {
    await podrun.start(makeManifest("whole", [{ name: "main", image: reference, command: ["sleep", "100000"] }]));
    t.match(await podrun.ok("exec", "whole", "--", "ls", "/"), /one.*three.*two/s, `${when}: whole`);
    await podrun.ok("delete", "pod", "whole");
  }
  t.equal(await podrun.findings(), "", `${when}: system check finds nothing`);
}

/** Nothing is below ROOT/images, but for what podrun has with it. */
async function expectNothing(t: Test, podrun: Instance, when: string): Promise<void> {
  await podrun.ok("image", "prune", "--all", "--force");
  const { tmp = [], layers = [], skeletons = [] } = imageFolders(podrun);
  t.same({ tmp, layers, skeletons }, { tmp: [], layers: [], skeletons: [] }, `${when}: a prune leaves nothing`);
}

for (const fault of [...PULL, "image.layer-unpacked#3"])
  t.test(
    `after SIGKILL at ${fault} there is the whole image or nothing, and the next pull makes it whole`,
    async (t) => {
      const { podrun, reference } = await setUp(t, parts());
      await killAt(podrun, fault, () => podrun.podrun("pull", reference));
      await expectWholeOrNone(t, podrun, reference, "after the kill");
      t.same(imageFolders(podrun)["tmp"] ?? [], [], "the next daemon has removed what was half made");
      await podrun.ok("pull", reference);
      t.ok((await imageNames(podrun)).includes(reference));
      await expectWholeOrNone(t, podrun, reference, "after the second pull");
      await podrun.ok("rmi", reference);
      await expectNothing(t, podrun, "at the end");
    },
  );

t.test("after SIGKILL in the middle of a removal the image is whole or gone, and no layer stays", async (t) => {
  const { podrun, reference } = await setUp(t, parts());
  await podrun.ok("pull", reference);
  await killAt(podrun, "image.removed", () => podrun.podrun("rmi", reference));
  await expectWholeOrNone(t, podrun, reference, "after the kill");
  await podrun.podrun("rmi", reference);
  await expectNothing(t, podrun, "at the end");
});

t.test("eight kills at random moments of a pull leave whole images or none", async (t) => {
  const { registry, podrun } = await setUp(t, parts());
  const references: string[] = [];
  for (let kill = 0; kill < 8; kill++) {
    const { reference } = await pushImage(registry, { name: `random-${kill}:1`, ...parts(4_000_000) });
    references.push(reference);
    const pull = podrun.podrun("pull", reference);
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 500));
    await podrun.killDaemon();
    await pull;
  }
  for (const reference of references) await expectWholeOrNone(t, podrun, reference, reference);
  const last = references.at(-1) ?? "";
  await podrun.ok("pull", last);
  await expectWholeOrNone(t, podrun, last, "pulled again");
  await expectNothing(t, podrun, "at the end");
});

t.test("a pod that waits for its image gets it from the next daemon", async (t) => {
  const { podrun, reference } = await setUp(t, parts());
  const pod = makeManifest("waiting", [{ name: "main", image: reference, command: ["sleep", "100000"] }]);
  await killAt(podrun, "image.layer-unpacked", () => podrun.apply(pod));
  await podrun.start(pod);
  t.match(await podrun.ok("exec", "waiting", "--", "ls", "/"), /three/);
});
