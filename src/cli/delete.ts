import type { ApiClient } from "../api/client.ts";
import type { OtherKind } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import { type KindName, kindNames } from "../spec/kinds.ts";
import type { Pod } from "../spec/pod.ts";
import { duration, UsageError, wholeNumber } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { DRY_RUN_OPTIONS, type DryRun, markOf, parseDryRun } from "./dry-run.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import { readManifests } from "./manifests.ts";
import { connectObjects } from "./objects.ts";
import { wordError } from "./report.ts";
import { parseSelections } from "./selection.ts";
import { waitObjectGone, waitPodGone } from "./wait-gone.ts";

const OPTIONS = {
  ...MANIFEST_OPTIONS,
  selector: { kind: "text", short: "l", value: "SELECTOR", help: "objects with these labels" },
  "field-selector": { kind: "text", value: "SELECTOR", help: "objects with these fields: status.phase=Failed" },
  all: { kind: "boolean", help: "all of the namespace" },
  "all-namespaces": { kind: "boolean", short: "A", help: "with --all or -l: of all namespaces" },
  "grace-period": { kind: "text", value: "SECONDS", help: "time to end by itself, instead of the pod's own" },
  now: { kind: "boolean", help: "as --grace-period=1" },
  force: { kind: "boolean", help: "as --grace-period=0: killed at once" },
  wait: { kind: "boolean", default: true, help: "come back when the pods are gone" },
  timeout: { kind: "text", value: "DURATION", default: "0", help: "longest time to wait; 0: as long as it takes" },
  "ignore-not-found": { kind: "boolean", help: "an object that does not exist is no error" },
  "dry-run": DRY_RUN_OPTIONS["dry-run"],
  output: { kind: "text", short: "o", value: "name", help: "name: print TYPE/NAME only" },
} as const;

export const command = defineCommand({
  usage: [
    "delete TYPE[,TYPE…] NAME… [flags]",
    "delete TYPE/NAME…",
    "delete -f FILE…",
    "delete TYPE[,TYPE…] (-l SELECTOR | --field-selector SELECTOR | --all)",
  ],
  about: "Delete pods, ConfigMaps and Secrets, and wait until they are gone.",
  examples: [
    ["one pod", "podrun delete pod web"],
    ["what a manifest made", "podrun delete -f pod.yaml"],
    ["at once, without its grace period", "podrun delete pod web --force"],
  ],
  options: OPTIONS,
  run: deletePods,
});

/** Kinds that go when what is in them, or who uses them, has gone. */
const GO_LATER: readonly KindName[] = ["Namespace", "PersistentVolumeClaim", "PersistentVolume"];

type Delete = Invocation<typeof OPTIONS>;
type Named = { readonly kind: KindName; readonly namespace: string; readonly name: string };

async function deletePods(invocation: Delete): Promise<number> {
  const { options } = invocation;
  const gracePeriod = parseGracePeriod(invocation);
  const dryRun = parseDryRun(options["dry-run"]);
  const timeoutMs = duration(options.timeout, "--timeout");
  if (options.output !== undefined && options.output !== "name")
    throw new UsageError(`unexpected -o output mode: ${options.output}. We only support '-o name'`);
  const targets = await findTargets(invocation);
  const client = await invocation.connect();
  const named = "select" in targets ? await select(client, invocation, targets.select) : targets;
  let failed = false;
  const waiting: Pod[] = [];
  const going: (Named & { readonly kind: OtherKind; readonly uid: string })[] = [];
  for (const { kind, namespace, name } of named)
    try {
      if (dryRun !== "none") {
        await tryDeletion(client, invocation, { kind, namespace, name }, dryRun);
        process.stdout.write(wordDeleted(kind, name, invocation));
        continue;
      }
      if (kind !== "Pod") {
        const objects = connectObjects(invocation.config);
        const uid = await objects.delete(kind, namespace, name);
        process.stdout.write(wordDeleted(kind, name, invocation));
        if (GO_LATER.includes(kind)) going.push({ kind, namespace, name, uid });
        continue;
      }
      waiting.push(await client.deletePod(namespace, name, gracePeriod));
      process.stdout.write(wordDeleted(kind, name, invocation));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status.reason !== "NotFound") throw error;
      if (options["ignore-not-found"]) continue;
      process.stderr.write(`${wordError(error)}\n`);
      failed = true;
    }
  if (named.length === 0) process.stdout.write("No resources found\n");
  for (const pod of waiting) {
    // Zero is for ever with kubectl's delete.
    if (options.wait && !(await waitPodGone(client, pod, invocation.signal, timeoutMs === 0 ? undefined : timeoutMs))) {
      process.stderr.write(`error: timed out waiting for pod "${pod.metadata.name}" to be deleted\n`);
      failed = true;
    }
  }
  for (const one of options.wait ? going : []) {
    const limits = { timeoutMs: timeoutMs === 0 ? undefined : timeoutMs, signal: invocation.signal };
    if (await waitObjectGone(connectObjects(invocation.config), { ...one, ...limits })) continue;
    process.stderr.write(`error: timed out waiting for ${one.kind.toLowerCase()} "${one.name}" to be deleted\n`);
    failed = true;
  }
  return failed ? 1 : 0;
}

/** Says what the deletion would be told. Throws NotFound, and of the daemon's dry run all that a deletion would. */
async function tryDeletion(client: ApiClient, { config }: Delete, { kind, namespace, name }: Named, dryRun: DryRun) {
  const objects = connectObjects(config);
  if (dryRun === "client") await objects.get(kind, namespace, name);
  else if (kind === "Pod") await client.deletePod(namespace, name, undefined, { dryRun: true });
  else await objects.delete(kind, namespace, name, { dryRun: true });
}

function wordDeleted(kind: KindName, name: string, { options }: Delete): string {
  const { singular } = kindNames(kind);
  if (options.output === "name") return `${singular}/${name}\n`;
  return `${singular} "${name}" ${options.force ? "force deleted" : "deleted"}${markOf(parseDryRun(options["dry-run"]))}\n`;
}

function parseGracePeriod({ options }: Delete): number | undefined {
  const text = options["grace-period"];
  if (options.now && (text !== undefined || options.force))
    throw new UsageError("--now and --grace-period or --force cannot be specified together");
  if (options.now) return 1;
  if (options.force && text !== undefined && text !== "0")
    throw new UsageError("--force and --grace-period greater than 0 cannot be specified together");
  if (options.force) return 0;
  return text === undefined || text === "-1" ? undefined : wholeNumber(text, "--grace-period");
}

/** What the command line or its files name, or the kind to select from. Throws UsageError. */
async function findTargets(invocation: Delete): Promise<readonly Named[] | { readonly select: readonly KindName[] }> {
  const { options, positionals, given } = invocation;
  if (options.filename.length > 0) {
    if (positionals.length > 0 || options.all || options.selector !== undefined)
      throw new UsageError("when -f is given, names, -l and --all are not");
    const manifests = await readManifests({
      files: options.filename,
      recursive: options.recursive,
      namespace: options.namespace,
      namespaceGiven: given.has("namespace"),
    });
    // What others name goes after them.
    return manifests.map(({ object }) => ({ kind: object.kind, ...object.metadata })).reverse();
  }
  const { groups } = await parseSelections(positionals);
  const names = groups.flatMap((group) => group.names);
  const isSelecting = options.all || options.selector !== undefined || options["field-selector"] !== undefined;
  if (names.length > 0 && isSelecting) throw new UsageError("name cannot be provided when a selector is specified");
  if (names.length === 0 && !isSelecting)
    throw new UsageError("resource(s) were provided, but no name was specified: want NAME, -l SELECTOR or --all");
  if (isSelecting) return { select: groups.map(({ kind }) => kind) };
  const namedOf = (kind: KindName, name: string): Named => ({ kind, namespace: options.namespace, name });
  return groups.flatMap(({ kind, names }) => names.map((name) => namedOf(kind, name)));
}

async function select(
  client: ApiClient,
  { options, config }: Delete,
  kinds: readonly KindName[],
): Promise<readonly Named[]> {
  const namespace = options["all-namespaces"] ? undefined : options.namespace;
  const query = { namespace, labelSelector: options.selector, fieldSelector: options["field-selector"] };
  const found: Named[] = [];
  for (const kind of kinds) {
    const objects =
      kind === "Pod" ? (await client.listPods(query)).items : await connectObjects(config).list(kind, query);
    found.push(...objects.map(({ metadata }) => ({ kind, ...metadata })));
  }
  return found;
}
