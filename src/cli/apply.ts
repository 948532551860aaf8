import type { ObjectClient } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import type { KubeObject } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { DRY_RUN_OPTIONS, type DryRun, parseDryRun, printOutcome } from "./dry-run.ts";
import { inPresentNamespace, MANIFEST_OPTIONS, readManifests } from "./manifests.ts";
import { connectObjects } from "./objects.ts";
import { parseFormat } from "./print.ts";

const OPTIONS = { ...MANIFEST_OPTIONS, ...DRY_RUN_OPTIONS } as const;

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
    const format = parseFormat(options.output);
    const dryRun = parseDryRun(options["dry-run"]);
    const manifests = await readManifests({
      files: options.filename,
      recursive: options.recursive,
      namespace: options.namespace,
      namespaceGiven: given.has("namespace"),
    });
    const client = connectObjects(invocation.config);
    const before: (KubeObject | undefined)[] = [];
    const mayTry = inPresentNamespace(manifests.map(({ object }) => object));
    for (const { object } of manifests) before.push(await check(client, object, mayTry(object) ? dryRun : "client"));
    for (const [index, { object }] of manifests.entries()) {
      const [applied, verb] = await applyObject(client, object, before[index], dryRun);
      await printOutcome(format, applied, verb, dryRun);
    }
    return 0;
  },
});

/** Answers the object that exists already. A change is tried first, so that a refusal comes before anything is applied. */
async function check(client: ObjectClient, object: KubeObject, dryRun: DryRun): Promise<KubeObject | undefined> {
  const existing = await find(client, object);
  if (dryRun === "client") return existing;
  if (existing === undefined) await client.create(object, { dryRun: true });
  else if (object.kind !== "Pod") await change(client, object, { dryRun: true });
  return existing;
}

async function applyObject(
  client: ObjectClient,
  object: KubeObject,
  before: KubeObject | undefined,
  dryRun: DryRun,
): Promise<[KubeObject, string]> {
  if (before === undefined) {
    if (dryRun === "client") return [object, "created"];
    return [await client.create(object, { dryRun: dryRun === "server" }), "created"];
  }
  if (dryRun !== "none") return [object, "configured"];
  const after = await change(client, object);
  const isSame = after.metadata.resourceVersion === before.metadata.resourceVersion;
  return [after, isSame || isSameManifest(before, after) ? "unchanged" : "configured"];
}

/** Labels and taints of a node that the manifest does not name are the machine's, or somebody else's: they stay. */
function change(client: ObjectClient, object: KubeObject, options: { dryRun?: boolean } = {}): Promise<KubeObject> {
  if (object.kind !== "Node") return client.replace(object, options);
  const { name, labels, annotations, resourceVersion } = object.metadata;
  const metadata = { labels, annotations, ...(resourceVersion !== "" && { resourceVersion }) };
  return client.patch("Node", "", name, { metadata, spec: object.spec }, options);
}

/** The status may have changed between the two answers; what the manifest says has not. */
function isSameManifest(before: KubeObject, after: KubeObject): boolean {
  const manifestOf = (object: KubeObject): string => {
    const { labels, annotations, deletionTimestamp } = object.metadata;
    return JSON.stringify([
      object.kind === "Pod" || object.kind === "Node" ? object.spec : object,
      labels,
      annotations,
      deletionTimestamp,
    ]);
  };
  return manifestOf(before) === manifestOf(after);
}

/** A name that the daemon is to make can't exist. */
async function find(client: ObjectClient, { kind, metadata }: KubeObject): Promise<KubeObject | undefined> {
  if (metadata.name === "") return undefined;
  try {
    return await client.get(kind, metadata.namespace, metadata.name);
  } catch (error) {
    if (error instanceof ApiError && error.status.reason === "NotFound") return undefined;
    throw error;
  }
}
