// `podrun save --format oci-dir|docker-dir`: the archive that the daemon writes, laid out as a folder.
import { createWriteStream, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { PodrunError } from "../../base/errors.ts";
import { atExit } from "../interrupt.ts";
import { wordErrno } from "../report.ts";

export type FolderFormat = "oci-dir" | "docker-dir";

/** What the daemon's archive has. */
const FILE = /^(index\.json|oci-layout|manifest\.json|blobs\/sha256\/[0-9a-f]{64})$/;

/** The folder is there whole or not at all. Throws BadRequest. */
export async function writeImageFolder(
  chunks: AsyncIterable<Buffer>,
  output: string,
  format: FolderFormat,
): Promise<void> {
  const target = output.replace(/\/+$/, "");
  const there = statSync(target, { throwIfNoEntry: false });
  if (there !== undefined && !(there.isDirectory() && readdirSync(target).length === 0))
    throw new PodrunError("BadRequest", `cannot write ${output}: it is there already, and no empty folder`);
  const temporary = `${target}.podrun-${process.pid}`;
  const remove = (): void => rmSync(temporary, { recursive: true, force: true });
  const forget = atExit(remove);
  try {
    await takeApart(chunks, temporary);
    if (format === "docker-dir") await makeDockerDir(temporary);
    else rmSync(join(temporary, "manifest.json"));
    await rename(temporary, target);
  } catch (cause) {
    if (cause instanceof PodrunError || !(cause instanceof Error) || !("syscall" in cause)) throw cause;
    throw new PodrunError("BadRequest", `cannot write ${output}: ${wordErrno(cause)}`, { cause });
  } finally {
    remove();
    forget();
  }
}

/** Nothing is made before the daemon has begun to send: of an image that does not exist not even an empty folder. */
async function takeApart(chunks: AsyncIterable<Buffer>, folder: string): Promise<void> {
  const archive = extract();
  const take = async (): Promise<void> => {
    for await (const entry of archive) {
      const { name } = entry.header;
      if (!FILE.test(name)) throw new Error(`the daemon's archive has an entry "${name}"`);
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      // streamx's own stream, which has nothing of Node's but its iterator.
      await pipeline(Readable.from(entry as unknown as AsyncIterable<Buffer>), createWriteStream(join(folder, name)));
    }
  };
  await Promise.all([pipeline(Readable.from(chunks), archive as unknown as NodeJS.WritableStream), take()]);
}

const TYPES: Readonly<Record<string, string>> = {
  "application/vnd.oci.image.manifest.v1+json": "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.oci.image.config.v1+json": "application/vnd.docker.container.image.v1+json",
  "application/vnd.oci.image.layer.v1.tar": "application/vnd.docker.image.rootfs.diff.tar",
};

interface Described {
  readonly mediaType: string;
  readonly digest: string;
}

/** A layout of one image as `dir:` (containers-transports(5)), whose manifest is of Docker's kind as podman writes it there. */
async function makeDockerDir(folder: string): Promise<void> {
  const read = async (name: string) => JSON.parse(await readFile(join(folder, name), "utf8"));
  const blob = (digest: string): string => join("blobs/sha256", digest.slice("sha256:".length));
  const [{ digest }] = (await read("index.json")).manifests as readonly [Described];
  const manifest = await read(blob(digest));
  const retype = (one: Described): Described => ({ ...one, mediaType: TYPES[one.mediaType] ?? one.mediaType });
  const { config, layers } = manifest as { readonly config: Described; readonly layers: readonly Described[] };
  for (const one of new Set([config, ...layers].map((described) => described.digest)))
    await rename(join(folder, blob(one)), join(folder, one.slice("sha256:".length)));
  for (const name of ["blobs", "index.json", "oci-layout"]) rmSync(join(folder, name), { recursive: true });
  const text = JSON.stringify({ ...retype(manifest), config: retype(config), layers: layers.map(retype) });
  await writeFile(join(folder, "manifest.json"), text);
  await writeFile(join(folder, "version"), "Directory Transport Version: 1.1\n");
}
