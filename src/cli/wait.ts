import { ApiError } from "../api/status.ts";
import { kindNames } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";
import { duration, UsageError } from "./arguments.ts";
import { CHOICE_OPTIONS, namedObjects, type ObjectName } from "./chosen-objects.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { followPod } from "./follow.ts";
import { connectObjects } from "./objects.ts";
import { evaluatePath, formatValue } from "./output/jsonpath.ts";
import { parseAnySelection } from "./selection.ts";
import { waitObject } from "./wait-object.ts";

const OPTIONS = {
  for: {
    kind: "text",
    value: "STATE",
    help: "condition=TYPE[=VALUE], jsonpath='{.path}'=VALUE, create or delete",
  },
  timeout: { kind: "text", value: "DURATION", default: "30s", help: "longest time to wait; 0 only looks once" },
  ...CHOICE_OPTIONS,
} as const;

type Wait = Invocation<typeof OPTIONS>;

export const command = defineCommand({
  usage: [
    "wait TYPE/NAME… --for=STATE [flags]",
    "wait TYPE (-l SELECTOR | --all) --for=STATE",
    "wait -f FILE… --for=STATE",
  ],
  about: "Wait until pods, or other objects, are in a state.",
  examples: [
    ["until it is ready", "podrun wait --for=condition=Ready pod/web --timeout=60s"],
    ["until it has ended", "podrun wait --for=jsonpath='{.status.phase}'=Succeeded pod/job"],
    ["until it is gone", "podrun wait --for=delete pod/web"],
  ],
  options: OPTIONS,
  run: waitForPods,
});

async function waitForPods(invocation: Wait): Promise<number> {
  const { options } = invocation;
  const goal = parseGoal(options.for);
  const timeoutMs = duration(options.timeout, "--timeout");
  const client = await invocation.connect();
  const found = await findNames(invocation);
  if (found.length === 0) {
    // There is nothing that would have to go.
    if (options.for === "delete") return 0;
    process.stderr.write("error: no matching resources found\n");
    return 1;
  }
  const deadline = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  let failed = false;
  for (const { kind, namespace, name } of found) {
    // The server's own words for an object that does not exist.
    if (goal.needsObject) await connectObjects(invocation.config).get(kind, namespace, name);
    const left = deadline === undefined ? undefined : Math.max(deadline - performance.now(), 0);
    const follow = { namespace, name, timeoutMs: left, signal: invocation.signal };
    let gone = false;
    const isEnough = (object: KubeObject | undefined): boolean => {
      gone = object === undefined && goal.needsObject;
      return gone || goal.isMet(object);
    };
    const met =
      kind === "Pod"
        ? await followPod(client, follow, isEnough)
        : await waitObject(connectObjects(invocation.config), { ...follow, kind }, isEnough);
    const { singular, plural } = kindNames(kind);
    if (gone) throw new ApiError(goneStatus(plural, name));
    if (met) process.stdout.write(`${singular}/${name} condition met\n`);
    else process.stderr.write(`error: timed out waiting for the condition on ${plural}/${name}\n`);
    failed ||= !met;
  }
  return failed ? 1 : 0;
}

/** What the command line or its files name, or what a selector finds now. Throws UsageError. */
async function findNames({ options, given, positionals, config }: Wait): Promise<readonly ObjectName[]> {
  const isSelecting = options.all || options.selector !== undefined;
  if (options.filename.length > 0 && isSelecting) throw new UsageError("when -f is given, -l and --all are not");
  const named = await namedObjects({ options, given }, positionals);
  if (isSelecting === (named !== undefined))
    throw new UsageError("want the pods' names, or -l SELECTOR, or --all, or -f FILE, and only one of them");
  if (named !== undefined) return named;
  const { kind } = await parseAnySelection(positionals);
  const namespace = options["all-namespaces"] ? undefined : options.namespace;
  const objects: readonly KubeObject[] = await connectObjects(config).list(kind, {
    namespace,
    labelSelector: options.selector,
    fieldSelector: options["field-selector"],
  });
  return objects.map(({ metadata }) => ({ kind, namespace: metadata.namespace, name: metadata.name }));
}

const goneStatus = (plural: string, name: string) =>
  ({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    reason: "NotFound",
    message: `${plural} "${name}" not found: it was deleted while this was waiting`,
    code: 404,
    details: { podrunCode: "NotFound" },
  }) as const;

interface Goal {
  readonly isMet: (object: KubeObject | undefined) => boolean;
  /** An object that does not exist can't get there. */
  readonly needsObject: boolean;
}

/** Throws UsageError. */
export function parseGoal(text: string | undefined): Goal {
  if (text === "delete") return { isMet: (object) => object === undefined, needsObject: false };
  if (text === "create") return { isMet: (object) => object !== undefined, needsObject: false };
  const condition = /^condition=([^=]+)(?:=(.*))?$/.exec(text ?? "");
  if (condition !== null) {
    const [, type = "", status = "true"] = condition;
    const isMet = (object: KubeObject | undefined): boolean =>
      conditionsOf(object).some((one) => same(one.type, type) && same(one.status, status));
    return { isMet, needsObject: true };
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
  const isMet = (object: KubeObject | undefined): boolean => {
    const found = evaluatePath(expression, object);
    return want === undefined ? found.length > 0 : found.some((value) => formatValue(value) === want);
  };
  return { isMet, needsObject: true };
}

/** Not every kind has conditions. */
function conditionsOf(object: KubeObject | undefined): readonly { readonly type: string; readonly status: string }[] {
  const status = object !== undefined && "status" in object ? object.status : undefined;
  return (status !== undefined && "conditions" in status ? status.conditions : undefined) ?? [];
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
