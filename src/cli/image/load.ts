import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { ImageClient } from "../../api/client-images.ts";
import { PodrunError } from "../../base/errors.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { packImageFolder } from "./pack-image-folder.ts";

export const command = defineCommand({
  usage: ["load [-i FILE|FOLDER] [flags]"],
  about:
    "Take images out of an archive, of podrun save, podman save, docker save or skopeo, compressed or not; or out of a folder: an OCI image layout, or skopeo's dir:.",
  examples: [
    ["from a file", "podrun load -i nginx.tar"],
    ["from a folder", "skopeo copy docker://nginx oci:nginx:latest && podrun load -i nginx --name nginx"],
    ["from another machine", "ssh other podman save nginx | podrun load"],
  ],
  options: {
    input: { kind: "text", short: "i", value: "FILE|FOLDER", help: "the archive, or a folder; else standard input" },
    name: { kind: "text", value: "IMAGE", help: "name for the image of an archive that holds one" },
    quiet: { kind: "boolean", short: "q", help: "accepted as docker and podman do: there is no progress to leave out" },
  },
  run: async ({ options, positionals, config }) => {
    if (positionals.length > 0) throw new UsageError(`unexpected argument "${positionals[0]}": the archive is -i FILE`);
    const { input } = options;
    const isFolder = input !== undefined && (await stat(input).catch(() => undefined))?.isDirectory() === true;
    const archive = isFolder ? await packImageFolder(input) : await openInput(input, "podrun load < FILE, or -i FILE");
    for (const reference of await new ImageClient(config).load(archive, options.name))
      process.stdout.write(`Loaded image: ${reference}\n`);
    return 0;
  },
});

/** The file, or standard input (no file, or `-`), which must be no terminal. Throws UsageError, BadRequest. */
export async function openInput(file: string | undefined, want: string): Promise<NodeJS.ReadableStream> {
  if (file === undefined || file === "-") {
    if (process.stdin.isTTY === true) throw new UsageError(`cannot read an archive from a terminal: want ${want}`);
    return process.stdin;
  }
  const fail = (why: string, cause?: unknown): PodrunError =>
    new PodrunError("BadRequest", `cannot read ${file}: ${why}`, { cause, details: { file } });
  const found = await stat(file).catch((cause: Error) => {
    throw fail(cause.message.replace(/, stat '.*$/, ""), cause);
  });
  if (found.isDirectory()) throw fail("it is a folder");
  const stream = createReadStream(file, { highWaterMark: 256 * 1024 });
  return stream.on("error", (cause) => void stream.destroy(cause));
}
