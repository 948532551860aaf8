import { ImageClient } from "../../api/client-images.ts";
import { PodrunError } from "../../base/errors.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { wordError } from "../report.ts";

export const command = defineCommand({
  usage: ["rmi IMAGE… [flags]", "rmi --all"],
  about:
    "Remove images. A name goes, and with its last name the image. Exit code: 1 when one does not exist, 2 when one is in use, 125 for anything else.",
  examples: [
    ["one name", "podrun rmi nginx:1.27"],
    ["an image with all its names", "podrun rmi -f 0123456789ab"],
    ["all that no container uses", "podrun rmi -a"],
  ],
  options: {
    force: { kind: "boolean", short: "f", help: "with an id, all its names; an image that does not exist is no error" },
    all: { kind: "boolean", short: "a", help: "all images; those in use stay" },
  },
  run: async ({ options, positionals, config }) => {
    if (options.all === positionals.length > 0) throw new UsageError("want the names of images, or --all");
    const client = new ImageClient(config);
    const names = options.all ? (await client.list()).map(({ id }) => id) : positionals;
    const codes = new Set<string>();
    for (const name of names)
      try {
        const { untagged, deleted } = await client.remove(name, options.force || options.all);
        const lines = [...untagged.map((one) => `Untagged: ${one}`), ...deleted.map((id) => `Deleted: ${bare(id)}`)];
        process.stdout.write(lines.map((line) => `${line}\n`).join(""));
      } catch (error) {
        if (!(error instanceof PodrunError) || error.code === "DaemonUnreachable") throw error;
        if (options.force && error.code === "ImageNotFound") continue;
        process.stderr.write(`${wordError(error)}\n`);
        codes.add(error.code);
      }
    return exitCode(codes);
  },
});

const bare = (id: string): string => id.replace(/^sha256:/, "");

/** podman-rmi(1). */
function exitCode(codes: ReadonlySet<string>): number {
  if (codes.size === 0) return 0;
  if ([...codes].every((code) => code === "ImageNotFound")) return 1;
  return codes.has("ImageInUse") ? 2 : 125;
}
