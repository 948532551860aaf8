import type { ObjectClient } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import { PodrunError } from "../base/errors.ts";
import type { KubeObject } from "../spec/pod.ts";
import { duration, UsageError, wholeNumber } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { DRY_RUN_OPTIONS, parseDryRun, printOutcome } from "./dry-run.ts";
import { followPod } from "./follow.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import { readManifests } from "./manifests.ts";
import { connectObjects } from "./objects.ts";
import { parseFormat } from "./output/print.ts";
import { waitObjectGone } from "./wait-gone.ts";

const OPTIONS = {
  ...MANIFEST_OPTIONS,
  ...DRY_RUN_OPTIONS,
  force: { kind: "boolean", help: "delete what is there, and create it anew" },
  "grace-period": { kind: "text", value: "SECONDS", help: "with --force: time for pods to end, instead of their own" },
  timeout: {
    kind: "text",
    value: "DURATION",
    default: "0",
    help: "with --force: longest time to wait for the end; 0: as long as it takes",
  },
} as const;

type Replace = Invocation<typeof OPTIONS>;

export const command = defineCommand({
  usage: ["replace -f FILE… [flags]", "replace --force -f FILE…"],
  about:
    "Make objects that are there exactly what their manifests say: what a manifest does not name goes. Of pods only what may change in place can be replaced; with --force they are made anew.",
  examples: [
    ["a ConfigMap, without the keys that others have added", "podrun replace -f config.yaml"],
    ["a pod, by a new one", "podrun replace --force -f pod.yaml"],
  ],
  options: OPTIONS,
  run: async (invocation) => {
    const { options, given, positionals } = invocation;
    if (positionals.length > 0) throw new UsageError(`unexpected arguments: ${positionals.join(" ")}; want -f FILE`);
    const format = parseFormat(options.output);
    const dryRun = parseDryRun(options["dry-run"]);
    const isForced = options.force;
    if (isForced && dryRun !== "none") throw new UsageError("--dry-run can not be used when --force is set");
    for (const flag of ["grace-period", "timeout"])
      if (given.has(flag) && !isForced) throw new UsageError(`--${flag} must have --force specified`);
    const { filename: files, recursive, namespace } = options;
    const manifests = await readManifests({ files, recursive, namespace, namespaceGiven: given.has("namespace") });
    const objects = manifests.map(({ object }) => object);
    const client = connectObjects(invocation.config);
    // All are tried before the first is replaced.
    if (dryRun !== "client" && !isForced) for (const object of objects) await client.replace(object, { dryRun: true });
    if (isForced) await removeAll(invocation, client, objects.map(notTheNode));
    for (const object of objects) {
      const after = isForced ? await client.create(object) : await replace(client, object, dryRun);
      await printOutcome(format, after, "replaced", dryRun);
    }
    return 0;
  },
});

async function replace(client: ObjectClient, object: KubeObject, dryRun: ReturnType<typeof parseDryRun>) {
  const { kind, metadata } = object;
  if (dryRun !== "client") return client.replace(object, { dryRun: dryRun === "server" });
  await client.get(kind, metadata.namespace, metadata.name);
  return object;
}

interface Removal {
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  /** Of pods; undefined: their own. */
  readonly gracePeriodSeconds: number | undefined;
}

type Removable = Exclude<KubeObject, { kind: "Node" }>;

function notTheNode(object: KubeObject): Removable {
  if (object.kind === "Node") throw new UsageError("the node can't be made anew: replace it without --force");
  return object;
}

async function removeAll(invocation: Replace, client: ObjectClient, objects: readonly Removable[]): Promise<void> {
  // Read before the first object goes.
  const how = parseRemoval(invocation);
  for (const object of objects) await remove(invocation, client, object, how);
}

/** Throws UsageError. */
function parseRemoval({ options }: Replace): Removal {
  const limit = duration(options.timeout, "--timeout");
  const grace = options["grace-period"];
  return {
    timeoutMs: limit === 0 ? undefined : limit,
    gracePeriodSeconds: grace === undefined || grace === "-1" ? undefined : wholeNumber(grace, "--grace-period"),
  };
}

/** Deletes an object and waits until it is gone; one that is not there is none the worse. */
async function remove(
  invocation: Replace,
  client: ObjectClient,
  { kind, metadata }: Removable,
  { timeoutMs, gracePeriodSeconds }: Removal,
): Promise<void> {
  const { namespace, name } = metadata;
  const wait = { kind, namespace, name, timeoutMs, signal: invocation.signal };
  try {
    let isGone: boolean;
    if (kind === "Pod") {
      const pods = await invocation.connect();
      const { uid } = (await pods.deletePod(namespace, name, gracePeriodSeconds)).metadata;
      isGone = await followPod(pods, wait, (now) => now?.metadata.uid !== uid);
    } else isGone = await waitObjectGone(client, { ...wait, kind, uid: await client.delete(kind, namespace, name) });
    if (!isGone) throw new PodrunError("OperationFailed", `timed out waiting for ${kind} "${name}" to be deleted`);
    process.stdout.write(`${kind.toLowerCase()} "${name}" deleted\n`);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status.reason !== "NotFound") throw error;
  }
}
