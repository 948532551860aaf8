import { createHash } from "node:crypto";
import { closeSync, createReadStream, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { badBlob, Hasher } from "./blob.ts";
import { readTar } from "./tar.ts";

const BLOB = /^blobs\/sha256\/([a-f0-9]{64})$/;

/**
 * Takes the files of an OCI layout out of a tar archive into an empty folder: `index.json` and the blobs, each checked
 * against its name; anything else in the archive is passed over. Returns sha256:… of the archive. Throws InvalidImage.
 */
export async function openArchive(file: string, folder: string): Promise<string> {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  const whole = new Hasher();
  const seen = new Set<string>();
  await readTar(
    [createReadStream(file), whole],
    async (header, content) => {
      const name = header.name.replace(/^\.\//, "");
      const digest = BLOB.exec(name)?.[1];
      if (header.type !== "file" || (name !== "index.json" && digest === undefined) || seen.has(name)) return;
      seen.add(name);
      const found = await writeHashed(join(folder, name), content);
      if (digest !== undefined && found !== digest) {
        throw badBlob(file, `the blob ${name} is damaged (it hashes to ${found}); get the archive again`);
      }
    },
    (reason, cause) => badBlob(file, `it is no tar archive of an OCI image layout: ${reason}`, cause),
  );
  return whole.digest();
}

async function writeHashed(path: string, content: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash("sha256");
  const file = openSync(path, "wx", 0o600);
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
    }
  } finally {
    closeSync(file);
  }
  return hash.digest("hex");
}
