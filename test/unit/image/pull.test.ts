import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { PodrunError } from "../../../src/base/errors.ts";
import { machineArchitecture } from "../../../src/image/config.ts";
import { Images } from "../../../src/image/images.ts";
import type { ImageRecord, PullProgress } from "../../../src/image/types.ts";
import { Database } from "../../../src/store/database.ts";
import { ImageTable } from "../../../src/store/images.ts";
import { STATE_MIGRATIONS } from "../../../src/store/schema.ts";
import { FakeHost, fakeRegistry, heldBlob } from "./fake-registry.ts";
import { scratch } from "./fixtures.ts";
import { packer } from "./packer.ts";

function setup(t: { teardown(clean: () => void): void }, mirrors: readonly string[] = []) {
  const folder = scratch(t);
  const host = new FakeHost();
  const mirror = new FakeHost();
  const registry = fakeRegistry({ hosts: { "r.test": host, "docker.io": host, "m.test": mirror }, mirrors });
  const records = new ImageTable<ImageRecord>(new Database(join(folder, "state.db"), "full", STATE_MIGRATIONS));
  const used = new Set<string>();
  const images = new Images({
    root: folder,
    records,
    packer,
    registry,
    usedBy: (id) => (used.has(id) ? [{ container: "c", pod: "default/p" }] : []),
  });
  const left = () =>
    ["tmp", "layers"].flatMap((name) => {
      const path = join(folder, "images", name);
      return existsSync(path) ? readdirSync(path) : [];
    });
  return { folder, host, mirror, registry, records, images, used, left };
}

const layer = (name: string) => [{ name, content: `content of ${name}` }];

t.test("a name is pulled, with all its names recorded, and pulled again it costs one question", async (t) => {
  const { host, images } = setup(t);
  const pushed = await host.push("1", { layers: [layer("a"), layer("b")] });
  const pulled = await images.pull({ reference: "r.test/app:1" });
  t.match(pulled, { id: pushed.id, reference: "r.test/app:1", digest: pushed.digest, unchanged: false });
  t.same(images.list()[0]?.references, ["r.test/app:1", `r.test/app@${pushed.digest}`]);
  host.asked.length = 0;
  t.match(await images.pull({ reference: "r.test/app:1" }), { id: pushed.id, unchanged: true });
  t.same(host.asked, ["head 1"]);
  t.match(await images.pull({ reference: `r.test/app:whatever@${pushed.digest}` }), {
    id: pushed.id,
    reference: `r.test/app@${pushed.digest}`,
  });
});

t.test("a tag that moved is pulled anew, its common layers are not, and the old image keeps its digest", async (t) => {
  const { host, images } = setup(t);
  const first = await host.push("1", { layers: [layer("a"), layer("b")] });
  await images.pull({ reference: "r.test/app:1" });
  const second = await host.push("1", { layers: [layer("a"), layer("c")] });
  host.asked.length = 0;
  t.equal((await images.pull({ reference: "r.test/app:1" })).id, second.id);
  t.notOk(host.blobsAsked().includes(first.layers[0] ?? ""));
  t.ok(host.blobsAsked().includes(second.layers[1] ?? ""));
  t.same(images.list().find(({ id }) => id === first.id)?.references, [`r.test/app@${first.digest}`]);
});

t.test("another tag of an image that is here only gets its name", async (t) => {
  const { host, images } = setup(t);
  const { id, digest } = await host.push("1", {});
  await images.pull({ reference: "r.test/app:1" });
  host.tags.set("2", digest);
  host.asked.length = 0;
  t.match(await images.pull({ reference: "r.test/app:2" }), { id, unchanged: false });
  t.same(host.asked, ["head 2"]);
  t.equal((await images.resolve("r.test/app:2")).id, id);
});

t.test("progress tells of the layers, each from waiting to done, and of recording", async (t) => {
  const { host, images } = setup(t);
  const { layers, digest } = await host.push("1", { layers: [layer("a"), layer("b")] });
  const told: PullProgress[] = [];
  await images.pull({ reference: "r.test/app:1", onProgress: (one) => told.push(one) });
  t.match(told[0], {
    type: "resolved",
    reference: "r.test/app:1",
    digest,
    source: "r.test/app",
    layers: layers.map((one) => ({ digest: one })),
  });
  for (const one of layers) {
    const states = told.flatMap((p) => (p.type === "layer" && p.digest === one ? [p.state] : []));
    t.match([states[0], states.at(-1)], ["waiting", "done"]);
  }
  t.match(told.at(-1), { type: "recording" });
});

t.test("the image for the machine is chosen from an index, attestations are passed over", async (t) => {
  const { host, images } = setup(t);
  const good = await host.push("x", { layers: [layer("good")] });
  const other = await host.push("y", { architecture: "s390x" });
  const entry = (digest: string, architecture: string, os = "linux") => ({
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    digest,
    size: host.blobs.get(digest)?.bytes.length ?? 0,
    platform: { os, architecture },
  });
  const type = "application/vnd.oci.image.index.v1+json";
  const index = host.putManifest("1", type, {
    schemaVersion: 2,
    manifests: [
      entry(other.digest, "s390x"),
      entry(other.digest, "unknown", "unknown"),
      entry(good.digest, machineArchitecture()),
    ],
  });
  t.match(await images.pull({ reference: "r.test/app:1" }), { id: good.id, digest: index });
  t.same(images.list()[0]?.references, [
    "r.test/app:1",
    ...[`r.test/app@${index}`, `r.test/app@${good.digest}`].sort(),
  ]);
  host.putManifest("2", type, {
    schemaVersion: 2,
    manifests: [entry(other.digest, "s390x"), entry(other.digest, "riscv64")],
  });
  await t.rejects(images.pull({ reference: "r.test/app:2" }), {
    code: "WrongArchitecture",
    message: /linux\/s390x, linux\/riscv64/,
  });
  t.equal((await images.pull({ reference: "r.test/app:2", platform: "linux/s390x" })).id, other.id);
});

t.test("what is no container image, or lies about itself, is refused and leaves nothing", async (t) => {
  const { host, images, left } = setup(t);
  const { digest } = await host.push("good", {});
  const manifest = JSON.parse(String(host.blobs.get(digest)?.bytes));
  const type = "application/vnd.oci.image.manifest.v1+json";
  const config = JSON.parse(String(host.blobs.get(manifest.config.digest)?.bytes));
  const deep = { ...config, history: JSON.parse(`${"[".repeat(200)}"]]]]"${"]".repeat(200)}`) };
  const bad: readonly [string, object | Buffer, RegExp, string?][] = [
    [
      "chart",
      { ...manifest, config: { ...manifest.config, mediaType: "application/vnd.cncf.helm.config.v1+json" } },
      /is not a container image but "application\/vnd.cncf.helm/,
    ],
    ["json", Buffer.from("{"), /is not JSON/],
    [
      "layers",
      { ...manifest, layers: [...manifest.layers, ...manifest.layers] },
      /its manifest has 2 layers, its config 1/,
    ],
    [
      "layer-type",
      { ...manifest, layers: [{ ...manifest.layers[0], mediaType: "text/plain" }] },
      /layer 1 is "text\/plain"/,
    ],
    ["digest", { ...manifest, layers: [{ ...manifest.layers[0], digest: "sha256:../../x" }] }, /want sha256: and 64/],
    ["size", { ...manifest, config: { ...manifest.config, size: 9e9 } }, /at most 4194304/],
    ["negative", { ...manifest, config: { ...manifest.config, size: -1 } }, /want a number of bytes/],
    ["schema1", { schemaVersion: 1, name: "x" }, /schema 1/, "application/vnd.docker.distribution.manifest.v1+json"],
    [
      "no-rootfs",
      {
        ...manifest,
        config: { ...manifest.config, ...put(host, { architecture: machineArchitecture(), os: "linux" }) },
      },
      /config.rootfs must be an object/,
    ],
    [
      "deep",
      { ...manifest, config: { ...manifest.config, ...put(host, deep) } },
      /its config sha256:\w+ has lists and objects in one another deeper than 100/,
    ],
  ];
  for (const [tag, content, message, mediaType = type] of bad) {
    host.putManifest(tag, mediaType, content);
    await t.rejects(images.pull({ reference: `r.test/app:${tag}` }), { code: "InvalidImage", message }, tag);
  }
  t.same(left(), []);
  t.same(images.list(), []);
});

t.test("no error says what a terminal would obey, nor more than anybody reads, whatever an image says", async (t) => {
  const { host, images } = setup(t);
  const { digest } = await host.push("good", {});
  const manifest = JSON.parse(String(host.blobs.get(digest)?.bytes));
  const [type, index] = ["manifest", "index"].map((kind) => `application/vnd.oci.image.${kind}.v1+json`) as [
    string,
    string,
  ];
  const evil = `\x1b]0;evil\x07\n\u009b2J\u202e${"x".repeat(5_000)}`;
  const configured = (config: object) => ({ ...manifest, config: { ...manifest.config, ...put(host, config) } });
  const platform = { os: "linux", architecture: machineArchitecture() };
  const one = { ...manifest.config, mediaType: type, platform: { os: evil, architecture: evil } };
  const bad: readonly (readonly [object, string])[] = [
    [{ ...manifest, layers: [{ ...manifest.layers[0], digest: evil }] }, type],
    [{ ...manifest, layers: [{ ...manifest.layers[0], mediaType: evil }] }, type],
    [{ ...manifest, config: { ...manifest.config, mediaType: evil } }, type],
    [{ ...manifest, config: { ...manifest.config, size: evil } }, type],
    [configured({ ...platform, rootfs: { diff_ids: [evil] } }), type],
    [configured({ ...platform, config: { Labels: { [evil]: 1 } }, rootfs: {} }), type],
    [configured({ os: evil, architecture: evil, rootfs: {} }), type],
    [{ schemaVersion: 2, manifests: Array(900).fill(one) }, index],
    [{ schemaVersion: 2, manifests: [{ ...one, annotations: { [evil]: 1 } }] }, index],
  ];
  for (const [at, [content, mediaType]] of bad.entries()) {
    host.putManifest("evil", mediaType, content);
    const error = await images.pull({ reference: "r.test/app:evil" }).catch((cause: unknown) => cause);
    t.match(error, { code: /InvalidImage|WrongArchitecture/ });
    const { message, details } = error as { message: string; details: object };
    const said = [message, ...Object.values(details).flat()].join("");
    t.notMatch(said, /[\p{Cc}\p{Cf}]/u, String(at));
    t.ok(said.length < 8000, `${at}: ${said.length} characters`);
  }
});

function put(host: FakeHost, content: object): { readonly digest: string; readonly size: number } {
  const bytes = Buffer.from(JSON.stringify(content));
  return { digest: host.put("", bytes), size: bytes.length };
}

t.test(
  "a layer that is not what its digest says fails the pull, named, and the whole ones are kept for the next",
  async (t) => {
    const { host, images, records, left } = setup(t);
    const { layers } = await host.push("1", { layers: [layer("a"), layer("b")] });
    const bytes = Buffer.from(host.blobs.get(layers[1] ?? "")?.bytes ?? "");
    bytes[bytes.length - 1] = 255;
    const held = heldBlob(bytes);
    host.answers.set(layers[1] ?? "", held.open);
    const pull = images.pull({
      reference: "r.test/app:1",
      onProgress: (one) => one.type === "layer" && one.digest === layers[0] && one.state === "done" && held.release(),
    });
    await t.rejects(pull, { code: "InvalidImage", message: new RegExp(`r.test/app:1.*${layers[1]}`) });
    t.same(images.list(), []);
    t.equal(records.orphans().length, 1);
    t.equal(left().length, 1, "one layer and nothing under way");
    host.answers.clear();
    host.asked.length = 0;
    await images.pull({ reference: "r.test/app:1" });
    t.notOk(host.blobsAsked().includes(layers[0] ?? ""), "the next try begins there");
  },
);

t.test("pulls of one image are one, and it ends when the last caller has left", async (t) => {
  const { host, images, left } = setup(t);
  const { layers } = await host.push("1", {});
  const held = heldBlob(host.blobs.get(layers[0] ?? "")?.bytes ?? Buffer.alloc(0));
  host.answers.set(layers[0] ?? "", held.open);
  const [first, second] = [new AbortController(), new AbortController()];
  const told: PullProgress[] = [];
  const a = images.pull({ reference: "r.test/app:1", signal: first.signal });
  await held.asked;
  const b = images.pull({ reference: "r.test/app:1", signal: second.signal, onProgress: (one) => told.push(one) });
  first.abort();
  await t.rejects(a, { code: "Cancelled" });
  t.match(told[0], { type: "resolved" }, "who comes later is told what has been");
  second.abort();
  await t.rejects(b, { code: "Cancelled" });
  await held.ended;
  t.same(left(), []);
  t.equal(host.asked.filter((one) => one === "head 1").length, 1);
  host.answers.clear();
  t.ok(await images.pull({ reference: "r.test/app:1" }), "the next one begins anew");
});

t.test("two images fetch their common layer once; when who fetches it fails, the other does it", async (t) => {
  const { host, images } = setup(t);
  const one = await host.push("1", { layers: [layer("common"), layer("one")] });
  await host.push("2", { layers: [layer("common"), layer("two")] });
  const common = one.layers[0] ?? "";
  const held = heldBlob(host.blobs.get(common)?.bytes ?? Buffer.alloc(0));
  host.answers.set(common, held.open);
  const [a, b] = [images.pull({ reference: "r.test/app:1" }), images.pull({ reference: "r.test/app:2" })];
  await held.asked;
  held.release();
  await Promise.all([a, b]);
  t.equal(host.blobsAsked().filter((digest) => digest === common).length, 1);

  const three = await host.push("3", { layers: [layer("shared"), layer("three")] });
  await host.push("4", { layers: [layer("shared"), layer("four")] });
  const shared = three.layers[0] ?? "";
  const broken = heldBlob(Buffer.alloc(0));
  const waiting = Promise.withResolvers<void>();
  host.answers.set(shared, broken.open);
  const c = images.pull({ reference: "r.test/app:3" });
  await broken.asked;
  const d = images.pull({
    reference: "r.test/app:4",
    onProgress: (p) => p.type === "layer" && p.digest === shared && waiting.resolve(),
  });
  await waiting.promise;
  host.answers.clear();
  broken.release(new PodrunError("RegistryUnreachable", "cut"));
  await t.rejects(c, { code: "RegistryUnreachable" });
  t.ok((await d).id);
});

t.test("a layer that comes twice in an image is fetched and mounted once, at its highest place", async (t) => {
  const { host, images } = setup(t);
  const { layers } = await host.push("1", { layers: [layer("a"), layer("b"), layer("a")] });
  await images.pull({ reference: "r.test/app:1" });
  t.equal(host.blobsAsked().filter((digest) => digest === layers[0]).length, 1);
  const image = await images.resolve("r.test/app:1");
  t.equal(image.layers.length, 2);
  t.equal(readFileSync(join(image.layersFolder, image.layers[1] ?? "", "a"), "utf8"), "content of a");
});

t.test("mirrors are asked first, the registry when they fail, and the error tells of all", async (t) => {
  const { host, mirror, registry, images } = setup(t, ["m.test"]);
  await mirror.push("1", { layers: [layer("m")] });
  await images.pull({ reference: "r.test/app:1", credentials: { username: "u", password: "p" } });
  t.same(host.asked, []);
  const accounts = new Map(
    registry.opened.map(({ endpoint, credentials }) => [endpoint.host, credentials[0]?.username]),
  );
  t.same([accounts.get("m.test"), accounts.get("r.test")], ["file", "u"], "--creds are not for mirrors");
  mirror.down = new PodrunError("RegistryUnreachable", "the mirror is down");
  await host.push("2", { layers: [layer("h")] });
  t.ok(await images.pull({ reference: "r.test/app:2" }));
  await t.rejects(images.pull({ reference: "r.test/app:3" }), {
    code: "ImageNotFound",
    message: /no tag 3.*m\.test\/app: the mirror is down/,
  });
});

t.test("a layer that a mirror does not have comes from the registry", async (t) => {
  const { host, mirror, images } = setup(t, ["m.test"]);
  const { layers } = await mirror.push("1", { layers: [layer("m")] });
  await host.push("1", { layers: [layer("m")] });
  mirror.blobs.delete(layers[0] ?? "");
  t.ok(await images.pull({ reference: "r.test/app:1" }));
  t.same(host.blobsAsked(), layers);
});

t.test("an image that the policy rejects, and one of podrun.local, are asked for nowhere", async (t) => {
  const { registry, images } = setup(t);
  await t.rejects(images.pull({ reference: "rejected.test/app:1" }), { code: "ImageRejected" });
  await t.rejects(images.pull({ reference: "podrun.local/none" }), { code: "ImageNotFound" });
  t.same(registry.opened, []);
});

t.test("a full disk gets everything back, also the layers that were whole", async (t) => {
  const { host, images, records, left } = setup(t);
  const { layers } = await host.push("1", { layers: [layer("a"), layer("b")] });
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  const held = heldBlob(Buffer.alloc(0));
  host.answers.set(layers[1] ?? "", held.open);
  let collected = 0;
  images.onFullDisk = () => collected++;
  const pull = images.pull({
    reference: "r.test/app:1",
    onProgress: (one) => one.type === "layer" && one.digest === layers[0] && one.state === "done" && held.release(full),
  });
  await t.rejects(pull, { code: "StateUnavailable", message: /r\.test\/app:1.*full/ });
  t.same([left(), records.orphans(), images.list()], [[], [], []]);
  t.equal(collected, 1);
});

t.test("a layer that a pull counts on stays when the image that brought it goes", async (t) => {
  const { host, images } = setup(t);
  await host.push("1", { layers: [layer("common")] });
  const two = await host.push("2", { layers: [layer("common"), layer("two")] });
  await images.pull({ reference: "r.test/app:1" });
  const held = heldBlob(host.blobs.get(two.layers[1] ?? "")?.bytes ?? Buffer.alloc(0));
  host.answers.set(two.layers[1] ?? "", held.open);
  const pull = images.pull({ reference: "r.test/app:2" });
  await held.asked;
  await images.remove("r.test/app:1");
  held.release();
  await pull;
  const image = await images.resolve("r.test/app:2");
  t.ok(existsSync(join(image.layersFolder, image.layers[0] ?? "", "common")));
});
