import { ImageClient } from "../../api/client-images.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { parseTemplate } from "../output/go-template.ts";
import { formatObject, parseFormat } from "../output/print.ts";
import { formatTable } from "../output/table.ts";
import { filterImages } from "./image-filters.ts";
import { FIELD_HEADINGS, imageRows, TABLE_HEADINGS, WIDE_HEADINGS } from "./image-table.ts";

export const command = defineCommand({
  usage: ["images [NAME] [flags]"],
  about: "List the images that are here, newest first: a line for each name.",
  examples: [
    ["all", "podrun images"],
    ["every nginx", "podrun images nginx"],
    ["ids of those without a tag", "podrun images -q --filter dangling=true"],
    ["names, for a script", "podrun images --format '{{.Repository}}:{{.Tag}}'"],
    ["for a program", "podrun images -o json"],
  ],
  options: {
    all: { kind: "boolean", short: "a", help: "accepted as docker and podman do: podrun keeps no intermediate images" },
    digests: { kind: "boolean", help: "with the digest of the manifest" },
    "no-trunc": { kind: "boolean", help: "ids at full length" },
    quiet: { kind: "boolean", short: "q", help: "only ids" },
    "no-headers": { kind: "boolean", help: "no heading line" },
    output: { kind: "text", short: "o", value: "FORMAT", help: "wide, json, yaml, name or jsonpath=…" },
    format: {
      kind: "text",
      value: "TEMPLATE",
      help: "json, or a template of docker's and podman's kind: '{{.ID}} {{.Size}}', 'table {{.Repository}}\\t{{.Tag}}'",
    },
    filter: {
      kind: "list",
      short: "f",
      value: "FILTER",
      help: "dangling=true, reference=PATTERN, label=KEY[=VALUE], since=IMAGE, before=IMAGE; may be repeated",
    },
  },
  run: async ({ options, positionals, config }) => {
    const format = parseFormat(options.format === "json" ? "json" : options.output);
    if (format.kind === "custom-columns")
      throw new UsageError(
        `output format "${options.output}" is not for this command: want wide, json, yaml, name or jsonpath=…`,
      );
    if (positionals.length > 1) throw new UsageError("want one name, or none");
    const client = new ImageClient(config);
    const names = positionals.map((name) => `reference=${name}`);
    const images = await filterImages(client, await client.list(), [...options.filter, ...names]);
    const wide = format.kind === "wide";
    const rows = imageRows(images, {
      digests: options.digests || wide,
      wide,
      full: options["no-trunc"],
      now: Date.now(),
    });
    if (options.quiet) process.stdout.write([...new Set(rows.map(({ fields }) => `${fields.ID}\n`))].join(""));
    else if (options.format !== undefined && options.format !== "json")
      process.stdout.write(formatRows(options.format, rows));
    else if (format.kind === "name")
      process.stdout.write(images.map(({ id, references }) => `${references[0] ?? id}\n`).join(""));
    else if (format.kind === "table" || wide) {
      const headings = options["no-headers"] ? [] : [wide ? WIDE_HEADINGS : TABLE_HEADINGS(options.digests)];
      process.stdout.write(formatTable([...headings, ...rows.map(({ cells }) => cells)]));
    } else process.stdout.write(await formatObject(format, format.kind === "jsonpath" ? { items: images } : images));
    return 0;
  },
});

/** A line for each row; with `table ` in front, columns (`\t` between them) under headings. */
function formatRows(format: string, rows: ReturnType<typeof imageRows>): string {
  const isTable = format.startsWith("table ");
  const template = parseTemplate(isTable ? format.slice("table ".length) : format);
  const lines = rows.map(({ fields }) => template(fields));
  if (!isTable) return lines.map((line) => `${line}\n`).join("");
  return formatTable([template(FIELD_HEADINGS), ...lines].map((line) => line.split("\t")));
}
