// Manifests and indexes: OCI's (image-spec, manifest.md, image-index.md) and Docker's schema 2.
import type { Descriptor } from "./blob.ts";
import { badBlob } from "./blob.ts";
import { FieldReader, readImageConfig } from "./config.ts";
import { packingOf } from "./decompress.ts";
import { formatPlatform, type Platform } from "./platform.ts";
import type { ImageConfig } from "./types.ts";

const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];
/** Old builders wrote an octet stream. */
const CONFIG_TYPES = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
  "application/octet-stream",
];

const DIGEST = /^sha256:[a-f0-9]{64}$/;

/** overlay's own limit (OVL_MAX_STACK in the kernel): no container could be made from more. */
const LAYERS_LIMIT = 500;
const INDEX_LIMIT = 1000;

export interface IndexEntry extends Descriptor {
  /** Absent where the index does not say it. */
  readonly platform?: Platform;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Manifest {
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
}

/** What a document is: its `mediaType` field counts, then what it came as; some registries send none. */
export function kindOf(mediaType: string, document: unknown): "index" | "manifest" | "other" {
  const raw = typeof document === "object" && document !== null ? (document as Record<string, unknown>) : {};
  const type = typeof raw["mediaType"] === "string" && raw["mediaType"] !== "" ? raw["mediaType"] : mediaType;
  if (INDEX_TYPES.includes(type)) return "index";
  if (MANIFEST_TYPES.includes(type)) return "manifest";
  if (/json/.test(type) && raw["schemaVersion"] === 2) return Array.isArray(raw["manifests"]) ? "index" : "manifest";
  return "other";
}

export function readIndex(raw: unknown, image: string, label = "index"): readonly IndexEntry[] {
  const fields = new FieldReader(image);
  const entries = fields.objects(fields.object(raw, label)["manifests"], `${label} manifests`);
  if (entries.length > INDEX_LIMIT)
    throw badBlob(image, `the ${label} has ${entries.length} manifests; at most ${INDEX_LIMIT} are read`);
  return entries.map((entry, at) => {
    const field = `${label} manifests[${at}]`;
    const platform =
      entry["platform"] === undefined || entry["platform"] === null
        ? undefined
        : fields.object(entry["platform"], `${field}.platform`);
    return {
      ...readDescriptor(fields, entry, field, image),
      annotations: fields.textMap(entry["annotations"], `${field}.annotations`),
      ...(platform && {
        platform: {
          os: fields.text(platform["os"], `${field}.platform.os`),
          architecture: fields.text(platform["architecture"], `${field}.platform.architecture`),
          variant: fields.text(platform["variant"], `${field}.platform.variant`),
        },
      }),
    };
  });
}

/** Throws InvalidImage, for artifacts too: charts, signatures, attestations are kept in registries as manifests. */
export function readManifest(raw: unknown, image: string): Manifest {
  const fields = new FieldReader(image);
  const manifest = fields.object(raw, "manifest");
  const config = readDescriptor(fields, fields.object(manifest["config"], "manifest config"), "manifest config", image);
  if (!CONFIG_TYPES.includes(config.mediaType)) throw notAnImage(image, config.mediaType);
  const layers = fields.objects(manifest["layers"], "manifest layers");
  if (layers.length > LAYERS_LIMIT) throw tooManyLayers(image, layers.length);
  return {
    config,
    layers: layers.map((layer, at) => {
      const descriptor = readDescriptor(fields, layer, `manifest layers[${at}]`, image);
      if (packingOf(descriptor.mediaType) === undefined) throw unknownLayer(image, at, descriptor.mediaType);
      return descriptor;
    }),
  };
}

/** Throws InvalidImage. */
export function readDescriptor(
  fields: FieldReader,
  raw: Readonly<Record<string, unknown>>,
  field: string,
  image: string,
): Descriptor {
  const digest = fields.text(raw["digest"], `${field}.digest`);
  const size = raw["size"];
  if (!DIGEST.test(digest))
    throw badBlob(image, `${field}.digest is "${digest}": want sha256: and 64 hexadecimal digits`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw badBlob(image, `${field}.size is ${JSON.stringify(size)}: want a number of bytes`);
  }
  return { mediaType: fields.text(raw["mediaType"], `${field}.mediaType`), digest, size };
}

const tooManyLayers = (image: string, count: number) =>
  badBlob(image, `it has ${count} layers; at most ${LAYERS_LIMIT} can be mounted`);

export function notAnImage(image: string, type: string) {
  return badBlob(image, `it is not a container image but "${type}"`);
}

function unknownLayer(image: string, at: number, type: string) {
  return badBlob(
    image,
    `layer ${at + 1} is "${type}", which is no layer of a container image; tar, tar+gzip and tar+zstd are`,
  );
}

export interface ReadConfig {
  readonly id: string;
  readonly rawConfig: string;
  readonly config: ImageConfig;
  readonly platform: Platform;
  readonly diffIds: readonly string[];
}

/** Reads an image's config from its bytes, whose digest has been checked. Throws InvalidImage. */
export function readConfig(bytes: Buffer, descriptor: Descriptor, image: string): ReadConfig {
  const raw = parseJson(bytes, image, `its config ${descriptor.digest}`);
  const { config, diffIds } = readImageConfig(raw, image);
  if (diffIds.length > LAYERS_LIMIT) throw tooManyLayers(image, diffIds.length);
  const bad = diffIds.find((digest) => !DIGEST.test(digest));
  if (bad !== undefined) throw badBlob(image, `rootfs.diff_ids has "${bad}": want sha256: and 64 hexadecimal digits`);
  const variant = (raw as Readonly<Record<string, unknown>>)["variant"];
  const platform = {
    os: config.os,
    architecture: config.architecture,
    variant: typeof variant === "string" ? variant : "",
  };
  if (platform.os === "" || platform.architecture === "") {
    throw badBlob(image, `its config does not say its platform ("${formatPlatform(platform)}")`);
  }
  const rawConfig = bytes.toString("utf8");
  // It is kept as text, and must come out of it byte for byte.
  if (!Buffer.from(rawConfig).equals(bytes)) throw badBlob(image, `its config ${descriptor.digest} is not UTF-8`);
  if (isDeep(rawConfig))
    throw badBlob(
      image,
      `its config ${descriptor.digest} has lists and objects in one another deeper than ${DEPTH_LIMIT}`,
    );
  return { id: descriptor.digest, rawConfig, config, platform, diffIds };
}

/** Real configs have four. V8 reads any depth, and writes some thousands: `inspect` writes what was read here. */
const DEPTH_LIMIT = 100;

function isDeep(json: string): boolean {
  let depth = 0;
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[{\]}]/g)) {
    if (token === "[" || token === "{") depth++;
    else if (token === "]" || token === "}") depth--;
    if (depth > DEPTH_LIMIT) return true;
  }
  return false;
}

export function parseJson(bytes: Buffer, image: string, what: string): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw badBlob(image, `${what} is not JSON`, error);
  }
}
