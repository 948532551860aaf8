import { ImageClient } from "../../api/client-images.ts";
import { ApiError } from "../../api/status.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";

export const command = defineCommand({
  usage: ["image exists IMAGE"],
  about: "Tell by the exit code whether an image is here: 0 when it is, 1 when it is not. Nothing is printed.",
  examples: [["pull only what is missing", "podrun image exists nginx || podrun pull nginx"]],
  options: {},
  run: async ({ positionals, config }) => {
    const [name] = positionals;
    if (name === undefined || positionals.length > 1) throw new UsageError("want the name of one image");
    try {
      await new ImageClient(config).inspect(name);
      return 0;
    } catch (error) {
      if (error instanceof ApiError && error.status.reason === "NotFound") return 1;
      throw error;
    }
  },
});
