import { ImageClient } from "../../api/client-images.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  usage: ["tag IMAGE NAME…"],
  about: "Give an image another name. A name that meant another image means this one from now on.",
  examples: [["a version of one's own", "podrun tag nginx example.com/team/web:1.0"]],
  options: {},
  run: async ({ positionals, config }) => {
    const [source, ...targets] = positionals;
    if (source === undefined || targets.length === 0) throw new UsageError("want an image and its new name");
    const client = new ImageClient(config);
    for (const target of targets) await client.tag(source, target);
    return 0;
  },
});
