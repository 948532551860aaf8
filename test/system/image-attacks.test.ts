// Layers that want to reach the host, pulled by the daemon from a registry that serves them.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ATTACKS } from "./support/attacks.ts";
import { expectNothingLeft, expectRefusal, imageFolders, setUpBadImages } from "./support/bad-images.ts";
import { busyboxLayer } from "./support/images.ts";
import { makeManifest, startInstance } from "./support/podrun.ts";
import { pushImage } from "./support/push.ts";
import { registryEnv, startRegistry } from "./support/registry.ts";
import { rawTar, TYPE } from "./support/tar.ts";
import { listTree } from "./support/tree.ts";

t.test("a layer reaches nothing of the host, whatever its entries say", async (t) => {
  const test = await setUpBadImages(t);
  const { registry, podrun, host } = test;
  for (const [index, { name, entries, refused }] of ATTACKS.entries())
    await t.test(name, async (t) => {
      const layers = [busyboxLayer(), rawTar(entries(host.bait))];
      const image = await registry.image(`attack-${index}`, { layers });
      if (refused !== undefined) {
        const { stderr } = await expectRefusal(t, test, { ...image, layer: image.blobs[2]?.digest }, refused);
        t.comment(stderr.trim());
        return;
      }
      await podrun.ok("pull", image.reference);
      t.same(host.changes(), [], "the host is untouched");
      await podrun.ok("rmi", image.reference);
      t.same(host.changes(), [], "nor does the removal of the image touch the host");
      await expectNothingLeft(t, podrun, image.reference);
    });
  await podrun.ok("image", "prune", "--force");
  t.same(
    Object.entries(imageFolders(podrun)).filter(([, names]) => names.length > 0),
    [],
    "after a prune no layer is left",
  );
});

t.test("attributes that overlay obeys are not taken from an archive", async (t) => {
  const { registry, podrun, host } = await setUpBadImages(t);
  const attack = ATTACKS.find(({ name }) => name.startsWith("attributes of overlay"));
  const image = await registry.image("xattrs", { layers: [rawTar(attack?.entries(host.bait) ?? [])] });
  await podrun.ok("pull", image.reference);
  for (const folder of imageFolders(podrun)["layers"] ?? []) {
    const tree = listTree(join(podrun.config.root, "images/layers", folder));
    t.same(
      [...tree.values()].filter(({ xattrs }) => xattrs !== undefined),
      [],
      "neither trusted.overlay nor user.overlay",
    );
  }
  await podrun.ok("rmi", image.reference);
});

t.test(
  "a container cannot open the device nodes of its image, nor gain by a set-id file what it may not",
  async (t) => {
    const registry = await startRegistry(t);
    const podrun = startInstance(t, { env: registryEnv(t, [registry]) });
    const nodes = [
      { name: "nodes/" },
      { name: "nodes/mem", type: TYPE.char, major: 1, minor: 1, mode: 0o666 },
      { name: "nodes/kmsg", type: TYPE.char, major: 1, minor: 11, mode: 0o666 },
      { name: "nodes/disk", type: TYPE.block, major: 254, minor: 0, mode: 0o666 },
    ];
    const { reference } = await pushImage(registry, { name: "nodes", layers: [busyboxLayer(), rawTar(nodes)] });
    await podrun.start(makeManifest("nodes", [{ name: "main", image: reference, command: ["/bin/sleep", "100000"] }]));
    for (const { name } of nodes.slice(1)) {
      const { code, stderr } = await podrun.podrun("exec", "nodes", "--", "/bin/head", "-c", "1", `/${name}`);
      t.not(code, 0, name);
      t.match(stderr, /not permitted|denied/i, name);
    }
  },
);

t.test("nobody but root comes to an image's set-id files on the host", async (t) => {
  const { registry, podrun } = await setUpBadImages(t);
  const layer = rawTar([{ name: "suid", content: "#!/bin/sh\n", mode: 0o4755 }]);
  const image = await registry.image("suid", { layers: [layer] });
  await podrun.ok("pull", image.reference);
  const images = join(podrun.config.root, "images");
  const program = `import os; os.setgid(65534); os.setuid(65534); os.listdir(${JSON.stringify(images)})`;
  const { spawnSync } = await import("node:child_process");
  t.match(spawnSync("python3", ["-c", program], { encoding: "utf8" }).stderr, /PermissionError/);
  t.ok(readdirSync(images).length > 0, "root does");
  await podrun.ok("rmi", image.reference);
});
