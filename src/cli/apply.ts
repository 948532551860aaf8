import { isDeepStrictEqual } from "node:util";
import type { ObjectClient } from "../api/client-objects.ts";
import type { KubeObject } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { DRY_RUN_OPTIONS, type DryRun, parseDryRun, printOutcome } from "./dry-run.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import { type Manifest, mayBeTried, readManifests } from "./manifests.ts";
import { connectObjects } from "./objects.ts";
import { parseFormat } from "./output/print.ts";

const OPTIONS = {
  ...MANIFEST_OPTIONS,
  ...DRY_RUN_OPTIONS,
  "server-side": { kind: "boolean", help: "for kubectl's sake: the daemon always does the merging" },
  "force-conflicts": { kind: "boolean", help: "for kubectl's sake: there is nobody to be in conflict with" },
} as const;

export const command = defineCommand({
  usage: ["apply -f FILE… [flags]"],
  about:
    "Create the objects of manifests, or change those that exist. All files are read and checked first: one error, and nothing is applied.",
  examples: [
    ["one file", "podrun apply -f pod.yaml"],
    ["every manifest of a folder", "podrun apply -f pods/"],
    ["from another program", "generate | podrun apply -f -"],
  ],
  options: OPTIONS,
  run: async (invocation) => {
    const { options, given, positionals } = invocation;
    if (positionals.length > 0) throw new UsageError(`unexpected arguments: ${positionals.join(" ")}; want -f FILE`);
    if (options["server-side"] && options["dry-run"] === "client")
      throw new UsageError("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)");
    if (options["force-conflicts"] && !options["server-side"])
      throw new UsageError("--force-conflicts only works with --server-side");
    const format = parseFormat(options.output);
    const dryRun = parseDryRun(options["dry-run"]);
    const manifests = await readManifests({
      files: options.filename,
      recursive: options.recursive,
      namespace: options.namespace,
      namespaceGiven: given.has("namespace"),
    });
    const client = connectObjects(invocation.config);
    const mayTry = mayBeTried(manifests.map(({ object }) => object));
    const before: (KubeObject | undefined)[] = [];
    for (const manifest of manifests) {
      before.push(await find(client, manifest.object));
      // Tried first, so that a refusal comes before anything is applied.
      if (dryRun !== "client" && mayTry(manifest.object)) await applyOne(client, manifest, true);
    }
    for (const [index, manifest] of manifests.entries()) {
      const [applied, verb] = await apply(client, manifest, before[index], dryRun);
      await printOutcome(format, applied, verb, dryRun);
    }
    return 0;
  },
});

async function apply(
  client: ObjectClient,
  manifest: Manifest,
  before: KubeObject | undefined,
  dryRun: DryRun,
): Promise<[KubeObject, string]> {
  if (dryRun === "client") return [manifest.object, before === undefined ? "created" : "configured"];
  const after = await applyOne(client, manifest, dryRun === "server");
  if (before === undefined) return [after, "created"];
  const isSame = after.metadata.resourceVersion === before.metadata.resourceVersion && dryRun === "none";
  return [after, isSame || isSameManifest(before, after) ? "unchanged" : "configured"];
}

/** What is to get its name from the daemon is new each time. */
const applyOne = (client: ObjectClient, { object, raw }: Manifest, dryRun: boolean): Promise<KubeObject> =>
  object.metadata.name === "" ? client.create(object, { dryRun }) : client.apply(object, raw, { dryRun });

/** The status may have changed between the two answers; what the manifest says has not. */
function isSameManifest(before: KubeObject, after: KubeObject): boolean {
  const manifestOf = (object: KubeObject): unknown => {
    const { labels, annotations, deletionTimestamp } = object.metadata;
    const said = object.kind === "Pod" || object.kind === "Node" ? object.spec : { ...object, metadata: undefined };
    return [said, labels, annotations, deletionTimestamp];
  };
  return isDeepStrictEqual(manifestOf(before), manifestOf(after));
}

/** A name that the daemon is to make can't exist. */
const find = (client: ObjectClient, { kind, metadata }: KubeObject): Promise<KubeObject | undefined> =>
  metadata.name === "" ? Promise.resolve(undefined) : client.find(kind, metadata.namespace, metadata.name);
