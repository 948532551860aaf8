import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createZstdDecompress, gzipSync } from "node:zlib";
import t from "tap";
import { UnpackLimits } from "../../../src/image/limits.ts";
import { unpackLayer } from "../../../src/image/unpack.ts";
import { digest, type Entry, scratch, tar } from "./fixtures.ts";
import { packer } from "./packer.ts";

const OCI = "application/vnd.oci.image.layer.v1.tar";
const image = "test.local/app:1";

interface Place {
  readonly folder: string;
  readonly skeletonFile: string;
}

function place(t: { teardown(clean: () => void): void }): Place {
  const folder = scratch(t);
  return { folder: join(folder, "root"), skeletonFile: join(folder, "skeleton.zst") };
}

const gone = (target: Place): boolean => !existsSync(target.folder) && !existsSync(target.skeletonFile);

function unpack(target: Place, bytes: Buffer, change: object = {}, mediaType = OCI, diffId = digest(bytes)) {
  const blob = { mediaType, digest: digest(bytes), size: bytes.length, ...change };
  return unpackLayer(Readable.from([bytes]), { blob, diffId }, target, { packer, image });
}

const entries: readonly Entry[] = [
  { name: "etc/", type: "directory", mode: 0o750, uid: 3, gid: 4 },
  { name: "etc/passwd", content: "root:x:0:0::/root:/bin/sh\n", mode: 0o4755, uid: 5, gid: 6 },
  { name: "etc/link", type: "symlink", linkname: "passwd" },
  { name: "etc/hard", type: "link", linkname: "etc/passwd", mode: 0o4755, uid: 5, gid: 6 },
];

t.test("a layer is written, and its very archive comes back out of folder and skeleton", async (t) => {
  const target = place(t);
  const plain = await tar(entries);
  const bytes = gzipSync(plain);
  const seen = { packed: 0, unpacked: 0 };
  const layer = {
    blob: { mediaType: `${OCI}+gzip`, digest: digest(bytes), size: bytes.length },
    diffId: digest(plain),
  };
  const done = await unpackLayer(Readable.from([bytes]), layer, target, {
    packer,
    image,
    onPacked: (count) => (seen.packed = count),
    onUnpacked: (count) => (seen.unpacked = count),
  });
  t.same(done, { size: 26, diffId: digest(plain), digest: digest(bytes), packedSize: bytes.length });
  t.same(seen, { packed: bytes.length, unpacked: plain.length });
  const file = statSync(join(target.folder, "etc/passwd"));
  t.match(file, { uid: 5, gid: 6, mode: 0o104755, nlink: 2 });
  t.equal(statSync(target.folder).mode & 0o7777, 0o755);
  const skeleton = Readable.from([readFileSync(target.skeletonFile)]).pipe(createZstdDecompress());
  const archive = await packer.pack({ folder: target.folder, layer: layer.diffId, skeleton });
  t.ok((await buffer(archive)).equals(plain));
});

const BAD: Readonly<
  Record<string, readonly [bytes: (plain: Buffer) => Buffer, change: object, type: string, message: RegExp]>
> = {
  "another digest than the manifest's": [
    (plain) => plain,
    { digest: digest("other") },
    OCI,
    /is damaged \(it hashes to/,
  ],
  "another size than the manifest's": [(plain) => plain, { size: 1 }, OCI, /has \d+ bytes where its descriptor says 1/],
  "a cut gzip": [(plain) => gzipSync(plain).subarray(0, -9), {}, `${OCI}+gzip`, /layer sha256:.*: it is cut off/],
  "something else than gzip": [
    (plain) => plain,
    {},
    `${OCI}+gzip`,
    /layer sha256:.*: it cannot be unpacked: incorrect header/,
  ],
  "a foreign layer": [(plain) => plain, {}, "application/vnd.oci.image.layer.nondistributable.v1.tar", /foreign layer/],
  "a media type that is no layer's": [(plain) => plain, {}, "application/wasm", /"application\/wasm" is no layer/],
  "a cut archive": [(plain) => plain.subarray(0, 700), {}, OCI, /layer sha256:/],
};
for (const [name, [make, change, mediaType, message]] of Object.entries(BAD))
  t.test(`${name} is refused with the image's name, and nothing is left`, async (t) => {
    const target = place(t);
    const plain = await tar(entries);
    const error = await unpack(target, make(plain), change, mediaType, digest(plain)).catch((cause: unknown) => cause);
    t.match(error, { code: "InvalidImage", details: { image } });
    t.match((error as Error).message, message);
    t.match((error as Error).message, `image "${image}"`);
    t.ok(gone(target));
  });

t.test("a layer that is not the one that the config names is refused", async (t) => {
  const target = place(t);
  const bytes = await tar(entries);
  const wrong = unpack(target, bytes, {}, OCI, digest("another"));
  await t.rejects(wrong, {
    code: "InvalidImage",
    message: /layer sha256:.*: it unpacks to sha256:.*, the image.s config says to sha256:/,
  });
  t.ok(gone(target));
});

t.test("an entry that leads out is named, and nothing outside is written", async (t) => {
  const target = place(t);
  const bytes = await tar([{ name: "usr/../../outside", content: "x" }]);
  const error = await unpack(target, bytes).catch((cause: unknown) => cause);
  t.match(error, {
    code: "InvalidImage",
    details: { image, layer: digest(bytes), entry: "usr/../../outside" },
    message: `image "${image}": layer ${digest(bytes)}: the entry "usr/../../outside" leads out of the layer`,
  });
  t.ok(gone(target));
  t.same(readdirSync(join(target.folder, "..")), []);
});

t.test("a source that fails ends everything, and its error comes through", async (t) => {
  const target = place(t);
  const source = new PassThrough();
  const running = unpackLayer(source, { blob: { mediaType: OCI } }, target, { packer, image });
  source.write((await tar(entries)).subarray(0, 1536), () => source.destroy(new Error("the line is dead")));
  await t.rejects(running, { message: "the line is dead" });
  t.ok(gone(target));
});

t.test("a cancelled unpacking leaves nothing, and its source is destroyed", async (t) => {
  const target = place(t);
  const source = new PassThrough();
  const cancel = new AbortController();
  const options = { packer, image, signal: cancel.signal, onPacked: () => cancel.abort() };
  const running = unpackLayer(source, { blob: { mediaType: OCI } }, target, options);
  source.write((await tar(entries)).subarray(0, 1536));
  await t.rejects(running, { code: "Cancelled" });
  t.ok(source.destroyed);
  t.ok(gone(target));
});

const GIBI = 1 << 30;

t.test(
  "a layer may unpack to its first GiB whatever its size, then to 300 times that, and never to more than 64 GiB",
  async (t) => {
    const limits = new UnpackLimits({ image, layer: "sha256:00" }, scratch(t));
    await limits.check(1, GIBI);
    await limits.check(1000, GIBI + 300_000);
    t.throws(() => limits.check(1000, GIBI + 300_001), {
      code: "InvalidImage",
      message: `image "${image}": layer sha256:00: it unpacks to more than 300 times its size`,
    });
    await limits.check(30 * GIBI, 64 * GIBI);
    t.throws(() => limits.check(30 * GIBI, 64 * GIBI + 1), { code: "InvalidImage", message: /more than 64 GiB/ });
  },
);

t.test("a file system that is nearly full is not filled: what it has and what stays free is said", async (t) => {
  const folder = join(scratch(t), "small");
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
  t.teardown(() => execFileSync("umount", ["-l", folder]));
  const limits = () => new UnpackLimits({ image, layer: "sha256:00" }, folder);
  await limits().check(1, 1);
  writeFileSync(join(folder, "full"), Buffer.alloc(1020 << 10));
  await t.rejects(Promise.resolve(limits().check(1, 1)), {
    code: "StateUnavailable",
    message: /the file system of .* has only 0 MiB left/,
    details: { image, folder, freeBytes: 4096 },
  });
});

t.test("a file system's last inodes are not taken by a layer of many small files", async (t) => {
  const folder = join(scratch(t), "small");
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m,nr_inodes=100", "tmpfs", folder]);
  t.teardown(() => execFileSync("umount", ["-l", folder]));
  const limits = () => new UnpackLimits({ image, layer: "sha256:00" }, folder);
  await limits().check(1, 1);
  for (let at = 0; at < 98; at++) writeFileSync(join(folder, String(at)), "");
  await t.rejects(Promise.resolve(limits().check(1, 1)), {
    code: "StateUnavailable",
    message: /has only 1 inodes left, and podrun keeps 2 of it free/,
  });
});

t.test("a disk that fills up is said to be full, and nothing is left on it", async (t) => {
  const folder = join(scratch(t), "small");
  mkdirSync(folder);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]);
  t.teardown(() => execFileSync("umount", ["-l", folder]));
  const target = { folder: join(folder, "root"), skeletonFile: join(folder, "skeleton.zst") };
  const error = await unpack(target, await tar([{ name: "large", content: randomBytes(2 << 20) }])).catch(
    (cause) => cause,
  );
  t.match(error, { code: "StateUnavailable", message: /the file system is full; make room/ });
  t.same(readdirSync(folder), []);
});

t.test("a folder where something is in the way of the skeleton is an error, not a layer", async (t) => {
  const target = place(t);
  mkdirSync(join(target.folder, ".."), { recursive: true });
  writeFileSync(target.skeletonFile, "");
  await t.rejects(unpack(target, await tar(entries)), { code: "StateUnavailable" });
});
