// Imports that end in the middle: by SIGKILL at each named step, by a full file system, by one that is read-only.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type ImageRecord, Images } from "../../src/image/index.ts";
import { Database } from "../../src/store/database.ts";
import { ImageTable } from "../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../src/store/schema.ts";
import { layout, noRegistry, scratch, writeArchive } from "../unit/image/fixtures.ts";
import { packer } from "../unit/image/packer.ts";

const BINARY = join(import.meta.dirname, "../../dist/podrun-monitor");

const source = (path: string) => JSON.stringify(join(import.meta.dirname, "../../src", path));

const open = (state: string, root: string) => {
  const records = new ImageTable<ImageRecord>(new Database(join(state, "state.db"), "full", STATE_MIGRATIONS));
  return { records, images: new Images({ root, records, packer, registry: noRegistry }) };
};

const importProgram = (folder: string, archive: string) => `
  import { Images } from ${source("image/index.ts")};
  import { Database } from ${source("store/database.ts")};
  import { ImageTable } from ${source("store/images.ts")};
  import { STATE_MIGRATIONS } from ${source("store/schema.ts")};
  import { PlanLayerPacker } from ${source("sandbox/layer-packer.ts")};
  const packer = new PlanLayerPacker({ binary: ${JSON.stringify(BINARY)} });
  const records = new ImageTable(new Database(${JSON.stringify(join(folder, "state.db"))}, "full", STATE_MIGRATIONS));
  await new Images({ root: ${JSON.stringify(folder)}, records, packer, registry: {} }).load(${JSON.stringify(archive)});`;

for (const step of ["image.layer-unpacked", "image.unpacked", "image.skeleton-published", "image.published"]) {
  t.test(
    `after SIGKILL at ${step} there is no image, nothing is left after a prune, and the import can be done`,
    async (t) => {
      const folder = scratch(t);
      const archive = await writeArchive(join(folder, "a.tar"), await layout());
      const { signal } = spawnSync(process.execPath, ["--input-type=module", "-e", importProgram(folder, archive)], {
        env: { ...process.env, PODRUN_FAULT: `${step}:kill` },
        stdio: ["ignore", "inherit", "inherit"],
      });
      t.equal(signal, "SIGKILL");
      const { images } = open(folder, folder);
      t.same(images.list(), []);
      t.ok((await images.recover()).length > 0, "the killed import did leave something");
      for (const name of ["tmp", "layers"]) t.same(readdirSync(join(folder, "images", name)), []);
      await images.load(archive);
      t.ok(await images.resolve("test.local/app:1"));
      t.same(await images.recover(), []);
    },
  );
}

function mounted(t: { teardown(clean: () => void): void }, folder: string, options: string): string {
  const root = join(folder, "root");
  mkdirSync(root);
  execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", root]);
  t.teardown(() => execFileSync("umount", ["-l", root]));
  return root;
}

t.test("a full file system is named, and what was written there is gone again", async (t) => {
  const folder = scratch(t);
  const root = mounted(t, folder, "size=256k");
  const files = await layout({
    format: "tar",
    layers: [
      [{ name: "big", content: Buffer.alloc(100_000, "x") }],
      [{ name: "b2", content: Buffer.alloc(100_000, "y") }],
    ],
  });
  const archive = await writeArchive(join(folder, "a.tar"), files);
  const { images } = open(folder, root);
  await t.rejects(images.load(archive), { code: "StateUnavailable", message: /file system is full/ });
  t.same(images.list(), []);
  t.same(readdirSync(join(root, "images/tmp")), []);
  execFileSync("mount", ["-o", "remount,size=4m", root]);
  await images.load(archive);
  t.equal(images.list()[0]?.size, 200_000);
});

t.test("a read-only state folder is named", async (t) => {
  const folder = scratch(t);
  const root = mounted(t, folder, "size=1m");
  const archive = await writeArchive(join(folder, "a.tar"), await layout());
  writeFileSync(join(root, "x"), "");
  execFileSync("mount", ["-o", "remount,ro", root]);
  await t.rejects(open(folder, root).images.load(archive), { code: "StateUnavailable", message: /read-only/ });
});
