import { ImageClient, type InspectedImage } from "../../api/client-images.ts";
import { ApiError } from "../../api/status.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { parseTemplate } from "../output/go-template.ts";
import { formatObject, parseFormat } from "../output/print.ts";
import { wordError } from "../report.ts";

export const command = defineCommand({
  usage: ["inspect-image IMAGE… [-o FORMAT]"],
  about: "Show all that is known of images: a JSON list, as podman image inspect prints it.",
  examples: [
    ["whole", "podrun inspect-image nginx"],
    [
      "one field (of one image, it is the image that the path begins at)",
      "podrun inspect-image nginx -o jsonpath='{.Config.Cmd}'",
    ],
    ["as docker users have it", "podrun image inspect -f '{{.Id}} {{index .RepoTags 0}}' nginx"],
  ],
  options: {
    output: { kind: "text", short: "o", value: "FORMAT", default: "json", help: "json, yaml or jsonpath=…" },
    format: {
      kind: "text",
      short: "f",
      value: "TEMPLATE",
      help: "a template of docker's and podman's kind, for each image: '{{.Id}}', '{{json .Config.Env}}'",
    },
  },
  run: async ({ options, positionals, config }) => {
    const format = parseFormat(options.output);
    if (format.kind !== "json" && format.kind !== "yaml" && format.kind !== "jsonpath")
      throw new UsageError(`output format "${options.output}" is not for this command: want json, yaml or jsonpath=…`);
    if (positionals.length === 0) throw new UsageError("want the name of at least one image");
    const template =
      options.format === undefined || options.format === "json" ? undefined : parseTemplate(options.format);
    const client = new ImageClient(config);
    const found: InspectedImage[] = [];
    const errors: unknown[] = [];
    for (const name of positionals)
      try {
        found.push(await client.inspect(name));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        errors.push(error);
      }
    if (template !== undefined) process.stdout.write(found.map((image) => `${template(image)}\n`).join(""));
    const single = format.kind === "jsonpath" && positionals.length === 1 ? found[0] : found;
    if (template === undefined && single !== undefined) process.stdout.write(await formatObject(format, single));
    for (const error of errors) process.stderr.write(`${wordError(error)}\n`);
    return errors.length > 0 ? 1 : 0;
  },
});
