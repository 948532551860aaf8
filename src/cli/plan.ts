import type { PlannedOperation, PlanSources } from "../api/client.ts";
import { PodrunError } from "../base/errors.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import { type Manifest, podManifests, readManifests } from "./manifests.ts";
import { hasColour } from "./terminal.ts";

export const command = defineCommand({
  usage: ["plan -f FILE… [flags]"],
  about:
    "Show every operation that a pod's start would carry out, who does it, and the manifest line or default it comes from. Nothing is executed.",
  examples: [
    ["the whole plan", "podrun plan -f pod.yaml"],
    ["for a program", "podrun plan -f pod.yaml -o json"],
  ],
  options: {
    ...MANIFEST_OPTIONS,
    output: { kind: "text", short: "o", value: "json", help: "json: as data" },
  },
  run: async ({ options, positionals, given, connect }) => {
    if (positionals.length > 0) throw new UsageError(`unexpected arguments: ${positionals.join(" ")}; want -f FILE`);
    if (options.output !== undefined && options.output !== "json")
      throw new UsageError(`output format "${options.output}" is not for plan: want json, or none`);
    const all = await readManifests({
      files: options.filename,
      recursive: options.recursive,
      namespace: options.namespace,
      namespaceGiven: given.has("namespace"),
    });
    const manifests = podManifests(all);
    if (manifests.length === 0)
      throw new PodrunError("BadRequest", `no pods in ${options.filename.join(", ")}: only pods have a plan`);
    const client = await connect();
    const operations = await client.plan(
      manifests.map(({ object }) => object),
      readSources(manifests),
    );
    const text =
      options.output === "json" ? `${JSON.stringify({ operations }, null, 2)}\n` : formatPlan(operations, hasColour());
    process.stdout.write(text);
    return 0;
  },
});

/** Where each field stands in its file, for the plan's reasons. */
function readSources(manifests: readonly Manifest[]): PlanSources {
  return manifests.map(({ raw, source }) => {
    const places: Record<string, string> = {};
    const visit = (value: unknown, path: string): void => {
      const line = path === "" ? undefined : source.lineOf(path);
      if (line !== undefined) places[path] = `${source.file}:${line}`;
      if (Array.isArray(value)) for (const [index, item] of value.entries()) visit(item, `${path}[${index}]`);
      else if (typeof value === "object" && value !== null)
        for (const [key, inner] of Object.entries(value)) visit(inner, path === "" ? key : `${path}.${key}`);
    };
    visit(raw, "");
    return places;
  });
}

/** Grouped by sandbox and container; one line an operation. */
export function formatPlan(operations: readonly PlannedOperation[], colour: boolean): string {
  const dim = (text: string): string => (colour && text !== "" ? `\x1b[2m${text}\x1b[22m` : text);
  const bold = (text: string): string => (colour ? `\x1b[1m${text}\x1b[22m` : text);
  const numberWidth = String(operations.at(-1)?.index ?? 0).length;
  const actorWidth = Math.max(0, ...operations.map((one) => one.actor.length));
  const textWidth = Math.min(TEXT_WIDTH, Math.max(0, ...operations.map((one) => wordOperation(one).length)));
  const margin = " ".repeat(2 + numberWidth + 2 + actorWidth + 2);
  let text = "";
  let part: string | undefined;
  for (const operation of operations) {
    if (operation.part !== part) {
      text += `${part === undefined ? "" : "\n"}${bold(wordPart(operation.part))}\n`;
      part = operation.part;
    }
    const [first = "", ...more] = foldText(wordOperation(operation));
    const number = String(operation.index).padStart(numberWidth);
    const left = `  ${number}  ${operation.actor.padEnd(actorWidth)}  ${first.padEnd(textWidth)}`;
    text += operation.why === "" ? `${left.trimEnd()}\n` : `${left}  ${dim(`# ${operation.why}`)}\n`;
    text += more.map((line) => `${margin}${line}\n`).join("");
  }
  return `${text}\n${operations.length} operations; nothing was executed.\n`;
}

/** Longer texts must not push every reason off the screen. */
const TEXT_WIDTH = 76;

/** The steps of a long batch each on a line of its own. */
function foldText(text: string): readonly string[] {
  if (text.length <= TEXT_WIDTH) return [text];
  return text.split(/(?<=;) /).map((step, index) => (index === 0 ? step : `  ${step}`));
}

export function wordOperation({ op, text }: Pick<PlannedOperation, "op" | "text">): string {
  return text === op || text.startsWith(`${op} `) ? text : `${op} ${text}`.trimEnd();
}

export const wordPart = (part: string): string => (/(^|\/)sandbox$/.test(part) ? part : `container ${part}`);
