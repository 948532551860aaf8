// Folders of skopeo's and podman's `dir:` (containers-transports(5); `podman save --format docker-dir`): manifest.json is the
// image's manifest itself, and blobs lie beside it under the digits of their digests. No name is in it.
import { createHash } from "node:crypto";
import { type ArchiveFiles, DocumentReader, openStored } from "./archive.ts";
import { badBlob } from "./blob.ts";
import { chooseImage } from "./choose.ts";
import { documentsOf, type FileNames, type StoredImage } from "./layout.ts";
import { parseJson } from "./manifest.ts";
import { parsePlatform } from "./platform.ts";

const hexOf = (digest: string): string => digest.slice("sha256:".length);

/** An index stands in manifest.json, too; its manifests have names of their own. */
const NAMES: FileNames = { manifest: (digest) => `${hexOf(digest)}.manifest.json`, blob: hexOf };

/** undefined: it is no such folder. Throws InvalidImage, WrongArchitecture. */
export async function readDockerDir(files: ArchiveFiles, label: string): Promise<readonly StoredImage[] | undefined> {
  const manifest = files.find("manifest.json");
  if (manifest === undefined) return undefined;
  const reader = new DocumentReader();
  const bytes = await reader.read(manifest, label, "manifest.json");
  // That of docker save is a list.
  if (Array.isArray(parseJson(bytes, label, "its manifest.json"))) return undefined;
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const top = { mediaType: "application/json", digest, bytes };
  const documents = documentsOf(files, reader, label, NAMES);
  const chosen = await chooseImage(top, { documents, image: label, platform: parsePlatform() });
  const open: StoredImage["open"] = (blob) => {
    const file = files.find(hexOf(blob.digest));
    if (file === undefined) throw badBlob(label, `blob ${blob.digest} is missing in ${label}`);
    return openStored(file, label, blob.digest);
  };
  return [{ chosen, references: [], open }];
}
