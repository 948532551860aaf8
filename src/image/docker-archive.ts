// Archives of `docker save`: manifest.json names for each image its config, its names and its layers, which are files or
// links to files of the archive.
import { type ArchiveFiles, openStored, readStored, type StoredFile } from "./archive.ts";
import { badBlob } from "./blob.ts";
import { FieldReader } from "./config.ts";
import type { StoredImage } from "./layout.ts";
import { parseJson, readConfig } from "./manifest.ts";
import { fits, noSuchPlatform, parsePlatform } from "./platform.ts";
import { nameOf, parseReference } from "./reference.ts";

/** Its bytes say how it is packed. */
const ANY_TAR = "application/x-tar";

/** undefined: it is no such archive. Throws InvalidImage, WrongArchitecture. */
export async function readDockerArchive(
  files: ArchiveFiles,
  label: string,
): Promise<readonly StoredImage[] | undefined> {
  const manifest = files.find("manifest.json");
  if (manifest === undefined) return undefined;
  const raw = parseJson(await readStored(manifest, label, "manifest.json"), label, "its manifest.json");
  const images = new FieldReader(label).objects(raw, "manifest.json");
  return Promise.all(images.map((image, at) => readImage(files, image, `manifest.json[${at}]`, label)));
}

async function readImage(
  files: ArchiveFiles,
  raw: Readonly<Record<string, unknown>>,
  field: string,
  label: string,
): Promise<StoredImage> {
  const fields = new FieldReader(label);
  const names = fields.texts(raw["RepoTags"], `${field}.RepoTags`).map((name) => nameOf(parseReference(name)));
  const image = names[0] ?? label;
  const require = (name: string): StoredFile => {
    const file = files.find(name.replace(/^\.\//, ""));
    if (file === undefined) throw badBlob(image, `${field} names the file "${name}", which ${label} does not have`);
    return file;
  };
  const configName = fields.text(raw["Config"], `${field}.Config`);
  const configFile = require(configName);
  const bytes = await readStored(configFile, image, configName);
  const config = readConfig(bytes, descriptor(configFile), image);
  const platform = parsePlatform();
  if (fits(platform, config.platform) === undefined) throw noSuchPlatform(image, platform, [config.platform]);
  const layers = fields.texts(raw["Layers"], `${field}.Layers`).map(require);
  if (layers.length !== config.diffIds.length) {
    throw badBlob(image, `${field} has ${layers.length} layers, its config ${config.diffIds.length}`);
  }
  const byDigest = new Map(layers.map((file) => [file.digest, file]));
  return {
    chosen: {
      ...config,
      manifestDigest: "",
      layers: layers.map((file, at) => ({ blob: descriptor(file), diffId: config.diffIds[at] as string })),
    },
    references: names,
    open: ({ digest }) => openStored(byDigest.get(digest) as StoredFile, image, digest),
  };
}

const descriptor = ({ digest = "", size }: StoredFile) => ({ mediaType: ANY_TAR, digest, size });
