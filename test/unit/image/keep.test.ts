// Images that are here: tagging, removing, pruning, collecting, saving and importing.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import t from "tap";
import { ManualClock } from "../../../src/base/clock.ts";
import { applyChanges } from "../../../src/image/changes.ts";
import { ImageCollector } from "../../../src/image/collect.ts";
import { machineArchitecture } from "../../../src/image/config.ts";
import { Images } from "../../../src/image/images.ts";
import type { ImageRecord } from "../../../src/image/types.ts";
import { Database } from "../../../src/store/database.ts";
import { ImageTable } from "../../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { digest, layout, noRegistry, scratch, tar, writeFolder } from "./fixtures.ts";
import { packer } from "./packer.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function setup(t: { teardown(clean: () => void): void }) {
  const folder = scratch(t);
  const records = new ImageTable<ImageRecord>(new Database(join(folder, "state.db"), "full", STATE_MIGRATIONS));
  const used = new Set<string>();
  const clock = new ManualClock(NOW);
  const usedBy = (id: string) => (used.has(id) ? [{ container: "web", pod: "default/shop" }] : []);
  const images = new Images({ root: folder, records, packer, registry: noRegistry, usedBy, clock });
  const load = async (name: string, content = name) => {
    const files = await layout({ name, layers: [[{ name: "same", content: "same" }], [{ name: "own", content }]] });
    await images.load(Readable.from([await tar([...files].map(([path, bytes]) => ({ name: path, content: bytes })))]));
    return (await images.inspect(name)).Id;
  };
  const layers = () => readdirSync(join(folder, "images/layers"));
  return { folder, records, images, used, clock, load, layers };
}

t.test("the last name takes the image with it, and an id does so when there is one name", async (t) => {
  const { images, load, layers } = setup(t);
  const id = await load("t.test/a:1");
  await images.tag("t.test/a:1", "t.test/b:2");
  const removed = await images.remove("t.test/b:2");
  t.same([removed.untagged, removed.deleted], [["t.test/b:2"], []]);
  await images.tag(id.slice(7, 15), "t.test/c:3");
  await t.rejects(images.remove(id.slice(7, 15)), { code: "Conflict", message: /several names.*--force/ });
  t.same((await images.remove(id.slice(7, 15), { force: true })).deleted, [id]);
  t.same(layers(), []);
  await t.rejects(images.remove("t.test/a:1"), { code: "ImageNotFound" });
});

t.test("an image in use is never removed, by force neither, but its other names are", async (t) => {
  const { images, load, used } = setup(t);
  const id = await load("t.test/a:1");
  await images.tag("t.test/a:1", "t.test/b:2");
  used.add(id);
  t.same((await images.remove("t.test/b:2")).untagged, ["t.test/b:2"]);
  await t.rejects(images.remove("t.test/a:1", { force: true }), {
    code: "ImageInUse",
    message: /container "web" of pod "default\/shop"/,
  });
  used.clear();
  const { release } = await images.hold("t.test/a:1");
  await t.rejects(images.remove("t.test/a:1"), { code: "ImageInUse" });
  release();
  t.same((await images.remove("t.test/a:1")).deleted, [id]);
});

t.test("pruning takes images without a tag, with all every unused one, and layers that nobody has", async (t) => {
  const { images, records, load, used, layers } = setup(t);
  const old = await load("t.test/a:1", "old");
  await load("t.test/a:1", "new");
  const other = await load("t.test/b:1");
  used.add(other);
  t.same((await images.prune({ dryRun: true })).deleted, [old]);
  t.equal(images.list().length, 3, "a dry run takes nothing");
  t.same((await images.prune()).deleted, [old]);
  t.equal((await images.prune({ all: true, before: NOW })).deleted.length, 0, "it came not before");
  t.equal((await images.prune({ all: true })).deleted.length, 1);
  t.same(
    images.list().map(({ id, containers }) => [id, containers]),
    [[other, 1]],
  );
  t.equal(layers().length, records.layers().length);
});

t.test(
  "above the high threshold the least recently used go until the low one, used and young ones never",
  async (t) => {
    const { images, load, used, clock } = setup(t);
    const ids = [];
    for (const name of ["a", "b", "c", "d"]) ids.push(await load(`t.test/${name}:1`));
    const [a = "", b = "", c = "", d = ""] = ids;
    used.add(a);
    clock.advance(60_000);
    (await images.hold("t.test/b:1")).release();
    clock.advance(1000);
    (await images.hold("t.test/d:1")).release();
    const sizes = new Map(images.list().map(({ id, size }) => [id, size]));
    const settings = { periodMillis: 1, high: 85, low: 80, minAgeMillis: 120_000 };
    let available = 160;
    const collector = new ImageCollector({
      context: images.context,
      settings,
      diskUse: async () => ({ capacity: 1000, available }),
    });
    await collector.run();
    t.equal(images.list().length, 4, "84 % is below the threshold");
    available = 150;
    await collector.run();
    t.equal(images.list().length, 4, "nothing is old enough");
    clock.advance(118_000);
    available = 199;
    await new ImageCollector({
      context: images.context,
      settings: { ...settings, high: 80 },
      diskUse: async () => ({ capacity: 1000, available }),
    }).run();
    t.same(
      images
        .list()
        .map(({ id }) => id)
        .sort(),
      [a, b, d].sort(),
      "one byte wanted: c, never used, was enough",
    );
    t.ok((sizes.get(c) ?? 0) > 0);
    clock.advance(10_000);
    available = 0;
    await collector.run();
    t.same(
      images.list().map(({ id }) => id),
      [a],
      "the one in use stays whatever is wanted",
    );
  },
);

t.test("what was saved is loaded again as the same image, several in one archive", async (t) => {
  const { images, load } = setup(t);
  const ids = [await load("t.test/a:1"), await load("t.test/b:1")];
  const archive = await buffer(await images.save(["t.test/a:1", "t.test/b:1"]));
  const fresh = setup(t);
  t.same(await fresh.images.load(Readable.from([archive])), ["t.test/a:1", "t.test/b:1"]);
  t.same(
    fresh.images
      .list()
      .map(({ id }) => id)
      .sort(),
    ids.sort(),
  );
});

t.test("a layer that was changed on the disk is not saved", async (t) => {
  const { folder, images, records, load } = setup(t);
  await load("t.test/a:1", "before");
  const own = records.layers().find(({ size }) => size === "before".length);
  writeFileSync(join(folder, "images/layers", own?.folder ?? "", "own"), "after!");
  await t.rejects(buffer(await images.save(["t.test/a:1"])), { code: "StateCorrupt", message: /was changed on disk/ });
  t.ok((await images.remove("t.test/a:1")).deleted.length, "saving does not hold it any more");
});

t.test("a layer that has one name twice can't be saved, and was not changed", async (t) => {
  const { images, folder } = setup(t);
  const twice = (second: string) => [
    [
      { name: "a", content: "first" },
      { name: "b", content: "x" },
      { name: "a", content: second },
    ],
  ];
  for (const [name, second] of [
    ["t.test/longer:1", "the second"],
    ["t.test/other:1", "other"],
  ] as const) {
    await images.load(writeFolder(join(folder, second), await layout({ name, layers: twice(second) })));
    await t.rejects(buffer(await images.save([name])), {
      code: "Conflict",
      message: /layer sha256:\w+ cannot be saved: its entry "a" took the place of an earlier one .*skopeo copy/,
    });
    t.ok(await images.resolve(name), "it is used all the same");
  }
});

t.test("a skeleton that is missing, damaged or cut off is told by the stream, and ends nothing else", async (t) => {
  const { folder, images, load } = setup(t);
  await load("t.test/a:1");
  const file = join(folder, "images/skeletons", readdirSync(join(folder, "images/skeletons"))[0] as string);
  const whole = readFileSync(file);
  for (const [bytes, words] of [
    [Buffer.from("no skeleton"), /its skeleton is damaged: ZSTD_/],
    [whole.subarray(0, whole.length - 5), /was changed on disk|is damaged/],
    [undefined, /its skeleton is missing/],
  ] as const) {
    if (bytes === undefined) rmSync(file);
    else writeFileSync(file, bytes);
    await t.rejects(buffer(await images.save(["t.test/a:1"])), { code: "StateCorrupt", message: words });
  }
});

t.test("a docker archive is loaded, its layers through links, and names that lead out are refused", async (t) => {
  const { images } = setup(t);
  const rootfs = await tar([{ name: "etc/passwd", content: "p\n" }]);
  const config = JSON.stringify({
    architecture: machineArchitecture(),
    os: "linux",
    rootfs: { type: "layers", diff_ids: [digest(rootfs)] },
  });
  const manifest = (layer: string) => ({
    name: "manifest.json",
    content: JSON.stringify([{ Config: "c.json", RepoTags: ["d:1"], Layers: [layer] }]),
  });
  const files = [
    { name: "x.tar", content: rootfs },
    { name: "l/layer.tar", type: "symlink" as const, linkname: "../x.tar" },
    { name: "c.json", content: config },
  ];
  t.same(await images.load(Readable.from([await tar([...files, manifest("l/layer.tar")])])), ["docker.io/library/d:1"]);
  t.equal((await images.resolve("d:1")).passwd, "p\n");
  await t.rejects(images.load(Readable.from([await tar([...files, manifest("../x.tar")])])), {
    code: "InvalidImage",
    message: /names the file "..\/x.tar"/,
  });
  await t.rejects(images.load(Readable.from([await tar([{ name: "../x", content: "x" }])])), {
    code: "InvalidImage",
    message: /leads out of the archive/,
  });
  await t.rejects(images.load(Readable.from([Buffer.from("\xfd7zXZ\0 and so on", "latin1")])), {
    code: "InvalidImage",
    message: /packed with xz/,
  });
});

t.test("an archive that names more images, or more of one config, than anybody could mean is refused", async (t) => {
  const { images } = setup(t);
  const config = Buffer.from(
    JSON.stringify({ architecture: machineArchitecture(), os: "linux", rootfs: {}, pad: "p".repeat(3 << 20) }),
  );
  const descriptor = {
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: digest(config),
    size: config.length,
  };
  const manifests = [...Array(40).keys()].map((at) =>
    Buffer.from(JSON.stringify({ schemaVersion: 2, config: descriptor, layers: [], annotations: { at: String(at) } })),
  );
  const index = {
    schemaVersion: 2,
    manifests: manifests.map((bytes, at) => ({
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: digest(bytes),
      size: bytes.length,
      annotations: { "org.opencontainers.image.ref.name": `t.test/a:${at}` },
    })),
  };
  const blobs = [config, ...manifests].map((content) => ({
    name: `blobs/sha256/${digest(content).slice(7)}`,
    content,
  }));
  const docker = (count: number) => [
    { name: "c.json", content: config },
    { name: "manifest.json", content: JSON.stringify(Array(count).fill({ Config: "c.json", Layers: [] })) },
  ];
  const tooLarge = { code: "InvalidImage", message: /manifests and configs have more than 67108864 bytes together/ };
  const load = async (files: Parameters<typeof tar>[0]) => images.load(Readable.from([await tar(files)]));
  await t.rejects(load([{ name: "index.json", content: JSON.stringify(index) }, ...blobs]), tooLarge);
  await t.rejects(load(docker(40)), tooLarge);
  await t.rejects(load(docker(1001)), { code: "InvalidImage", message: /has 1001 images; at most 1000 are read/ });
});

t.test("a docker archive's image of more layers than can be mounted is refused", async (t) => {
  const { images } = setup(t);
  const layer = await tar([{ name: "file", content: "text" }]);
  const platform = { architecture: machineArchitecture(), os: "linux" };
  const load = async (count: number) => {
    const config = { ...platform, rootfs: { diff_ids: Array(count).fill(digest(layer)) } };
    const image = { Config: "c.json", RepoTags: ["t.test/a:1"], Layers: Array(count).fill("l.tar") };
    const files = { "c.json": JSON.stringify(config), "l.tar": layer, "manifest.json": JSON.stringify([image]) };
    return images.load(Readable.from([await tar(Object.entries(files).map(([name, content]) => ({ name, content })))]));
  };
  await t.rejects(load(501), { code: "InvalidImage", message: /has 501 layers; at most 500 can be mounted/ });
  t.same(await load(500), ["t.test/a:1"]);
});

t.test("a root file system is imported with changes, a message and a name", async (t) => {
  const { images } = setup(t);
  const rootfs = await tar([{ name: "hello", content: "world" }]);
  const id = await images.importRootfs(Readable.from([rootfs]), {
    reference: "mine",
    changes: ['CMD ["/hello"]'],
    message: "by hand",
  });
  const inspected = await images.inspect("mine");
  t.match(inspected, {
    Id: id,
    Config: { Cmd: ["/hello"] },
    History: [{ comment: "by hand" }],
    RepoTags: ["docker.io/library/mine:latest"],
  });
});

t.test("changes are Dockerfile instructions, and others are refused by name", async (t) => {
  t.same(
    applyChanges([
      "ENTRYPOINT /run me",
      'env A=b C="d e" F=g\\ h',
      "ENV A c",
      "EXPOSE 80 53/udp",
      "LABEL x='y z'",
      "USER app",
      "WORKDIR /a",
      "WORKDIR b",
      "VOLUME /v /w",
      "STOPSIGNAL SIGQUIT",
    ]),
    {
      Entrypoint: ["/bin/sh", "-c", "/run me"],
      Env: ["C=d e", "F=g h", "A=c"],
      ExposedPorts: { "80/tcp": {}, "53/udp": {} },
      Labels: { x: "y z" },
      User: "app",
      WorkingDir: "/a/b",
      Volumes: { "/v": {}, "/w": {} },
      StopSignal: "SIGQUIT",
    },
  );
  for (const bad of ["RUN x", "CMD", "EXPOSE http", "ENV =x", 'LABEL a="b', ""])
    t.throws(() => applyChanges([bad]), { code: "BadRequest" }, bad);
});
