import type { ApiClient } from "../api/client.ts";
import { ApiError } from "../api/status.ts";
import type { Pod } from "../spec/pod.ts";
import { duration, UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { followPod } from "./follow.ts";
import { evaluatePath, formatValue } from "./jsonpath.ts";
import { parseSelection } from "./selection.ts";

const OPTIONS = {
  for: {
    kind: "text",
    value: "STATE",
    help: "condition=TYPE[=VALUE], jsonpath='{.path}'=VALUE, create or delete",
  },
  timeout: { kind: "text", value: "DURATION", default: "30s", help: "longest time to wait; 0 only looks once" },
  selector: { kind: "text", short: "l", value: "SELECTOR", help: "pods with these labels" },
  all: { kind: "boolean", help: "all pods of the namespace" },
} as const;

export const command = defineCommand({
  usage: ["wait pod/NAME… --for=STATE [flags]", "wait pods (-l SELECTOR | --all) --for=STATE"],
  about: "Wait until pods are in a state.",
  examples: [
    ["until it is ready", "podrun wait --for=condition=Ready pod/web --timeout=60s"],
    ["until it has ended", "podrun wait --for=jsonpath='{.status.phase}'=Succeeded pod/job"],
    ["until it is gone", "podrun wait --for=delete pod/web"],
  ],
  options: OPTIONS,
  run: waitForPods,
});

async function waitForPods(invocation: Invocation<typeof OPTIONS>): Promise<number> {
  const { options, positionals } = invocation;
  const goal = parseGoal(options.for);
  const timeoutMs = duration(options.timeout, "--timeout");
  const { names } = await parseSelection(positionals);
  const isSelecting = options.all || options.selector !== undefined;
  if (isSelecting === names.length > 0)
    throw new UsageError("want the pods' names, or -l SELECTOR, or --all, and only one of them");
  const client = await invocation.connect();
  const found = names.length > 0 ? names : await selectNames(client, options.namespace, options.selector);
  if (found.length === 0) {
    process.stderr.write("error: no matching resources found\n");
    return 1;
  }
  const deadline = timeoutMs === undefined ? undefined : Date.now() + timeoutMs;
  let failed = false;
  for (const name of found) {
    // The server's own words for a pod that does not exist.
    if (goal.needsPod) await client.getPod(options.namespace, name);
    const left = deadline === undefined ? undefined : Math.max(deadline - Date.now(), 0);
    const follow = { namespace: options.namespace, name, timeoutMs: left, signal: invocation.signal };
    let gone = false;
    const met = await followPod(client, follow, (pod) => {
      gone = pod === undefined && goal.needsPod;
      return gone || goal.isMet(pod);
    });
    if (gone) throw new ApiError(goneStatus(name));
    if (met) process.stdout.write(`pod/${name} condition met\n`);
    else process.stderr.write(`error: timed out waiting for the condition on pods/${name}\n`);
    failed ||= !met;
  }
  return failed ? 1 : 0;
}

async function selectNames(client: ApiClient, namespace: string, labelSelector: string | undefined) {
  return (await client.listPods({ namespace, labelSelector })).items.map((pod) => pod.metadata.name);
}

const goneStatus = (name: string) =>
  ({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    reason: "NotFound",
    message: `pods "${name}" not found: it was deleted while this was waiting`,
    code: 404,
    details: { podrunCode: "NotFound" },
  }) as const;

interface Goal {
  readonly isMet: (pod: Pod | undefined) => boolean;
  /** A pod that does not exist can't get there. */
  readonly needsPod: boolean;
}

/** Throws UsageError. */
export function parseGoal(text: string | undefined): Goal {
  if (text === "delete") return { isMet: (pod) => pod === undefined, needsPod: false };
  if (text === "create") return { isMet: (pod) => pod !== undefined, needsPod: false };
  const condition = /^condition=([^=]+)(?:=(.*))?$/.exec(text ?? "");
  if (condition !== null) {
    const [, type = "", status = "true"] = condition;
    const isMet = (pod: Pod | undefined): boolean =>
      pod?.status.conditions?.some((one) => same(one.type, type) && same(one.status, status)) ?? false;
    return { isMet, needsPod: true };
  }
  const path = /^jsonpath=(\{.*\}|[^=]*)(?:=(.*))?$/s.exec(text ?? "");
  if (path === null)
    throw new UsageError(
      text === undefined || text === ""
        ? "must specify --for: condition=TYPE, jsonpath='{.path}'=VALUE, create or delete"
        : `unrecognized condition: "${text}": want condition=TYPE, jsonpath='{.path}'=VALUE, create or delete`,
    );
  const [, expression = "", want] = path;
  evaluatePath(expression, {});
  const isMet = (pod: Pod | undefined): boolean => {
    const found = evaluatePath(expression, pod);
    return want === undefined ? found.length > 0 : found.some((value) => formatValue(value) === want);
  };
  return { isMet, needsPod: true };
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
