// Images that go out of podrun into others' hands and come back are the same.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { imageNames } from "./support/bad-images.ts";
import { everything } from "./support/every-entry.ts";
import { busyboxLayer, layered } from "./support/images.ts";
import { Podman } from "./support/podman.ts";
import { type Instance, makeManifest, startInstance } from "./support/podrun.ts";
import { type Compression, type ImageFormat, pushImage } from "./support/push.ts";
import { registryEnv, startRegistry } from "./support/registry.ts";

async function setUp(t: Test) {
  const registry = await startRegistry(t);
  const podrun = startInstance(t, { env: registryEnv(t, [registry]) });
  const folder = mkdtempSync(join(tmpdir(), "podrun-round-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const skopeo = (...args: readonly string[]) =>
    execFileSync("skopeo", args, { env: { ...process.env, TMPDIR: folder } });
  return { registry, podrun, skopeo, file: (name: string) => join(folder, name) };
}

const idOf = async (podrun: Instance, reference: string): Promise<string> =>
  (JSON.parse(await podrun.ok("inspect-image", reference)) as { Id: string }[])[0]?.Id ?? "";

const KINDS: readonly (readonly [ImageFormat, Compression])[] = [
  ["oci", "gzip"],
  ["oci", "zstd"],
  ["docker", "gzip"],
  ["docker", "none"],
];

for (const [format, compression] of KINDS)
  t.test(
    `an image (${format}, ${compression}) saved by podrun is the same for podman, for skopeo and for podrun`,
    async (t) => {
      const { registry, podrun, skopeo, file } = await setUp(t);
      const image = await pushImage(registry, { name: "saved:1", ...everything(), format, compression });
      await podrun.ok("pull", image.reference);
      await podrun.ok("save", "-o", file("saved.tar"), image.reference);
      const podman = new Podman(t);
      t.match(podman.run("load", "-i", file("saved.tar")), image.reference, "podman load");
      t.equal(podman.run("image", "inspect", "--format", "{{.Id}}", image.reference), image.id.slice(7), "podman's id");
      skopeo(
        "copy",
        "--insecure-policy",
        "--dest-tls-verify=false",
        `docker-archive:${file("saved.tar")}`,
        `docker://${registry.host}/back:1`,
      );
      const config = skopeo("inspect", "--config", "--raw", "--tls-verify=false", `docker://${registry.host}/back:1`);
      t.same(JSON.parse(String(config)).rootfs.diff_ids, image.diffIds, "skopeo reads the same layers");
      await podrun.ok("rmi", image.reference);
      await podrun.ok("load", "-i", file("saved.tar"));
      t.equal(await idOf(podrun, image.reference), image.id, "podrun load");
      t.same(await imageNames(podrun), [image.reference]);
    },
  );

t.test("an image that podman saved, in each format, is loaded and runs", async (t) => {
  const { registry, podrun, file } = await setUp(t);
  const image = await pushImage(registry, { name: "theirs:1", ...layered(5) });
  const podman = new Podman(t);
  podman.pull(image.reference);
  for (const format of ["docker-archive", "oci-archive", "oci-dir", "docker-dir"]) {
    podman.run("save", "--format", format, "-o", file(format), image.reference);
    // The last one has no name in it.
    await podrun.ok("load", "-i", file(format), "--name", image.reference);
    const names = await imageNames(podrun);
    t.same(names, [image.reference], format);
    t.equal(await idOf(podrun, image.reference), image.id, format);
    await podrun.start(
      makeManifest("loaded", [{ name: "main", image: image.reference, command: ["sleep", "100000"] }]),
    );
    t.equal(await podrun.ok("exec", "loaded", "--", "cat", "/last"), "4\n");
    await podrun.ok("delete", "pod", "loaded");
    await podrun.ok("rmi", image.reference);
  }
});

t.test(
  "a layout that skopeo copied from a registry is loaded; a compressed archive, too, also from standard input",
  async (t) => {
    const { registry, podrun, skopeo, file } = await setUp(t);
    const image = await pushImage(registry, { name: "copied:1", ...layered(3), compression: "zstd" });
    skopeo(
      "copy",
      "--insecure-policy",
      "--src-tls-verify=false",
      `docker://${image.reference}`,
      `oci:${file("layout")}:${image.reference}`,
    );
    execFileSync("tar", ["-C", file("layout"), "-cf", file("layout.tar"), "."]);
    await podrun.ok("load", "-i", file("layout.tar"));
    t.equal(await idOf(podrun, image.reference), image.id);
    await podrun.ok("save", "-o", file("a.tar"), image.reference);
    await podrun.ok("rmi", image.reference);
    execFileSync("gzip", [file("a.tar")]);
    await podrun.ok("load", "-i", file("a.tar.gz"));
    t.equal(await idOf(podrun, image.reference), image.id, "gzip");
  },
);

t.test("an image saved as a folder is the same for podman, for skopeo and for podrun", async (t) => {
  const { registry, podrun, skopeo, file } = await setUp(t);
  const image = await pushImage(registry, { name: "folder:1", ...layered(3) });
  const index = await pushImage(registry, { name: "other:1", ...layered(2) });
  await podrun.ok("pull", image.reference, index.reference);
  const podman = new Podman(t);
  await podrun.ok("save", "--format", "oci-dir", "-o", file("oci"), image.reference, index.reference);
  await podrun.ok("save", "--format", "docker-dir", "-o", file("dir"), image.reference);
  const config = (source: string) => JSON.parse(String(skopeo("inspect", "--config", "--raw", source)));
  t.same(config(`oci:${file("oci")}:${image.reference}`).rootfs.diff_ids, image.diffIds);
  t.same(config(`dir:${file("dir")}`).rootfs.diff_ids, image.diffIds);
  // A copy, for inspect does not read layers.
  skopeo("copy", "-q", "--insecure-policy", `dir:${file("dir")}`, `dir:${file("copy")}`);
  t.match(podman.run("load", "-i", file("dir")), /Loaded image/);
  t.match(podman.run("images", "--no-trunc", "--quiet"), image.id);
  await podrun.ok("rmi", image.reference, index.reference);
  await podrun.ok("load", "-i", file("oci"));
  t.same([...(await imageNames(podrun))].sort(), [image.reference, index.reference].sort());
  await podrun.ok("rmi", image.reference, index.reference);
  t.equal(await podrun.ok("load", "-i", file("copy")), `Loaded image: ${image.id}\n`, "it has no name");
  t.equal(await idOf(podrun, image.id), image.id);
  await podrun.ok("rmi", image.id);
  const blob = join(file("copy"), image.blobs[0]?.digest.slice(7) ?? "");
  writeFileSync(blob, String(readFileSync(blob)).replace("2020", "2021"));
  t.match(await podrun.podrun("load", "-i", file("copy")), { code: 1, stderr: /is damaged \(it hashes to/ });
  t.same(await imageNames(podrun), []);
});

t.test("an archive of two images that share layers holds those once", async (t) => {
  const { registry, podrun, file } = await setUp(t);
  const [a, b] = [
    await pushImage(registry, { name: "a:1", layers: [busyboxLayer()], config: { Cmd: ["a"] } }),
    await pushImage(registry, { name: "b:1", layers: [busyboxLayer()], config: { Cmd: ["b"] } }),
  ];
  await podrun.ok("pull", a.reference);
  await podrun.ok("pull", b.reference);
  await podrun.ok("save", "-o", file("both.tar"), a.reference, b.reference);
  t.ok(statSync(file("both.tar")).size < 1.5 * busyboxLayer().length, "one copy of the layer");
  await podrun.ok("rmi", a.reference, b.reference);
  await podrun.ok("load", "-i", file("both.tar"));
  t.same([...(await imageNames(podrun))].sort(), [a.reference, b.reference].sort());
});

t.test("a root file system that podman exported is imported, with changes, and runs", async (t) => {
  const { registry, podrun, file } = await setUp(t);
  const image = await pushImage(registry, { name: "rootfs:1", layers: [busyboxLayer()] });
  const podman = new Podman(t);
  podman.pull(image.reference);
  execFileSync("tar", ["-C", podman.mount(image.reference), "-cf", file("root.tar"), "."]);
  t.ok(readFileSync(file("root.tar")).length > 1e6);
  await podrun.ok(
    "import",
    "--change",
    "ENV WHO=imported",
    "--change",
    'CMD ["/bin/sleep", "100000"]',
    file("root.tar"),
    "mine:1",
  );
  await podrun.start(
    makeManifest("mine", [
      { name: "main", image: "mine:1", command: ["/bin/sleep", "100000"], imagePullPolicy: "Never" },
    ]),
  );
  t.match(await podrun.ok("exec", "mine", "--", "/bin/env"), /WHO=imported/);
});
