import { ImageClient, type InspectedImage } from "../../api/client-images.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { formatSize } from "../output/size.ts";
import { formatTable, type Row } from "../output/table.ts";
import { formatAgo } from "./image-table.ts";
import { oneLine } from "./pull-draw.ts";

const HEADINGS = ["ID", "CREATED", "CREATED BY", "SIZE", "COMMENT"];
/** podman cuts what made a layer there. */
const WIDTH = 45;

export const command = defineCommand({
  usage: ["image history IMAGE [flags]"],
  about: "Show how an image was made, the last step first, and how large the files of each step's layer are.",
  examples: [
    ["its steps", "podrun image history nginx"],
    ["with the whole commands", "podrun image history --no-trunc nginx"],
  ],
  options: {
    "no-trunc": { kind: "boolean", help: "ids and commands at full length" },
    quiet: { kind: "boolean", short: "q", help: "only ids" },
  },
  run: async ({ options, positionals, config }) => {
    const [name] = positionals;
    if (name === undefined || positionals.length > 1) throw new UsageError("want the name of one image");
    const rows = historyRows(await new ImageClient(config).inspect(name), options["no-trunc"], Date.now());
    if (options.quiet) process.stdout.write(rows.map(([id]) => `${id}\n`).join(""));
    else process.stdout.write(formatTable([HEADINGS, ...rows]));
    return 0;
  },
});

/** One row a step (OCI image-spec, config.md: `history`); an image without a history has one a layer. Last first. */
export function historyRows(image: InspectedImage, full: boolean, now: number): readonly Row[] {
  const steps: readonly unknown[] = image.History.length > 0 ? image.History : image.LayerSizes.map(() => ({}));
  const sizes = [...image.LayerSizes];
  const rows = steps.map((raw): Row => {
    const step = (typeof raw === "object" && raw !== null ? raw : {}) as Readonly<Record<string, unknown>>;
    const text = (field: string): string => oneLine(typeof step[field] === "string" ? step[field] : "");
    const size = step["empty_layer"] === true ? 0 : (sizes.shift() ?? 0);
    const by = text("created_by");
    const cut = full || by.length <= WIDTH ? by : `${by.slice(0, WIDTH - 1)}…`;
    return ["<missing>", formatAgo(text("created"), now), cut, formatSize(size), text("comment")];
  });
  const id = full ? image.Id : image.Id.replace(/^sha256:/, "").slice(0, 12);
  return rows.toReversed().map((row, at) => (at === 0 ? [id, ...row.slice(1)] : row));
}
