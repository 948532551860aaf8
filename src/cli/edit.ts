import { isDeepStrictEqual } from "node:util";
import type { ObjectClient } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import { PodrunError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { kindNames } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { namedObjects, type ObjectName } from "./chosen-objects.ts";
import { defineCommand } from "./command.ts";
import { printOutcome } from "./dry-run.ts";
import { EditFile, withHeading, withoutHeading } from "./edit-file.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import { connectObjects } from "./objects.ts";
import { mergeDiff } from "./output/merge-diff.ts";
import { formatObject } from "./output/print.ts";

const FORMATS = ["yaml", "json"] as const;
type Format = (typeof FORMATS)[number];

const OPTIONS = {
  ...MANIFEST_OPTIONS,
  output: {
    kind: "text",
    short: "o",
    value: "FORMAT",
    choices: FORMATS,
    default: "yaml",
    help: "edit as yaml or json",
  },
  subresource: { kind: "text", value: "NAME", choices: ["resize"], help: "resize: cpu and memory of a pod that runs" },
} as const;

export const command = defineCommand({
  usage: ["edit TYPE NAME… [flags]", "edit TYPE/NAME…", "edit -f FILE…"],
  about:
    "Open an object in an editor (KUBE_EDITOR, EDITOR, else vi) and change it to what was saved. What can't be changed is said in the file, which opens anew.",
  examples: [
    ["a ConfigMap", "podrun edit configmap web"],
    ["the node's labels and taints, with another editor", "EDITOR=nano podrun edit node $(hostname)"],
    ["more memory for a pod that runs", "podrun edit pod web --subresource resize"],
  ],
  options: OPTIONS,
  run: async (invocation) => {
    const { options, positionals, config } = invocation;
    const format = FORMATS.find((one) => one === options.output);
    if (format === undefined) throw new UsageError(`The flag 'output' must be one of yaml|json, not ${options.output}`);
    const { subresource } = options;
    if (subresource !== undefined && subresource !== "resize")
      throw new UsageError(`invalid subresource value: "${subresource}". Must be one of [resize]`);
    const named = await namedObjects(invocation, positionals);
    if (named === undefined) throw new UsageError("want the name of what to edit: edit TYPE NAME, as pod web");
    const client = connectObjects(config);
    for (const one of named) await edit(client, one, { format, subresource });
    return 0;
  },
});

interface Editing {
  readonly format: Format;
  readonly subresource: string | undefined;
}

/** Throws Cancelled when what can't be saved is left as it is; a copy of it stays, and is told of. */
async function edit(client: ObjectClient, named: ObjectName, { format, subresource }: Editing): Promise<void> {
  const object = await client.get(named.kind, named.namespace, named.name);
  let body = await formatObject({ kind: format, text: "" }, object);
  const original = await parse(body);
  const file = new EditFile(format);
  let problems: readonly string[] = [];
  for (;;) {
    const before = body;
    body = withoutHeading(await file.edit(withHeading(body, problems)));
    if (problems.length > 0 && body === before) throw kept(file, "Edit cancelled, no valid changes were saved.");
    if (body === "") return cancel(file, "Edit cancelled, saved file was empty.");
    try {
      const wanted = await parse(body);
      if (isDeepStrictEqual(wanted, original)) return cancel(file, "Edit cancelled, no changes made.");
      const patch = mergeDiff(original, wanted);
      const after = await client.patch(named.kind, named.namespace, named.name, patch, { subresource });
      file.remove();
      return await printOutcome({ kind: "table", text: "" }, after, "edited", "none");
    } catch (error) {
      problems = wordProblems(file, object, error);
    }
  }
}

/** What the heading says of an error that another edit may mend. Throws any other one, and says where the text is. */
function wordProblems(file: EditFile, { kind, metadata }: KubeObject, error: unknown): readonly string[] {
  const isMendable = error instanceof ApiError && error.status.reason !== "NotFound";
  if (!isMendable && !(error instanceof SyntaxProblem)) throw kept(file, error);
  const { message } = error as Error;
  const what = `${kindNames(kind).plural} "${metadata.name}"`;
  process.stderr.write(`error: ${what} ${error instanceof SyntaxProblem ? "can't be read" : "is invalid"}\n`);
  if (error instanceof SyntaxProblem) return [`The edited file had a syntax error: ${message.split("\n")[0]}`];
  return [`${what} was not valid:`, ...message.split("\n").map((line) => `* ${line}`)];
}

class SyntaxProblem extends Error {}

/** By the rules of manifests. Throws SyntaxProblem. */
async function parse(text: string): Promise<Readonly<Record<string, unknown>>> {
  const { parseManifests } = await import("../spec/manifest.ts");
  try {
    const [document, ...more] = parseManifests(text, "edited file");
    if (more.length === 0 && isJsonObject(document?.object)) return document.object;
  } catch (error) {
    if (!(error instanceof PodrunError)) throw error;
    throw new SyntaxProblem(error.message);
  }
  throw new SyntaxProblem("want one object");
}

function cancel(file: EditFile, text: string): void {
  file.remove();
  process.stderr.write(`${text}\n`);
}

function kept(file: EditFile, why: unknown): unknown {
  file.tell();
  return typeof why === "string" ? new PodrunError("Cancelled", why) : why;
}
