// A folder that holds images, as the archive that the daemon takes.
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type Pack, pack } from "tar-stream";
import { errnoOf, PodrunError } from "../../base/errors.ts";

const BLOB = /^[0-9a-f]{64}(\.manifest\.json)?$/;

/** An OCI layout (`oci:`, oci-dir) or the files of `dir:` (docker-dir), and nothing else that lies there. Throws BadRequest. */
export async function packImageFolder(folder: string): Promise<NodeJS.ReadableStream> {
  const names = await filesOf(folder);
  return Readable.from(pieces(folder, names));
}

async function* pieces(folder: string, names: readonly string[]): AsyncGenerator<Buffer> {
  const archive = pack();
  const write = async (): Promise<void> => {
    for (const name of names) await writeEntry(archive, folder, name);
    archive.finalize();
  };
  write().catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))));
  yield* archive as unknown as AsyncIterable<Buffer>;
}

async function writeEntry(archive: Pack, folder: string, name: string): Promise<void> {
  const path = join(folder, name);
  const { size } = await stat(path);
  const written = Promise.withResolvers<void>();
  const entry = archive.entry({ name, size, mode: 0o644, mtime: new Date(0) }, (error) =>
    error ? written.reject(error) : written.resolve(),
  ) as unknown as NodeJS.WritableStream;
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 }))
    if (!entry.write(chunk)) await once(entry, "drain");
  entry.end();
  await written.promise;
}

async function filesOf(folder: string): Promise<readonly string[]> {
  const top = await readdir(folder);
  const blobs = "blobs/sha256";
  if (top.includes("index.json")) {
    // Without blobs it is the daemon that says which of them is missing.
    const names = (await readdir(join(folder, blobs)).catch(missing)).filter((name) => BLOB.test(name));
    return ["index.json", ...names.map((name) => join(blobs, name))];
  }
  if (top.includes("manifest.json")) return ["manifest.json", ...top.filter((name) => BLOB.test(name))];
  const problem = "the folder has neither index.json (an OCI image layout) nor manifest.json (skopeo's dir:)";
  throw new PodrunError("BadRequest", `cannot read ${folder}: ${problem}`, { details: { file: folder } });
}

function missing(error: unknown): readonly string[] {
  if (errnoOf(error) === "ENOENT") return [];
  throw error;
}
