// Images made of their parts, and put into a registry by plain HTTP: also those that skopeo would refuse.
import { createHash } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { machineArchitecture } from "../../../src/image/config.ts";
import { type Entry, tar } from "../../unit/image/fixtures.ts";
import type { Registry } from "./registry.ts";

export type ImageFormat = "oci" | "docker";
export type Compression = "gzip" | "zstd" | "none";

export interface ImageParts {
  /** Lowest first; each a whole tar archive, or its entries. */
  readonly layers: readonly (Buffer | readonly Entry[])[];
  /** The config's `config` object: Env, Cmd … */
  readonly config?: object;
  readonly format?: ImageFormat;
  readonly compression?: Compression;
  readonly architecture?: string;
  readonly variant?: string;
}

export interface Blob {
  readonly digest: string;
  readonly bytes: Buffer;
}

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** An image as a registry holds it. */
export interface BuiltImage {
  readonly mediaType: string;
  readonly manifest: Blob;
  /** The config, then the layers, lowest first. */
  readonly blobs: readonly Blob[];
  /** The config's digest: the image's id. */
  readonly id: string;
  /** Of the uncompressed layers. */
  readonly diffIds: readonly string[];
  readonly platform: { readonly architecture: string; readonly os: string; readonly variant?: string };
}

const TYPES = {
  oci: {
    manifest: "application/vnd.oci.image.manifest.v1+json",
    index: "application/vnd.oci.image.index.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
    zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
    none: "application/vnd.oci.image.layer.v1.tar",
  },
  docker: {
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    gzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    zstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
    none: "application/vnd.docker.image.rootfs.diff.tar",
  },
} as const;

const PACK: Readonly<Record<Compression, (bytes: Buffer) => Buffer>> = {
  gzip: (bytes) => gzipSync(bytes),
  zstd: (bytes) => zstdCompressSync(bytes),
  none: (bytes) => bytes,
};

export const sha256 = (bytes: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

export const blobOf = (bytes: Buffer): Blob => ({ digest: sha256(bytes), bytes });

const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));

export async function buildImage(parts: ImageParts): Promise<BuiltImage> {
  const types = TYPES[parts.format ?? "oci"];
  const compression = parts.compression ?? "gzip";
  const archives: Buffer[] = [];
  for (const layer of parts.layers) archives.push(Buffer.isBuffer(layer) ? layer : await tar(layer));
  const diffIds = archives.map(sha256);
  const platform = {
    architecture: parts.architecture ?? machineArchitecture(),
    os: "linux",
    ...(parts.variant !== undefined && { variant: parts.variant }),
  };
  const config = blobOf(
    json({
      created: "2020-01-01T00:00:00Z",
      ...platform,
      config: parts.config ?? {},
      rootfs: { type: "layers", diff_ids: diffIds },
      history: diffIds.map(() => ({ created: "2020-01-01T00:00:00Z", created_by: "test" })),
    }),
  );
  const layers = archives.map((bytes) => blobOf(PACK[compression](bytes)));
  const manifest = json({
    schemaVersion: 2,
    mediaType: types.manifest,
    config: describe(types.config, config),
    layers: layers.map((layer) => describe(types[compression], layer)),
  });
  return {
    mediaType: types.manifest,
    manifest: blobOf(manifest),
    blobs: [config, ...layers],
    id: config.digest,
    diffIds,
    platform,
  };
}

export const describe = (mediaType: string, { digest, bytes }: Blob): Descriptor => ({
  mediaType,
  digest,
  size: bytes.length,
});

/** An index (OCI) or manifest list (Docker) of images, with their platforms. */
export function buildIndex(images: readonly BuiltImage[], format: ImageFormat = "oci") {
  const manifests = images.map((image) => ({ ...describe(image.mediaType, image.manifest), platform: image.platform }));
  const mediaType = TYPES[format].index;
  return { mediaType, manifest: blobOf(json({ schemaVersion: 2, mediaType, manifests })) };
}

/** Builds an image, uploads it and names it. `name`: `app:1`, or without a tag. Its whole name, and what it is made of. */
export async function pushImage(
  registry: Registry,
  { name, ...parts }: ImageParts & { readonly name: string },
): Promise<BuiltImage & { readonly reference: string }> {
  const image = await buildImage(parts);
  return { ...image, reference: await pushBuilt(registry, name, image) };
}

/** Uploads images and an index of them. */
export async function pushIndex(
  registry: Registry,
  { name, images, format }: { name: string; images: readonly ImageParts[]; format?: ImageFormat },
): Promise<{ readonly reference: string; readonly digest: string; readonly images: readonly BuiltImage[] }> {
  const built = await Promise.all(images.map(buildImage));
  for (const image of built) await pushBuilt(registry, `${split(name)[0]}@${image.manifest.digest}`, image);
  const index = buildIndex(built, format);
  return {
    reference: await putManifest(registry, name, index.mediaType, index.manifest),
    digest: index.manifest.digest,
    images: built,
  };
}

export async function pushBuilt(registry: Registry, name: string, image: BuiltImage): Promise<string> {
  for (const blob of image.blobs) await putBlob(registry, split(name)[0], blob.digest, blob.bytes);
  return putManifest(registry, name, image.mediaType, image.manifest);
}

/** One upload in one piece (OCI distribution-spec, "Pushing a blob monolithically", POST then PUT). */
export async function putBlob(
  registry: Registry,
  repository: string,
  digest: string,
  body: Buffer | NodeJS.ReadableStream,
): Promise<void> {
  const path = `/v2/${repository}/blobs`;
  if ((await registry.send("HEAD", `${path}/${digest}`)).status === 200) return;
  const begun = await registry.send("POST", `${path}/uploads/`, { headers: { "content-length": 0 } });
  const place = new URL(begun.headers.location ?? "", registry.url);
  place.searchParams.set("digest", digest);
  const headers = { "content-type": "application/octet-stream" };
  const { status, body: text } = await registry.send("PUT", place.pathname + place.search, { body, headers });
  if (status !== 201) throw new Error(`PUT of ${digest}: ${status} ${text}`);
}

/** `name`: REPOSITORY:TAG or REPOSITORY@DIGEST. The whole name. */
export async function putManifest(
  registry: Registry,
  name: string,
  mediaType: string,
  { bytes }: Blob,
): Promise<string> {
  const [repository, version] = split(name);
  const options = { body: bytes, headers: { "content-type": mediaType } };
  const { status, body } = await registry.send("PUT", `/v2/${repository}/manifests/${version}`, options);
  if (status !== 201) throw new Error(`PUT of manifest ${name}: ${status} ${body}`);
  return `${registry.host}/${repository}${version?.includes(":") ? "@" : ":"}${version}`;
}

function split(name: string): [repository: string, version: string] {
  const at = name.includes("@") ? name.indexOf("@") : name.lastIndexOf(":");
  return at < 0 ? [name, "latest"] : [name.slice(0, at), name.slice(at + 1)];
}
