import type { ApiClient } from "../api/client.ts";
import { ApiError } from "../api/status.ts";
import type { KubeNode } from "../spec/node.ts";
import type { Pod } from "../spec/pod.ts";
import { duration, UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { type DryRun, markOf, parseDryRun, printOutcome } from "./dry-run.ts";
import { choosePods } from "./node/drain-choice.ts";
import { cordon, SCHEDULABLE_OPTIONS, selectNodes } from "./node/schedulable.ts";
import { connectObjects } from "./objects.ts";
import { waitPodGone } from "./wait-gone.ts";

const OPTIONS = {
  ...SCHEDULABLE_OPTIONS,
  force: { kind: "boolean", help: "end pods that nothing makes again: here that is every one" },
  "delete-emptydir-data": { kind: "boolean", help: "end pods with emptyDir volumes: what is in them is lost" },
  "ignore-daemonsets": { kind: "boolean", help: "for scripts written for a cluster: podrun has no DaemonSets" },
  "grace-period": { kind: "text", value: "SECONDS", default: "-1", help: "time to end by itself; -1: the pod's own" },
  timeout: { kind: "text", value: "DURATION", default: "0", help: "longest time to wait; 0: as long as it takes" },
  "pod-selector": { kind: "text", value: "SELECTOR", help: "only pods with these labels" },
} as const;

type Drain = Invocation<typeof OPTIONS>;

export const command = defineCommand({
  usage: ["drain NODE [flags]"],
  about:
    "Let no new pod come to the node, and end those that are there, before work on the machine. Static pods stay. podrun uncordon lets pods come again.",
  examples: [
    ["all pods", "podrun drain $(hostname) --force --delete-emptydir-data"],
    ["see which they are", "podrun drain $(hostname) --force --dry-run=client"],
  ],
  options: OPTIONS,
  run: drain,
});

async function drain(invocation: Drain): Promise<number> {
  const { options } = invocation;
  const dryRun = parseDryRun(options["dry-run"]);
  const grace = options["grace-period"];
  if (!/^(-1|\d{1,9})$/.test(grace))
    throw new UsageError(`invalid argument "${grace}" for "--grace-period" flag: want a whole number, or -1`);
  const timeoutMs = duration(options.timeout, "--timeout");
  const objects = connectObjects(invocation.config);
  const client = await invocation.connect();
  let code = 0;
  for (const node of await selectNodes(objects, invocation)) {
    await cordon(objects, node, { isSchedulable: false, dryRun });
    const gracePeriodSeconds = grace === "-1" ? undefined : Number(grace);
    const errors = await evictAll(client, node, invocation, { dryRun, timeoutMs, gracePeriodSeconds });
    if (errors.length === 0) await printOutcome({ kind: "table", text: "" }, node, "drained", dryRun);
    else {
      printFailure(node, errors);
      code = 1;
    }
  }
  return code;
}

/** As kubectl has it: what it goes on to do with other nodes, and once more what went wrong. */
function printFailure({ metadata: { name } }: KubeNode, errors: readonly string[]): void {
  const text = errors.length === 1 ? errors[0] : `[${errors.join(", ")}]`;
  process.stderr.write(`error: unable to drain node "${name}" due to error: ${text}, continuing command...\n`);
  process.stderr.write(`There are pending nodes to be drained:\n ${name}\n`);
  process.stderr.write(errors.map((error) => `${error}\n`).join(""));
}

interface Evicting {
  readonly dryRun: DryRun;
  /** 0 or undefined: for ever. */
  readonly timeoutMs: number | undefined;
  readonly gracePeriodSeconds: number | undefined;
}

/** Answers what was in the way. */
async function evictAll(client: ApiClient, { metadata }: KubeNode, { options, signal }: Drain, how: Evicting) {
  const here = `spec.nodeName=${metadata.name}`;
  const { items } = await client.listPods({ fieldSelector: here, labelSelector: options["pod-selector"] });
  const deleteEmptyDirData = options["delete-emptydir-data"];
  const { pods, warnings, errors } = choosePods(items, { force: options.force, deleteEmptyDirData });
  if (errors.length > 0) return errors;
  if (warnings !== "") process.stderr.write(`Warning: ${warnings}\n`);
  const until = how.timeoutMs ? Date.now() + how.timeoutMs : undefined;
  const outcomes = await Promise.all(pods.map((pod) => evict(client, pod, { ...how, until, signal })));
  return outcomes.filter((error) => error !== undefined);
}

/** Answers why the pod is still there; undefined: it is gone. Throws what the server refuses. */
async function evict(
  client: ApiClient,
  pod: Pod,
  { dryRun, gracePeriodSeconds, until, signal }: Evicting & { readonly until: number | undefined; signal: AbortSignal },
): Promise<string | undefined> {
  const { namespace, name } = pod.metadata;
  process.stdout.write(`evicting pod ${namespace}/${name}${markOf(dryRun)}\n`);
  if (dryRun === "client") return undefined;
  try {
    await client.evictPod(pod, { gracePeriodSeconds, dryRun: dryRun === "server" });
  } catch (error) {
    // Somebody else was faster.
    if (!(error instanceof ApiError) || error.status.reason !== "NotFound") throw error;
  }
  if (dryRun === "server") return undefined;
  const timeoutMs = until === undefined ? undefined : Math.max(0, until - Date.now());
  if (!(await waitPodGone(client, pod, signal, timeoutMs)))
    return `error when waiting for pod "${name}" in namespace "${namespace}" to terminate: global timeout reached`;
  process.stdout.write(`pod/${name} evicted\n`);
  return undefined;
}
