// Reading an OCI image layout (image-spec, image-layout.md): which images it holds, and the one for this machine of each.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf } from "../base/errors.ts";
import { badBlob, type Descriptor, readJsonBlob } from "./blob.ts";
import { FieldReader, machineArchitecture, readImageConfig, wrongArchitecture } from "./config.ts";
import { normalizeReference } from "./reference.ts";
import type { ImageConfig } from "./types.ts";

export interface LayoutImage {
  /** Normalised; the name with its tag, and with the manifest's digest. */
  readonly references: readonly string[];
  /** Digest of the config. */
  readonly id: string;
  readonly config: ImageConfig;
  /** Lowest first: the blob, and the digest of what it unpacks to. */
  readonly layers: readonly { readonly blob: Descriptor; readonly diffId: string }[];
}

interface Candidate extends Descriptor {
  /** OS/ARCHITECTURE, where the index says it. */
  readonly platform: string | undefined;
}

const INDEX_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const MANIFEST_TYPES = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/**
 * The images of a layout in a folder. `label` names it in errors; `name`, where given, is the name of the only image in it.
 * Throws InvalidImage, WrongArchitecture.
 */
export async function readLayout(folder: string, label: string, name?: string): Promise<readonly LayoutImage[]> {
  const fields = new FieldReader(label);
  const index = fields.object(await readIndex(folder, label), "index.json");
  const named = new Map<string, Candidate[]>();
  for (const [at, raw] of fields.objects(index["manifests"], "index.json manifests").entries()) {
    const reference = name ?? nameOf(fields.textMap(raw["annotations"], `manifests[${at}].annotations`));
    const candidates = await expand(folder, readDescriptor(fields, raw, `manifests[${at}]`), raw, label, 0);
    if (candidates.length === 0) continue;
    if (reference === undefined) {
      throw badBlob(
        label,
        `index.json does not name its image (annotation org.opencontainers.image.ref.name); give a name`,
      );
    }
    const key = normalizeReference(reference);
    named.set(key, [...(named.get(key) ?? []), ...candidates]);
  }
  if (named.size === 0) throw badBlob(label, "index.json names no image");
  return Promise.all([...named].map(([reference, candidates]) => readImage(folder, reference, candidates)));
}

async function readIndex(folder: string, label: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, "index.json"), "utf8"));
  } catch (error) {
    if (errnoOf(error) !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
    const what = errnoOf(error) === "ENOENT" ? "it has no index.json" : "its index.json is not JSON";
    throw badBlob(
      label,
      `${what}; an OCI image layout is needed, as "skopeo copy … oci-archive:FILE:NAME" writes it`,
      error,
    );
  }
}

/** containerd and Docker write the whole name; the OCI annotation may be a bare tag, which names nothing. */
function nameOf(annotations: Readonly<Record<string, string>>): string | undefined {
  const whole = annotations["io.containerd.image.name"];
  const reference = annotations["org.opencontainers.image.ref.name"];
  return whole ?? (reference !== undefined && /[/:]/.test(reference) ? reference : undefined);
}

function readDescriptor(fields: FieldReader, raw: Readonly<Record<string, unknown>>, field: string): Descriptor {
  return {
    mediaType: fields.text(raw["mediaType"], `${field}.mediaType`),
    digest: fields.text(raw["digest"], `${field}.digest`),
    size: Number(raw["size"]),
  };
}

/** The manifests behind a descriptor: itself, or those of an index, which may hold indexes again. */
async function expand(
  folder: string,
  descriptor: Descriptor,
  raw: Readonly<Record<string, unknown>>,
  label: string,
  depth: number,
): Promise<readonly Candidate[]> {
  const fields = new FieldReader(label);
  if (MANIFEST_TYPES.includes(descriptor.mediaType)) {
    const platform = raw["platform"] === undefined ? undefined : fields.textMap(raw["platform"], "platform");
    // Attestations of a build lie beside the images, as manifests for unknown/unknown.
    if (platform?.["os"] === "unknown") return [];
    return [{ ...descriptor, platform: platform && `${platform["os"]}/${platform["architecture"]}` }];
  }
  if (!INDEX_TYPES.includes(descriptor.mediaType) || depth > 3) {
    throw badBlob(label, `"${descriptor.mediaType}" is neither an image manifest nor an index of them`);
  }
  const index = fields.object(await readJsonBlob(folder, descriptor, label), descriptor.digest);
  const nested = fields
    .objects(index["manifests"], `${descriptor.digest} manifests`)
    .map((inner) => expand(folder, readDescriptor(fields, inner, "manifest"), inner, label, depth + 1));
  return (await Promise.all(nested)).flat();
}

async function readImage(folder: string, reference: string, candidates: readonly Candidate[]): Promise<LayoutImage> {
  const machine = `linux/${machineArchitecture()}`;
  const found: string[] = [];
  for (const candidate of candidates) {
    if (candidate.platform !== undefined && candidate.platform !== machine) {
      found.push(candidate.platform);
      continue;
    }
    const image = await readManifest(folder, reference, candidate);
    const platform = `${image.config.os}/${image.config.architecture}`;
    if (platform === machine) return image;
    found.push(platform);
  }
  throw wrongArchitecture(reference, found);
}

async function readManifest(folder: string, reference: string, candidate: Descriptor): Promise<LayoutImage> {
  const fields = new FieldReader(reference);
  const manifest = fields.object(await readJsonBlob(folder, candidate, reference), "manifest");
  const configBlob = readDescriptor(fields, fields.object(manifest["config"], "config"), "config");
  const { config, diffIds } = readImageConfig(await readJsonBlob(folder, configBlob, reference), reference);
  const blobs = fields
    .objects(manifest["layers"], "layers")
    .map((raw, index) => readDescriptor(fields, raw, `layers[${index}]`));
  if (blobs.length !== diffIds.length) {
    throw badBlob(reference, `the manifest has ${blobs.length} layers, the config ${diffIds.length}`);
  }
  const withDigest = `${reference.replace(/@.*$/, "").replace(/:[^/:]*$/, "")}@${candidate.digest}`;
  return {
    references: [reference, withDigest],
    id: configBlob.digest,
    config,
    layers: blobs.map((blob, index) => ({ blob, diffId: diffIds[index] ?? "" })),
  };
}
