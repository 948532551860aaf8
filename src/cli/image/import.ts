import { ImageClient } from "../../api/client-images.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { openInput } from "./load.ts";

export const command = defineCommand({
  usage: ["import (FILE | -) [IMAGE] [flags]"],
  about: "Make an image of one layer out of the tar of a root file system, compressed or not.",
  examples: [
    ["what debootstrap made", "tar -C rootfs -c . | podrun import - debian:mine"],
    ["with a command and a user", "podrun import -c 'CMD [\"/app\"]' -c 'USER 1000' app.tar.gz app:1"],
  ],
  options: {
    change: {
      kind: "list",
      short: "c",
      value: "INSTRUCTION",
      help: "CMD, ENTRYPOINT, ENV, USER, WORKDIR …; may be repeated",
    },
    message: { kind: "text", short: "m", value: "TEXT", help: "for the image's history" },
  },
  run: async ({ options, positionals, config }) => {
    const [file, reference, ...more] = positionals;
    if (file === undefined || more.length > 0) throw new UsageError("want FILE or -, and the image's name or nothing");
    if (/^https?:\/\//.test(file))
      throw new UsageError(`podrun fetches no URL: curl -fsSL ${file} | podrun import - ${reference ?? "IMAGE"}`);
    const tar = await openInput(file, "podrun import - IMAGE < FILE, or the file's name");
    const { change: changes, message } = options;
    process.stdout.write(`${await new ImageClient(config).importRootfs(tar, { reference, changes, message })}\n`);
    return 0;
  },
});
