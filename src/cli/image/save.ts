import { once } from "node:events";
import { realpathSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open, rename } from "node:fs/promises";
import { ImageClient } from "../../api/client-images.ts";
import { PodrunError } from "../../base/errors.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { atExit } from "../interrupt.ts";
import { wordErrno } from "../report.ts";
import { writeImageFolder } from "./save-folder.ts";

const FORMATS = ["docker-archive", "oci-archive", "oci-dir", "docker-dir"];

export const command = defineCommand({
  usage: ["save IMAGE… [-o PATH]"],
  about:
    "Put images into one archive, for podrun load, podman load, docker load and skopeo, or into a folder. Layers are not compressed.",
  examples: [
    ["to a file", "podrun save -o nginx.tar nginx"],
    ["packed", "podrun save nginx | zstd > nginx.tar.zst"],
    ["as an OCI image layout", "podrun save --format oci-dir -o nginx/ nginx"],
    ["to another machine", "podrun save nginx busybox | ssh other podman load"],
  ],
  options: {
    output: { kind: "text", short: "o", value: "PATH", help: "the archive, or the folder; else standard output" },
    format: {
      kind: "text",
      value: "FORMAT",
      default: "docker-archive",
      help: "docker-archive or oci-archive (each archive is both at once), oci-dir, docker-dir (of one image)",
    },
    "multi-image-archive": {
      kind: "boolean",
      short: "m",
      help: "accepted as podman does: several images always go into one archive",
    },
    quiet: { kind: "boolean", short: "q", help: "accepted as podman does: there is no progress to leave out" },
  },
  run: async ({ options, positionals, config }) => {
    if (positionals.length === 0) throw new UsageError("want the name of at least one image");
    const { output, format } = options;
    if (!FORMATS.includes(format)) throw new UsageError(`--format "${format}": want ${FORMATS.join(", ")}`);
    if (format === "oci-dir" || format === "docker-dir") {
      if (output === undefined) throw new UsageError(`--format ${format} is a folder: want -o FOLDER`);
      if (format === "docker-dir" && positionals.length > 1)
        throw new UsageError("--format docker-dir holds one image: want one name, or oci-dir");
      await writeImageFolder(new ImageClient(config).save(positionals), output, format);
      return 0;
    }
    if (output === undefined && process.stdout.isTTY === true)
      throw new UsageError("refusing to save to a terminal: want -o FILE, or > FILE");
    const chunks = new ImageClient(config).save(positionals);
    if (output === undefined) await writeStdout(chunks);
    else await writeFile(chunks, output);
    return 0;
  },
});

async function writeStdout(chunks: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of chunks) if (!process.stdout.write(chunk)) await once(process.stdout, "drain");
}

/** A regular file is there whole or not at all; anything else (a pipe, /dev/null) is written as it is. */
async function writeFile(chunks: AsyncIterable<Buffer>, output: string): Promise<void> {
  const kind = statSync(output, { throwIfNoEntry: false });
  if (kind?.isDirectory() === true) throw new PodrunError("BadRequest", `cannot write ${output}: it is a folder`);
  if (kind !== undefined && !kind.isFile()) return fill(chunks, output, output, "w");
  // Behind a symbolic link it is the file that is replaced.
  const target = kind === undefined ? output : realpathSync(output);
  const temporary = `${target}.podrun-${process.pid}`;
  const remove = (): void => rmSync(temporary, { force: true });
  const forget = atExit(remove);
  try {
    await fill(chunks, temporary, output, "wx");
    await rename(temporary, target);
  } finally {
    remove();
    forget();
  }
}

async function fill(chunks: AsyncIterable<Buffer>, path: string, output: string, flags: string): Promise<void> {
  let file: FileHandle | undefined;
  for await (const chunk of chunks) {
    try {
      // Not before the first byte has come: an image that does not exist leaves nothing, not even for a moment.
      file ??= await open(path, flags);
      for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
    } catch (cause) {
      await file?.close().catch(() => undefined);
      throw new PodrunError("BadRequest", `cannot write ${output}: ${wordErrno(cause)}`, { cause });
    }
  }
  await file?.close();
}
