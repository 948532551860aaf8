// Pulls from a real registry into real layers, without a daemon.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { type ImageRecord, Images } from "../../src/image/index.ts";
import { openRegistries } from "../../src/image/registry/index.ts";
import type { PullProgress } from "../../src/image/types.ts";
import { PlanLayerPacker } from "../../src/sandbox/layer-packer.ts";
import { Database } from "../../src/store/database.ts";
import { ImageTable } from "../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../src/store/schema.ts";
import { pushImage } from "./support/push.ts";
import { startRegistry } from "./support/registry.ts";

const BINARY = join(import.meta.dirname, "../../dist/podrun-monitor");

function setup(t: { teardown(clean: () => void): void }) {
  const folder = mkdtempSync(join(tmpdir(), "podrun-pull-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const home = join(folder, "home");
  mkdirSync(home);
  const policy = join(folder, "policy.json");
  writeFileSync(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }));
  const place = { home, env: { PODRUN_POLICY: policy }, etc: join(folder, "etc"), run: join(folder, "run"), uid: 0 };
  const records = new ImageTable<ImageRecord>(new Database(join(folder, "state.db"), "full", STATE_MIGRATIONS));
  const images = new Images({
    root: join(folder, "root"),
    records,
    packer: new PlanLayerPacker({ binary: BINARY }),
    registry: openRegistries({ place }),
  });
  const left = () => readdirSync(join(folder, "root/images/tmp"));
  return { folder, images, records, left };
}

t.test("an image comes from a registry, and a second pull asks for no more than its digest", async (t) => {
  const registry = await startRegistry(t);
  const image = await pushImage(registry, {
    name: "team/app:1",
    layers: [[{ name: "etc/passwd", content: "root:x:0:0::/:/bin/sh\n" }], [{ name: "hello", content: "world" }]],
    config: { Cmd: ["/hello"] },
  });
  const { folder, images, left } = setup(t);
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
  const file = join(folder, "saved.tar");
  await (await import("node:stream/promises")).pipeline(
    await images.save([reference]),
    (await import("node:fs")).createWriteStream(file),
  );
  execFileSync("skopeo", ["copy", "-q", "--insecure-policy", `oci-archive:${file}`, `dir:${join(folder, "dir")}`], {
    stdio: "inherit",
  });
  execFileSync("skopeo", ["copy", "-q", "--insecure-policy", `docker-archive:${file}`, `dir:${join(folder, "dir2")}`], {
    stdio: "inherit",
  });
});
