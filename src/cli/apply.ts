import type { ApiClient } from "../api/client.ts";
import { ApiError } from "../api/status.ts";
import type { Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { DRY_RUN_OPTIONS, type DryRun, parseDryRun, printOutcome } from "./dry-run.ts";
import { MANIFEST_OPTIONS, readManifests } from "./manifests.ts";
import { parseFormat } from "./print.ts";

const OPTIONS = { ...MANIFEST_OPTIONS, ...DRY_RUN_OPTIONS } as const;

export const command = defineCommand({
  usage: ["apply -f FILE… [flags]"],
  about:
    "Create the pods of manifests, or change those that exist. All files are read and checked first: one error, and nothing is applied.",
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
    const client = await invocation.connect();
    const before: (Pod | undefined)[] = [];
    for (const { pod } of manifests) before.push(await check(client, pod, dryRun));
    for (const [index, { pod }] of manifests.entries()) {
      const [applied, verb] = await applyPod(client, pod, before[index], dryRun);
      await printOutcome(format, applied, verb, dryRun);
    }
    return 0;
  },
});

/** Answers the pod that exists already. A new one is tried first, so that a refusal comes before anything is applied. */
async function check(client: ApiClient, pod: Pod, dryRun: DryRun): Promise<Pod | undefined> {
  const existing = await find(client, pod.metadata.namespace, pod.metadata.name);
  if (existing === undefined && dryRun !== "client") await client.createPod(pod, { dryRun: true });
  return existing;
}

async function applyPod(client: ApiClient, pod: Pod, before: Pod | undefined, dryRun: DryRun): Promise<[Pod, string]> {
  if (before === undefined) {
    if (dryRun === "client") return [pod, "created"];
    return [await client.createPod(pod, { dryRun: dryRun === "server" }), "created"];
  }
  if (dryRun !== "none") return [pod, "configured"];
  const after = await client.replacePod(pod);
  const isSame = after.metadata.resourceVersion === before.metadata.resourceVersion;
  return [after, isSame || isSameManifest(before, after) ? "unchanged" : "configured"];
}

/** The status may have changed between the two answers; what the manifest says has not. */
function isSameManifest(before: Pod, after: Pod): boolean {
  const manifestOf = (pod: Pod): string =>
    JSON.stringify([pod.spec, pod.metadata.labels, pod.metadata.annotations, pod.metadata.deletionTimestamp]);
  return manifestOf(before) === manifestOf(after);
}

async function find(client: ApiClient, namespace: string, name: string): Promise<Pod | undefined> {
  try {
    return await client.getPod(namespace, name);
  } catch (error) {
    if (error instanceof ApiError && error.status.reason === "NotFound") return undefined;
    throw error;
  }
}
