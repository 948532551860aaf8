import { readFileSync } from "node:fs";
import type { ObjectClient, PatchType } from "../api/client-objects.ts";
import { errnoOf, PodrunError } from "../base/errors.ts";
import type { KindName } from "../spec/kinds.ts";
import { UsageError } from "./arguments.ts";
import { namedObjects } from "./chosen-objects.ts";
import { defineCommand } from "./command.ts";
import { DRY_RUN_OPTIONS, parseDryRun, printOutcome } from "./dry-run.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import { connectObjects } from "./objects.ts";
import { parseFormat } from "./output/print.ts";

const TYPES: readonly PatchType[] = ["json", "merge", "strategic"];
const SUBRESOURCES = ["resize", "status"] as const;

const OPTIONS = {
  patch: { kind: "text", short: "p", value: "PATCH", help: "the patch, JSON or YAML" },
  "patch-file": { kind: "text", value: "FILE", help: "a file with the patch" },
  type: {
    kind: "text",
    value: "TYPE",
    choices: TYPES,
    default: "strategic",
    help: "strategic: lists are merged by their elements' names; merge: RFC 7396; json: RFC 6902",
  },
  subresource: {
    kind: "text",
    value: "NAME",
    choices: SUBRESOURCES,
    help: "resize: cpu and memory of a pod that runs; status: conditions of a pod",
  },
  ...MANIFEST_OPTIONS,
  ...DRY_RUN_OPTIONS,
} as const;

export const command = defineCommand({
  usage: [
    "patch TYPE NAME… -p PATCH [--type=strategic|merge|json] [flags]",
    "patch TYPE NAME… --patch-file FILE [flags]",
    "patch -f FILE… -p PATCH [flags]",
  ],
  about: "Change fields of objects. cpu and memory of a pod that runs are changed through --subresource resize.",
  examples: [
    [
      "more CPU for a container that runs",
      `podrun patch pod web --subresource resize -p '{"spec":{"containers":[{"name":"web","resources":{"limits":{"cpu":"800m"}}}]}}'`,
    ],
    ["another image", `podrun patch pod web -p '{"spec":{"containers":[{"name":"web","image":"nginx:1.29"}]}}'`],
    [
      "one value, by its place",
      `podrun patch configmap web --type json -p '[{"op":"replace","path":"/data/a","value":"b"}]'`,
    ],
    ["a label away", `podrun patch pod web --type merge -p '{"metadata":{"labels":{"tier":null}}}'`],
  ],
  options: OPTIONS,
  run: async (invocation) => {
    const { options } = invocation;
    const type = TYPES.find((one) => one === options.type);
    if (type === undefined)
      throw new UsageError(`--type must be one of [json merge strategic], not ${JSON.stringify(options.type)}`);
    const { subresource } = options;
    if (subresource !== undefined && !SUBRESOURCES.some((one) => one === subresource))
      throw new UsageError(`invalid subresource value: ${JSON.stringify(subresource)}. Must be one of [resize status]`);
    const format = parseFormat(options.output);
    const dryRun = parseDryRun(options["dry-run"]);
    const patch = await readPatch(options.patch, options["patch-file"]);
    const client = connectObjects(invocation.config);
    const named = await namedObjects(invocation, invocation.positionals);
    if (named === undefined) throw new UsageError("resource name may not be empty: want TYPE NAME, as pod web");
    for (const { kind, namespace, name } of named) {
      if (subresource !== undefined && kind !== "Pod")
        throw new UsageError(`only pods have the subresource ${subresource}`);
      const before = await client.get(kind, namespace, name);
      const after = await apply(client, { kind, namespace, name, patch, type, subresource, dryRun: dryRun !== "none" });
      const isSame = before.metadata.resourceVersion === after.metadata.resourceVersion && dryRun === "none";
      await printOutcome(format, after, isSame ? "patched (no change)" : "patched", dryRun);
    }
    return 0;
  },
});

interface Patching {
  readonly kind: KindName;
  readonly namespace: string;
  readonly name: string;
  readonly patch: object;
  readonly type: PatchType;
  readonly subresource: string | undefined;
  readonly dryRun: boolean;
}

/** A dry run is always the daemon's: it has the rules. */
const apply = (client: ObjectClient, { kind, namespace, name, patch, ...options }: Patching) =>
  client.patch(kind, namespace, name, patch, options);

/** JSON is YAML. Throws UsageError, InvalidYaml. */
async function readPatch(text: string | undefined, file: string | undefined): Promise<object> {
  if ((text === undefined) === (file === undefined))
    throw new UsageError("must specify --patch or --patch-file containing the contents of the patch, and only one");
  const { parse } = await import("yaml");
  try {
    const patch: unknown = parse(text ?? readFile(file as string));
    if (typeof patch === "object" && patch !== null) return patch;
  } catch (cause) {
    if (cause instanceof PodrunError) throw cause;
    const message = `unable to parse the patch: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new PodrunError("InvalidYaml", message, { cause });
  }
  throw new PodrunError("InvalidYaml", "unable to parse the patch: want an object, or with --type json a list");
}

function readFile(path: string): string {
  try {
    return readFileSync(path === "-" ? 0 : path, "utf8");
  } catch (cause) {
    throw new PodrunError("BadRequest", `the path "${path}" cannot be read: ${errnoOf(cause) ?? String(cause)}`, {
      cause,
    });
  }
}
