// Reading an OCI image layout (image-spec, image-layout.md): which images it holds, and the one for this machine of each.
import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { type ArchiveFiles, DocumentReader, openStored } from "./archive.ts";
import { badBlob, type Descriptor } from "./blob.ts";
import { type ChosenImage, chooseImage, type Document, type Documents } from "./choose.ts";
import { type IndexEntry, parseJson, readIndex } from "./manifest.ts";
import { type Platform, parsePlatform } from "./platform.ts";
import { formatReference, nameOf, parseReference } from "./reference.ts";

/** An image that lies in an archive. */
export interface StoredImage {
  readonly chosen: ChosenImage;
  /** Normalised; with its tag, and with digests. Empty: it has no name. */
  readonly references: readonly string[];
  open(blob: Descriptor): Readable;
}

const INDEX = "application/vnd.oci.image.index.v1+json";

/** undefined: it is no OCI layout. `label` names it in errors. Throws InvalidImage, WrongArchitecture. */
export async function readLayout(
  files: ArchiveFiles,
  label: string,
  platform = parsePlatform(),
): Promise<readonly StoredImage[] | undefined> {
  const index = files.find("index.json");
  if (index === undefined) return undefined;
  const reader = new DocumentReader();
  const entries = readIndex(
    parseJson(await reader.read(index, label, "index.json"), label, "its index.json"),
    label,
    "index.json",
  );
  const named = Map.groupBy(
    entries.filter(({ platform }) => platform?.os !== "unknown"),
    (entry) => nameIn(entry) ?? entry.digest,
  );
  return Promise.all([...named].map(([key, group]) => readGroup(files, key, group, { label, platform, reader })));
}

/** Entries with one name are one image for several platforms. */
async function readGroup(
  files: ArchiveFiles,
  key: string,
  group: readonly IndexEntry[],
  { label, platform, reader }: { readonly label: string; readonly platform: Platform; readonly reader: DocumentReader },
): Promise<StoredImage> {
  const [first] = group as [IndexEntry];
  const name = key === first.digest ? undefined : key;
  const image = name ?? label;
  if (name !== undefined) requireOwnDigest(name, group.length === 1 ? first.digest : undefined, label);
  const documents = documentsOf(files, reader, image, LAYOUT);
  const top = group.length === 1 ? await documents.manifest(first) : joined(group);
  const chosen = await chooseImage(top, { documents, image, platform });
  const digests = group.length === 1 ? [first.digest, chosen.manifestDigest] : [chosen.manifestDigest];
  return {
    chosen,
    references: name === undefined ? [] : withDigests(name, digests),
    open: (blob) => {
      const file = files.find(blobName(blob.digest));
      if (file === undefined) throw badBlob(image, `blob ${blob.digest} is missing in ${label}`);
      return openStored(file, image, blob.digest);
    },
  };
}

/**
 * A name with a digest is a promise about what it means, and archives' own names are only somebody's words: pods name images
 * by their digests so that nothing else can come in their place. `digest`: of what the name stands at.
 */
export function requireOwnDigest(name: string, digest: string | undefined, label: string): void {
  const claimed = parseReference(name).digest;
  if (claimed === undefined || claimed === digest) return;
  const found = digest === undefined ? "something without a digest" : digest;
  throw badBlob(label, `it gives the name "${name}" to ${found}; a name's digest must be the manifest's own`);
}

function withDigests(name: string, digests: readonly string[]): readonly string[] {
  const { domain, path } = parseReference(name);
  return [...new Set([name, ...digests.map((digest) => formatReference({ domain, path, digest }))])];
}

const joined = (group: readonly IndexEntry[]): Document => ({
  mediaType: INDEX,
  digest: "index.json",
  bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: group })),
});

/** What the files of documents are called, by digest. */
export interface FileNames {
  readonly manifest: (digest: string) => string;
  readonly blob: (digest: string) => string;
}

const blobName = (digest: string): string => `blobs/sha256/${digest.slice("sha256:".length)}`;
const LAYOUT: FileNames = { manifest: blobName, blob: blobName };

export function documentsOf(files: ArchiveFiles, reader: DocumentReader, image: string, names: FileNames): Documents {
  const read = async (name: string, { digest, size }: Descriptor): Promise<Buffer> => {
    const file = files.find(name);
    if (file === undefined) throw badBlob(image, `blob ${digest} is missing`);
    const bytes = await reader.read(file, image, `blob ${digest}`);
    const found = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    if (found !== digest) throw badBlob(image, `the content of ${digest} is damaged (it hashes to ${found})`);
    if (bytes.length !== size)
      throw badBlob(image, `blob ${digest} has ${bytes.length} bytes, its descriptor says ${size}`);
    return bytes;
  };
  return {
    manifest: async (descriptor) => ({
      mediaType: descriptor.mediaType,
      digest: descriptor.digest,
      bytes: await read(names.manifest(descriptor.digest), descriptor),
    }),
    config: (descriptor) => read(names.blob(descriptor.digest), descriptor),
  };
}

/** containerd and Docker write the whole name; the OCI annotation may be a bare tag, which names nothing. Normalised. */
function nameIn({ annotations }: IndexEntry): string | undefined {
  const whole = annotations["io.containerd.image.name"];
  const reference = annotations["org.opencontainers.image.ref.name"];
  const name = whole ?? (reference !== undefined && /[/:]/.test(reference) ? reference : undefined);
  return name === undefined ? undefined : nameOf(parseReference(name));
}
