// Archives of `docker save`: manifest.json names for each image its config, its names and its layers, which are files or
// links to files of the archive.
import { type ArchiveFiles, DocumentReader, openStored, type StoredFile } from "./archive.ts";
import { badBlob } from "./blob.ts";
import { FieldReader } from "./config.ts";
import { requireOwnDigest, type StoredImage } from "./layout.ts";
import { parseJson, readConfig } from "./manifest.ts";
import { fits, noSuchPlatform, parsePlatform } from "./platform.ts";
import { nameOf, parseReference } from "./reference.ts";

/** Its bytes say how it is packed. */
const ANY_TAR = "application/x-tar";

/** As many as an index may have. */
const IMAGES_LIMIT = 1000;

/** undefined: it is no such archive. Throws InvalidImage, WrongArchitecture. */
export async function readDockerArchive(
  files: ArchiveFiles,
  label: string,
): Promise<readonly StoredImage[] | undefined> {
  const manifest = files.find("manifest.json");
  if (manifest === undefined) return undefined;
  const documents = new DocumentReader();
  const raw = parseJson(await documents.read(manifest, label, "manifest.json"), label, "its manifest.json");
  const images = new FieldReader(label).objects(raw, "manifest.json");
  if (images.length > IMAGES_LIMIT)
    throw badBlob(label, `its manifest.json has ${images.length} images; at most ${IMAGES_LIMIT} are read`);
  return Promise.all(
    images.map((image, at) => readImage(files, documents, image, { field: `manifest.json[${at}]`, label })),
  );
}

async function readImage(
  files: ArchiveFiles,
  documents: DocumentReader,
  raw: Readonly<Record<string, unknown>>,
  { field, label }: { readonly field: string; readonly label: string },
): Promise<StoredImage> {
  const fields = new FieldReader(label);
  const names = fields.texts(raw["RepoTags"], `${field}.RepoTags`).map((name) => nameOf(parseReference(name)));
  for (const name of names) requireOwnDigest(name, undefined, label);
  const image = names[0] ?? label;
  const require = (name: string): StoredFile => {
    const file = files.find(name.replace(/^\.\//, ""));
    if (file === undefined) throw badBlob(image, `${field} names the file "${name}", which ${label} does not have`);
    return file;
  };
  const configName = fields.text(raw["Config"], `${field}.Config`);
  const configFile = require(configName);
  const bytes = await documents.read(configFile, image, configName);
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
