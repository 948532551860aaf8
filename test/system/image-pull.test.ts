// Pulls from a real registry into real layers, without a daemon.
import { execFileSync } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import t from "tap";
import type { PullProgress } from "../../src/image/types.ts";
import { openImages } from "./support/image-service.ts";
import { pushImage } from "./support/push.ts";
import { startRegistry } from "./support/registry.ts";

t.test("an image comes from a registry, and a second pull asks for no more than its digest", async (t) => {
  const registry = await startRegistry(t);
  const image = await pushImage(registry, {
    name: "team/app:1",
    layers: [[{ name: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n" }], [{ name: "hello", content: "world" }]],
    config: { Cmd: ["/hello"] },
  });
  const { images, left } = openImages(t);
  const told: PullProgress[] = [];
  const reference = `${registry.host}/team/app:1`;
  const pulled = await images.pull({ reference, tlsVerify: false, onProgress: (one) => told.push(one) });
  t.match(pulled, { id: image.id, reference, unchanged: false });
  const resolved = await images.resolve(reference);
  t.equal(readFileSync(join(resolved.layersFolder, resolved.layers[1] ?? "", "hello"), "utf8"), "world");
  t.equal(resolved.passwd, "root:x:0:0::/:/bin/sh\n");
  t.match(told[0], { type: "resolved", reference });
  t.same(left(), []);
  const before = registry.requests().length;
  t.match(await images.pull({ reference, tlsVerify: false }), { id: image.id, unchanged: true });
  t.same(
    registry
      .requests()
      .slice(before)
      .map(({ method }) => method),
    ["HEAD"],
  );
});

t.test("what was saved is read by skopeo in both formats and by podman load, and is the same image", async (t) => {
  const registry = await startRegistry(t);
  const image = await pushImage(registry, {
    name: "team/app:1",
    layers: [[{ name: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n" }], [{ name: "hello", content: "world" }]],
  });
  const { folder, images } = openImages(t);
  const reference = `${registry.host}/team/app:1`;
  await images.pull({ reference, tlsVerify: false });
  const file = join(folder, "saved.tar");
  await pipeline(await images.save([reference]), createWriteStream(file));
  for (const format of ["oci-archive", "docker-archive"]) {
    const to = join(folder, format);
    execFileSync("skopeo", ["copy", "-q", "--insecure-policy", `${format}:${file}`, `dir:${to}`]);
    const manifest = JSON.parse(readFileSync(join(to, "manifest.json"), "utf8"));
    t.equal(manifest.config.digest, image.id, format);
    t.same(
      manifest.layers.map(({ digest }: { digest: string }) => digest),
      image.diffIds,
    );
  }
  const podman = ["--root", join(folder, "podman"), "--runroot", join(folder, "podman-run"), "--storage-driver", "vfs"];
  t.match(execFileSync("podman", [...podman, "load", "-q", "-i", file], { encoding: "utf8" }), /team\/app:1/);
  const id = execFileSync("podman", [...podman, "inspect", "-f", "{{.Id}}", reference], { encoding: "utf8" }).trim();
  t.equal(`sha256:${id}`, image.id);
});
