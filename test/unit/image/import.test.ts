import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import t from "tap";
import { machineArchitecture } from "../../../src/image/config.ts";
import { Images } from "../../../src/image/images.ts";
import type { ImageRecord } from "../../../src/image/types.ts";

import { Database } from "../../../src/store/database.ts";
import { ImageTable } from "../../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { digest, type LayoutOptions, layout, noRegistry, scratch, tar, writeArchive, writeFolder } from "./fixtures.ts";
import { packer } from "./packer.ts";

function setup(t: { teardown(clean: () => void): void }, embedded?: { reference: string; archive: string }) {
  const folder = scratch(t);
  const records = new ImageTable<ImageRecord>(new Database(join(folder, "state.db"), "full", STATE_MIGRATIONS));
  const open = () => new Images({ root: folder, records, packer, registry: noRegistry, ...(embedded && { embedded }) });
  const layers = join(folder, "images/layers");
  const left = () =>
    [join(folder, "images/tmp"), layers].flatMap((path) => (existsSync(path) ? readdirSync(path) : []));
  return { folder, records, images: open(), open, layers, left };
}

const passwd = "root:x:0:0::/root:/bin/sh\n";
const etc = (content: string) => ({ name: "etc/passwd", content });

for (const format of ["tar", "tar+gzip", "tar+zstd"] as const) {
  t.test(`an archive with a ${format} layer is imported and resolved by its name and id`, async (t) => {
    const { folder, images, layers } = setup(t);
    const config = {
      User: "app",
      Env: ["A=b"],
      Entrypoint: ["/e"],
      Cmd: null,
      WorkingDir: "/w",
      StopSignal: "SIGQUIT",
      Volumes: { "/v": {} },
    };
    const file = await writeArchive(join(folder, "a.tar"), await layout({ format, config, layers: [[etc(passwd)]] }));
    await images.load(file);
    const image = await images.resolve("test.local/app:1");
    t.match(image, {
      id: images.list()[0]?.id,
      reference: "test.local/app:1",
      passwd,
      group: "",
      layersFolder: layers,
      config: {
        user: "app",
        env: ["A=b"],
        entrypoint: ["/e"],
        cmd: [],
        workingDir: "/w",
        stopSignal: "SIGQUIT",
        volumes: ["/v"],
      },
    });
    t.match(image.layers, [/^[0-9a-f]{16}$/]);
    t.equal(readFileSync(join(layers, image.layers[0] ?? "", "etc/passwd"), "utf8"), passwd);
    t.equal((await images.resolve(image.id)).id, image.id);
    t.same(readdirSync(join(folder, "images/tmp")), []);
  });
}

t.test("a layout in a folder is imported as one in an archive is", async (t) => {
  const { folder, images } = setup(t);
  await images.load(writeFolder(join(folder, "layout"), await layout()));
  t.ok(await images.resolve("test.local/app:1"));
});

t.test("layers come lowest first, and the highest passwd counts", async (t) => {
  const { folder, images, layers } = setup(t);
  const entries = [
    [etc("low\n"), { name: "etc/group", content: "g:x:1:\n" }],
    [etc("high\n")],
    [{ name: "bin/x", content: "" }],
  ];
  await images.load(writeFolder(join(folder, "layout"), await layout({ layers: entries })));
  const image = await images.resolve("test.local/app:1");
  t.match(image, { passwd: "high\n", group: "g:x:1:\n" });
  t.equal(readFileSync(join(layers, image.layers[0] ?? "", "etc/passwd"), "utf8"), "low\n");
});

t.test("a layer whose root is opaque hides all below it, which is not mounted", async (t) => {
  const { folder, images } = setup(t);
  const files = [
    [{ name: "etc/passwd", content: "low:x:0:0\n" }],
    [{ name: ".wh..wh..opq", content: "" }],
    [{ name: "top", content: "" }],
  ];
  await images.load(writeFolder(join(folder, "layout"), await layout({ layers: files })));
  const image = await images.resolve("test.local/app:1");
  t.equal(image.layers.length, 2);
  t.ok(existsSync(join(image.layersFolder, image.layers[1] as string, "top")));
  t.equal(image.passwd, "");
});

t.test("a passwd that is a symbolic link to the host's is not read", async (t) => {
  const { folder, images } = setup(t);
  const link = { name: "etc/passwd", type: "symlink", linkname: "/etc/passwd" } as const;
  await images.load(writeFolder(join(folder, "layout"), await layout({ layers: [[link]] })));
  t.equal((await images.resolve("test.local/app:1")).passwd, "");
});

t.test("a passwd that lies behind a symbolic link is not read", async (t) => {
  const { folder, images } = setup(t);
  const link = { name: "etc", type: "symlink", linkname: "/etc" } as const;
  await images.load(writeFolder(join(folder, "layout"), await layout({ layers: [[link]] })));
  t.equal((await images.resolve("test.local/app:1")).passwd, "");
});

t.test("of a very long passwd the first 64 KiB count, in whole lines", async (t) => {
  const { folder, images } = setup(t);
  await images.load(
    writeFolder(join(folder, "layout"), await layout({ layers: [[etc("0123456789\n".repeat(10_000))]] })),
  );
  const { passwd: text } = await images.resolve("test.local/app:1");
  t.ok(text.length <= 64 << 10 && text.length > 65_000);
  t.ok(text.endsWith("0123456789\n"));
});

t.test("a layer that is here already is shared, and goes with the last image that has it", async (t) => {
  const { folder, images, layers } = setup(t);
  const common = [{ name: "common", content: "c" }];
  const write = async (name: string, own: string) =>
    images.load(
      writeFolder(join(folder, own), await layout({ name, layers: [common, [{ name: own, content: own }]] })),
    );
  await write("test.local/a:1", "a");
  await write("test.local/b:1", "b");
  t.equal(readdirSync(layers).length, 3);
  await images.remove("test.local/a:1");
  t.equal(readdirSync(layers).length, 2);
  t.ok(existsSync(join(layers, (await images.resolve("test.local/b:1")).layers[0] ?? "", "common")));
  await images.remove("test.local/b:1");
  t.same(readdirSync(layers), []);
  await t.rejects(images.remove("test.local/b:1"), { code: "ImageNotFound" });
});

t.test("an archive that comes as a stream is called so, and not an image of that name", async (t) => {
  const { images } = setup(t);
  const message = /^the archive: it has neither index.json/;
  await t.rejects(images.load(Readable.from([Buffer.alloc(1024)])), { code: "InvalidImage", message });
});

t.test("an image that is not here is named, with those that are", async (t) => {
  const { folder, images } = setup(t);
  await t.rejects(images.resolve("nginx"), {
    code: "ImageNotFound",
    message: 'image "nginx" is not here; images that are: none; podrun pull brings others',
  });
  await images.load(writeFolder(join(folder, "layout"), await layout()));
  await t.rejects(images.resolve("nginx"), { message: /that are: test\.local\/app:1;/ });
  await t.rejects(images.resolve("Bad Name"), { code: "InvalidImage" });
  for (const tag of [2, 3, 4, 5, 6, 7, 8, 9, 10]) await images.tag("test.local/app:1", `test.local/app:${tag}`);
  await t.rejects(images.resolve("nginx"), { message: /app:10, .*, test\.local\/app:7 and 2 more \(podrun images\);/ });
});

t.test("a name with a digest means that manifest and no other", async (t) => {
  const { folder, images } = setup(t);
  const files = await layout();
  await images.load(writeFolder(join(folder, "layout"), files));
  const manifest = JSON.parse(files.get("index.json")?.toString() ?? "").manifests[0].digest;
  t.ok(await images.resolve(`test.local/app:1@${manifest}`));
  await t.rejects(images.resolve(`test.local/app:1@${digest("other")}`), { code: "ImageNotFound" });
});

t.test("an archive gives nothing the name of another digest: pods that name one get that or nothing", async (t) => {
  const { folder, images } = setup(t);
  const other = `docker.io/library/nginx@sha256:${"0".repeat(64)}`;
  const files = await layout({ name: other });
  const wrong = { code: "InvalidImage", message: /gives the name ".*nginx@sha256:0+" to (sha256|something)/ };
  await t.rejects(images.load(writeFolder(join(folder, "wrong"), files)), wrong);
  await t.rejects(images.resolve(other), { code: "ImageNotFound" });
  const config = JSON.stringify({ architecture: machineArchitecture(), os: "linux", rootfs: {} });
  const docker = new Map([
    ["c.json", Buffer.from(config)],
    ["manifest.json", Buffer.from(JSON.stringify([{ Config: "c.json", RepoTags: [other], Layers: [] }]))],
  ]);
  await t.rejects(images.load(await writeArchive(join(folder, "docker.tar"), docker)), wrong);
  const [entry] = JSON.parse(String(files.get("index.json"))).manifests;
  const name = `docker.io/library/nginx@${entry.digest}`;
  const right = { ...entry, annotations: { "io.containerd.image.name": name } };
  files.set("index.json", Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [right] })));
  t.same(await images.load(writeFolder(join(folder, "right"), files)), [name]);
});

t.test("volumes that no container could have are refused with the image", async (t) => {
  const { folder, images } = setup(t);
  const load = async (paths: readonly string[]) => {
    const config = { Volumes: Object.fromEntries(paths.map((path) => [path, {}])) };
    return images.load(writeFolder(join(folder, `layout-${paths.length}`), await layout({ config })));
  };
  const many = [...Array(101).keys()].map((at) => `/v/${at}`);
  await t.rejects(load(many), { code: "InvalidImage", message: /config.Volumes has 101 folders; at most 100/ });
  await t.rejects(load(["/a\0b"]), { code: "InvalidImage", message: /config.Volumes must be text/ });
  t.same(await load(many.slice(1)), ["test.local/app:1"]);
});

t.test("an image for another architecture is refused with both names", async (t) => {
  const { folder, images, left } = setup(t);
  const source = writeFolder(join(folder, "layout"), await layout({ architecture: "s390x" }));
  await t.rejects(images.load(source), {
    code: "WrongArchitecture",
    message: /is for linux\/s390x, this machine is linux\/(amd64|arm64)/,
  });
  t.same(left(), []);
});

t.test("an image without a name is loaded by its id, or gets one from the user", async (t) => {
  const { folder, images } = setup(t);
  const source = writeFolder(join(folder, "layout"), await layout({ name: undefined }));
  const [id = ""] = await images.load(source);
  t.same(images.list()[0]?.references, []);
  t.equal((await images.resolve(id)).id, id);
  t.same(await images.load(source, { name: "mine" }), ["docker.io/library/mine:latest"]);
  t.equal(images.list()[0]?.references[0], "docker.io/library/mine:latest");
});

t.test("a file that is not there, no archive, an empty one, or none of an image is refused", async (t) => {
  const { folder, images, left } = setup(t);
  const file = (name: string, content: Buffer | string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  await t.rejects(images.load(join(folder, "nothing.tar")), { code: "NotFound", message: /there is no such file/ });
  await t.rejects(images.load(file("noise", Buffer.alloc(4096, "noise"))), {
    code: "InvalidImage",
    message: /no tar archive/,
  });
  await t.rejects(images.load(file("empty", "")), { code: "InvalidImage", message: /neither index\.json/ });
  await t.rejects(images.load(file("other", await tar([{ name: "a", content: "b" }]))), {
    code: "InvalidImage",
    message: /neither index\.json/,
  });
  await t.rejects(images.load(file("json", await tar([{ name: "index.json", content: "{" }]))), {
    code: "InvalidImage",
    message: /not JSON/,
  });
  t.same(left(), []);
});

/** Damages one file of a layout. */
async function damaged(
  folder: string,
  options: LayoutOptions,
  damage: (files: Map<string, Buffer>, layer: string) => void,
) {
  const files = await layout(options);
  const manifest = [...files.values()].map(String).find((text) => text.includes('"layers":[')) ?? "";
  damage(files, `blobs/sha256/${JSON.parse(manifest).layers[0].digest.slice(7)}`);
  return writeFolder(join(folder, "damaged"), files);
}

const DAMAGES: Readonly<Record<string, (files: Map<string, Buffer>, layer: string) => void>> = {
  "a changed byte": (files, layer) => void files.get(layer)?.writeUInt8(0xff, 600),
  "a cut layer": (files, layer) => void files.set(layer, files.get(layer)?.subarray(0, 700) ?? Buffer.alloc(0)),
  "bytes behind the layer": (files, layer) =>
    void files.set(layer, Buffer.concat([files.get(layer) ?? Buffer.alloc(0), Buffer.alloc(512)])),
  "a missing layer": (files, layer) => void files.delete(layer),
};
for (const [what, damage] of Object.entries(DAMAGES)) {
  for (const format of ["tar", "tar+gzip"] as const) {
    t.test(`${what} (${format}) is found, and nothing of the image stays`, async (t) => {
      const { folder, images, left } = setup(t);
      const content = randomBytes(3000);
      const source = await damaged(folder, { format, layers: [[{ name: "f", content }]] }, damage);
      await t.rejects(images.load(source), { code: "InvalidImage" });
      t.same(images.list(), []);
      t.same(left(), []);
    });
  }
}

t.test("a diff id that is not the layer's is found", async (t) => {
  const { folder, images, left } = setup(t);
  const good = await layout({ layers: [[{ name: "f", content: "good" }]] });
  const config = [...good].find(([, bytes]) => String(bytes).includes("diff_ids"));
  const wrong = Buffer.from(String(config?.[1]).replace(/"sha256:[0-9a-f]{64}"/, `"${digest("wrong")}"`));
  const manifest = [...good].find(([, bytes]) => String(bytes).includes('"layers":['));
  const oldDigest = `sha256:${config?.[0].slice("blobs/sha256/".length)}`;
  const newManifest = Buffer.from(String(manifest?.[1]).replace(oldDigest, digest(wrong)));
  good.set(`blobs/sha256/${digest(wrong).slice(7)}`, wrong);
  good.set(`blobs/sha256/${digest(newManifest).slice(7)}`, newManifest);
  const index = String(good.get("index.json")).replace(digest(manifest?.[1] ?? ""), digest(newManifest));
  good.set("index.json", Buffer.from(index));
  await t.rejects(images.load(writeFolder(join(folder, "l"), good)), {
    code: "InvalidImage",
    message: /the image.s config says/,
  });
  t.same(left(), []);
});

t.test("digests that would be paths are refused", async (t) => {
  const { folder, images } = setup(t);
  const files = await layout();
  const index = JSON.parse(String(files.get("index.json")));
  index.manifests[0].digest = "sha256:../../../../etc/passwd";
  files.set("index.json", Buffer.from(JSON.stringify(index)));
  await t.rejects(images.load(writeFolder(join(folder, "l"), files)), {
    code: "InvalidImage",
    message: /want sha256: and 64 hexadecimal digits/,
  });
});

t.test("the embedded image is imported when it is first asked for, once, by many at the same time", async (t) => {
  const file = join(scratch(t), "base.tar");
  await writeArchive(file, await layout({ name: "podrun.local/base:latest" }));
  const { images, records } = setup(t, { reference: "podrun.local/base", archive: file });
  t.same(images.list(), []);
  const found = await Promise.all(Array.from({ length: 20 }, () => images.resolve("podrun.local/base")));
  t.equal(new Set(found.map(({ id }) => id)).size, 1);
  t.equal(records.layers().length, 1);
});

t.test("the embedded image is there for every verb that names it, also before a pod did", async (t) => {
  const file = join(scratch(t), "base.tar");
  await writeArchive(file, await layout({ name: "podrun.local/base:latest" }));
  const fresh = () => setup(t, { reference: "podrun.local/base", archive: file }).images;
  t.match(await fresh().inspect("podrun.local/base"), { RepoTags: ["podrun.local/base:latest"] });
  const tagged = fresh();
  await tagged.tag("podrun.local/base", "mine:1");
  t.ok(await tagged.resolve("mine:1"));
  t.ok((await buffer(await fresh().save(["podrun.local/base"]))).length > 0);
});

t.test("a new embedded archive replaces the image at the next start, the same one does not", async (t) => {
  const file = join(scratch(t), "base.tar");
  const embedded = { reference: "podrun.local/base", archive: file };
  await writeArchive(file, await layout({ name: "podrun.local/base:latest" }));
  const { images, open } = setup(t, embedded);
  const first = await images.resolve("podrun.local/base");
  t.equal((await open().resolve("podrun.local/base")).id, first.id);
  await writeArchive(
    file,
    await layout({ name: "podrun.local/base:latest", layers: [[{ name: "new", content: "new" }]] }),
  );
  t.not((await open().resolve("podrun.local/base")).id, first.id);
});

t.test("an embedded archive that is missing is named, and is used when it comes", async (t) => {
  const file = join(scratch(t), "base.tar");
  const { images } = setup(t, { reference: "podrun.local/base", archive: file });
  await t.rejects(images.resolve("podrun.local/base"), { code: "ImageNotFound", message: file });
  await writeArchive(file, await layout({ name: "podrun.local/base:latest" }));
  t.ok(await images.resolve("podrun.local/base"));
});

t.test("what a killed import left is removed, and what is recorded stays", async (t) => {
  const { folder, images, layers } = setup(t);
  await images.load(writeFolder(join(folder, "layout"), await layout()));
  writeFolder(join(folder, "images/tmp/import-x"), new Map());
  writeFolder(join(layers, "0123456789abcdef"), new Map());
  t.equal((await images.recover()).length, 2);
  t.equal(readdirSync(layers).length, 1);
  t.same(readdirSync(join(folder, "images/tmp")), []);
});

t.test("a layer that comes while a killed import's copy of it is removed stays", async (t) => {
  const { folder, images, layers } = setup(t);
  const [layer, skeleton] = [join(layers, "0123456789abcdef"), join(folder, "images/skeletons/0123456789abcdef.zst")];
  const put = () => {
    writeFolder(layer, new Map());
    mkdirSync(dirname(skeleton), { recursive: true });
    writeFileSync(skeleton, "");
  };
  put();
  const recovered = images.recover();
  t.notOk(existsSync(layer) || existsSync(skeleton), "their names are free at once");
  put();
  t.same([...(await recovered)].sort(), [layer, skeleton].sort());
  t.ok(existsSync(layer) && existsSync(skeleton));
});

for (const step of ["image.unpacked", "image.published"]) {
  t.test(`an import that fails at ${step} leaves no image, and the next one succeeds`, async (t) => {
    const { folder, images } = setup(t);
    const source = writeFolder(join(folder, "layout"), await layout());
    process.env["PODRUN_FAULT"] = `${step}:error:ENOSPC`;
    await t.rejects(images.load(source), { code: "StateUnavailable", message: /full/ });
    delete process.env["PODRUN_FAULT"];
    t.same(images.list(), []);
    await images.load(source);
    t.ok(await images.resolve("test.local/app:1"));
  });
}
