// Images whose parts contradict one another, pulled by the daemon from a registry that serves them.
import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import t from "tap";
import { type BadImages, expectRefusal, setUpBadImages } from "./support/bad-images.ts";
import { send } from "./support/hostile-registry.ts";
import { type Blob, type BuiltImage, blobOf, buildImage, buildIndex, type ImageParts } from "./support/push.ts";
import { rawEntry, rawTar } from "./support/tar.ts";

const FILE = [{ name: "file", content: randomBytes(100_000).toString("hex") }];
const PARTS: ImageParts = { layers: [rawTar([{ name: "base", content: "base" }]), rawTar(FILE)] };

interface Manifest {
  schemaVersion: number;
  mediaType?: string;
  config: { mediaType: string; digest: string; size: number };
  layers: { mediaType: string; digest: string; size: number }[];
}

/** The image with another manifest. */
function remade(image: BuiltImage, change: (manifest: Manifest) => void): BuiltImage {
  const manifest = JSON.parse(String(image.manifest.bytes)) as Manifest;
  change(manifest);
  return { ...image, manifest: blobOf(Buffer.from(JSON.stringify(manifest))) };
}

/** The image with another config, which its manifest names. */
function configured(image: BuiltImage, bytes: Buffer): BuiltImage {
  const config = blobOf(bytes);
  const made = remade(image, (manifest) =>
    Object.assign(manifest.config, { digest: config.digest, size: bytes.length }),
  );
  return { ...made, blobs: [config, ...image.blobs.slice(1)] };
}

/** The image with another blob as its last layer, which its manifest names. */
function layered(image: BuiltImage, bytes: Buffer, mediaType?: string): BuiltImage {
  const layer = blobOf(bytes);
  const change = { digest: layer.digest, size: bytes.length, ...(mediaType !== undefined && { mediaType }) };
  const made = remade(image, ({ layers }) => Object.assign(layers.at(-1) ?? {}, change));
  return { ...made, blobs: [...image.blobs.slice(0, -1), layer] };
}

const last = (image: BuiltImage): Blob => image.blobs.at(-1) as Blob;

interface Case {
  readonly name: string;
  readonly words: RegExp;
  /** Serves it; what the error must name besides the image. */
  readonly serve: (
    test: BadImages,
    image: BuiltImage,
    name: string,
  ) => { readonly layer?: string | undefined } | undefined;
}

const LAYERS: readonly Case[] = [
  {
    name: "a layer with another digest, packed",
    words: /cannot be unpacked|hashes to/,
    serve: ({ registry }, image, name) => {
      registry.serve(name, image);
      const other = Buffer.from(last(image).bytes);
      other[other.length >> 1] = (other[other.length >> 1] ?? 0) ^ 1;
      registry.serveBlob(name, last(image).digest, other);
      return { layer: last(image).digest };
    },
  },
  {
    name: "a layer with another digest, not packed",
    words: /hashes to/,
    serve: ({ registry }, image, name) => {
      const plain = rawTar(FILE);
      const made = layered(image, plain, "application/vnd.oci.image.layer.v1.tar");
      registry.serve(name, made);
      const other = Buffer.from(plain);
      other[plain.length >> 1] = (other[plain.length >> 1] ?? 0) ^ 1;
      registry.serveBlob(name, last(made).digest, other);
      return { layer: last(made).digest };
    },
  },
  {
    name: "a whole other layer of the same length",
    words: /digest|unpacked|packed/,
    serve: ({ registry }, image, name) => {
      registry.serve(name, image);
      registry.serveBlob(name, last(image).digest, randomBytes(last(image).bytes.length));
      return { layer: last(image).digest };
    },
  },
  {
    name: "a layer that unpacks to something else than the config says",
    words: /hashes to|unpacks to/,
    serve: ({ registry }, image, name) => {
      const config = JSON.parse(String(image.blobs[0]?.bytes)) as { rootfs: { diff_ids: string[] } };
      config.rootfs.diff_ids[1] = `sha256:${"0".repeat(64)}`;
      registry.serve(name, configured(image, Buffer.from(JSON.stringify(config))));
      return { layer: last(image).digest };
    },
  },
  {
    name: "a layer whose gzip data is cut off",
    words: /cut off|too early|truncated|ends/,
    serve: ({ registry }, image, name) => {
      const made = layered(image, last(image).bytes.subarray(0, 50_000));
      registry.serve(name, made);
      return { layer: last(made).digest };
    },
  },
  {
    name: "a layer whose archive is cut off",
    words: /cut off|truncated|damaged/,
    serve: ({ registry }, image, name) => {
      const made = layered(image, gzipSync(Buffer.concat(rawEntry(FILE[0] as never)).subarray(0, 90_112)));
      registry.serve(name, made);
      return { layer: last(made).digest };
    },
  },
  {
    name: "a layer that is no archive",
    words: /damaged|no tar|not.*tar/,
    serve: ({ registry }, image, name) => {
      const made = layered(image, gzipSync(randomBytes(10_000)));
      registry.serve(name, made);
      return { layer: last(made).digest };
    },
  },
  {
    name: "a layer that is not packed as its manifest says",
    words: /unpacked|header|gzip/,
    serve: ({ registry }, image, name) => {
      const made = layered(image, rawTar(FILE));
      registry.serve(name, made);
      return { layer: last(made).digest };
    },
  },
  {
    name: "a gzip bomb that writes a file",
    words: /times its size|more than|file system/,
    serve: ({ registry }, image, name) => {
      // Members of 16 MiB of zeros, 600 of them: 10 GiB in 10 MB.
      const header = Buffer.concat(rawEntry({ name: "zeros", size: 600 * 2 ** 24 }));
      const zeros = gzipSync(Buffer.alloc(2 ** 24));
      const made = layered(image, Buffer.concat([gzipSync(header), ...Array.from({ length: 600 }, () => zeros)]));
      registry.serve(name, made);
      return { layer: last(made).digest };
    },
  },
  {
    name: "a gzip bomb after the end of the archive",
    words: /times its size|more than/,
    serve: ({ registry }, image, name) => {
      const zeros = gzipSync(Buffer.alloc(2 ** 24));
      const made = layered(image, Buffer.concat([gzipSync(rawTar(FILE)), ...Array.from({ length: 600 }, () => zeros)]));
      registry.serve(name, made);
      return { layer: last(made).digest };
    },
  },
  {
    name: "a layer of a type that nobody knows",
    words: /media type|no layer|not supported|knows/i,
    serve: ({ registry }, image, name) => {
      registry.serve(
        name,
        remade(image, ({ layers }) => Object.assign(layers[1] ?? {}, { mediaType: "text/html" })),
      );
      return { layer: "layer 2" };
    },
  },
];

const size = (name: string, change: number, pick: (manifest: Manifest) => { size: number } | undefined): Case => ({
  name,
  words: /size|bytes/,
  serve: ({ registry }, image, repository) => {
    const made = remade(image, (manifest) => {
      const descriptor = pick(manifest);
      if (descriptor !== undefined) descriptor.size += change;
    });
    registry.serve(repository, made);
    return undefined;
  },
});

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

const MANIFESTS: readonly Case[] = [
  size("a layer longer than the manifest says", -100, ({ layers }) => layers[1]),
  size("a layer shorter than the manifest says", 100, ({ layers }) => layers[1]),
  size("a layer that the manifest says to be of exabytes", 2 ** 60, ({ layers }) => layers[1]),
  size("a config longer than the manifest says", -1, ({ config }) => config),
  size("a config shorter than the manifest says", 1, ({ config }) => config),
  size("a negative size", -1e9, ({ layers }) => layers[1]),
  {
    name: "a config that is no JSON",
    words: /JSON/,
    serve: ({ registry }, image, name) => void registry.serve(name, configured(image, Buffer.from("{ not JSON"))),
  },
  {
    name: "a config that is JSON and no config",
    words: /config/,
    serve: ({ registry }, image, name) => void registry.serve(name, configured(image, json(["config"]))),
  },
  {
    name: "a config of another digest",
    words: /hashes to/,
    serve: ({ registry }, image, name) => {
      registry.serve(name, image);
      registry.serveBlob(name, image.id, Buffer.from(String(image.blobs[0]?.bytes).replace("2020", "2021")));
      return undefined;
    },
  },
  {
    name: "a config with fewer layers than the manifest",
    words: /layers/,
    serve: ({ registry }, image, name) => {
      const config = {
        ...image.platform,
        config: {},
        rootfs: { type: "layers", diff_ids: [image.diffIds[0]] },
      };
      return void registry.serve(name, configured(image, json(config)));
    },
  },
  {
    name: "a manifest that is no JSON",
    words: /JSON/,
    serve: ({ registry }, image, name) =>
      void registry.serveManifest(
        name,
        image.mediaType,
        blobOf(Buffer.from("<html>Please log in to this hotel's network</html>")),
      ),
  },
  {
    name: "a manifest of a type that nobody knows",
    words: /type/,
    serve: ({ registry }, image, name) => {
      const made = remade(image, (manifest) => Object.assign(manifest, { mediaType: "text/html" }));
      return void registry.serve(name, { ...made, mediaType: "text/html" });
    },
  },
  {
    name: "a manifest of many megabytes",
    words: /larger|more than|too large|MiB/,
    serve: ({ registry }, image, name) => {
      const annotations = { long: "x".repeat(20 << 20) };
      return void registry.serve(
        name,
        remade(image, (manifest) => Object.assign(manifest, { annotations })),
      );
    },
  },
  {
    name: "a manifest with a digest that is none",
    words: /digest/,
    serve: ({ registry }, image, name) =>
      void registry.serve(
        name,
        remade(image, ({ layers }) => Object.assign(layers[0] ?? {}, { digest: "sha256:../../../etc/passwd" })),
      ),
  },
  {
    name: "a manifest other than its digest says",
    words: /digest/,
    serve: ({ registry }, image, name) => {
      registry.serve(name, image);
      const other = remade(image, (manifest) => Object.assign(manifest, { annotations: { other: "yes" } }));
      registry.misbehave(new RegExp(`GET /v2/${name}/manifests/`), send(other.manifest.bytes));
      return undefined;
    },
  },
  {
    name: "an index without our platform",
    words: /linux\/(amd64|arm64).*(s390x|riscv64)|(s390x|riscv64).*linux\/(amd64|arm64)/,
    serve: ({ registry }, image, name) => {
      const others = ["s390x", "riscv64"].map((architecture) => ({
        ...image,
        platform: { os: "linux", architecture },
      }));
      const index = buildIndex(others);
      return void registry.serveManifest(name, index.mediaType, index.manifest);
    },
  },
  {
    name: "an index that is its own only image",
    words: /./,
    serve: ({ registry }, image, name) => {
      const mediaType = "application/vnd.oci.image.index.v1+json";
      const inner = buildIndex([{ ...image, mediaType }]);
      registry.serveManifest(name, mediaType, { ...inner.manifest, digest: image.manifest.digest });
      return void registry.serveManifest(name, mediaType, inner.manifest);
    },
  },
];

for (const [what, cases] of [
  ["layers", LAYERS],
  ["manifests and configs", MANIFESTS],
] as const)
  t.test(`bad ${what} are refused, named, and leave nothing`, async (t) => {
    const test = await setUpBadImages(t);
    for (const [index, { name, words, serve }] of cases.entries())
      await t.test(name, async (t) => {
        const repository = `bad-${index}`;
        const named = serve(test, await buildImage(PARTS), repository);
        const image = { reference: `${test.registry.host}/${repository}:1`, layer: named?.layer };
        const { stderr } = await expectRefusal(t, test, image, words);
        t.comment(stderr.trim());
        test.registry.behave();
      });
  });

t.test("an image for another architecture is refused by name", async (t) => {
  const test = await setUpBadImages(t);
  const image = await test.registry.image("other", { ...PARTS, architecture: "s390x" });
  await expectRefusal(t, test, image, /s390x/);
});

t.test("a tag asked for by digest must have it", async (t) => {
  const test = await setUpBadImages(t);
  const image = await test.registry.image("by-digest", PARTS);
  test.registry.misbehave(/GET \/v2\/by-digest\//, send(Buffer.from("{}")));
  const reference = `${test.registry.host}/by-digest@${image.manifest.digest}`;
  await expectRefusal(t, test, { reference }, /digest/);
});

t.test("what a full disk, a disk without inodes and a read-only one have taken is given back", async (t) => {
  // One layer each: of several that come at once, any may be the one that finds nothing left.
  const big: ImageParts = { layers: [rawTar([{ name: "zeros", content: Buffer.alloc(90 << 20) }])] };
  const many: ImageParts = {
    layers: [rawTar(Array.from({ length: 6000 }, (_, index) => ({ name: `many/${index}` })))],
  };
  for (const [disk, parts] of [
    ["size=64m", big],
    ["size=64m,nr_inodes=3000", many],
  ] as const) {
    const test = await setUpBadImages(t, { disk });
    const image = await test.registry.image("big", parts);
    await expectRefusal(t, test, { ...image, layer: image.blobs[1]?.digest }, /full|no space|left/i);
  }
});
