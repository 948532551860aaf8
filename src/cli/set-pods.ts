// What the commands under `set` have in common: pods that are chosen, `KEY=VALUE` words behind them, a patch for each.
import { kindNames } from "../spec/kinds.ts";
import type { Container, KubeObject, Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { CHOICE_OPTIONS, chooseObjects } from "./chosen-objects.ts";
import type { Invocation } from "./command.ts";
import { DRY_RUN_OPTIONS, parseDryRun, printOutcome } from "./dry-run.ts";
import { connectObjects } from "./objects.ts";
import { parseFormat } from "./output/print.ts";

export const SET_OPTIONS = { ...CHOICE_OPTIONS, ...DRY_RUN_OPTIONS } as const;

type Setting = Pick<Invocation<typeof SET_OPTIONS>, "options" | "given" | "config">;

export interface ChosenPods {
  readonly pods: readonly Pod[];
  /** One that was named is not there. */
  readonly failed: boolean;
}

/** The pods that the words and flags choose. Throws UsageError for objects that have no containers. */
export async function choosePods(invocation: Setting, words: readonly string[]): Promise<ChosenPods> {
  const { objects, failed } = await chooseObjects(connectObjects(invocation.config), invocation, words);
  return { pods: objects.map(podOf), failed };
}

function podOf(object: KubeObject): Pod {
  if (object.kind === "Pod") return object;
  throw new UsageError(`${kindNames(object.kind).plural}/${object.metadata.name} has no containers`);
}

/** Patches each pod with what `change` makes of its containers, by the containers' names; says `pod/web WORD`. Answers the exit code. */
export async function setContainers(
  invocation: Setting,
  { pods, failed }: ChosenPods,
  { word, change }: { readonly word: string; readonly change: (containers: readonly Container[]) => readonly object[] },
): Promise<number> {
  const { options, config } = invocation;
  const format = parseFormat(options.output);
  const dryRun = parseDryRun(options["dry-run"]);
  const client = connectObjects(config);
  for (const pod of pods) {
    const fields = (["containers", "initContainers"] as const).map(
      (field) => [field, change(pod.spec[field] ?? [])] as const,
    );
    const changed = fields.filter(([, containers]) => containers.length > 0);
    // As kubectl has it: nothing to do, nothing to say.
    if (changed.length === 0) continue;
    const patch = { spec: Object.fromEntries(changed) };
    const { name, namespace } = pod.metadata;
    // The daemon's, for it has the rules.
    const after = await client.patch("Pod", namespace, name, patch, { type: "strategic", dryRun: dryRun !== "none" });
    await printOutcome(format, after, word, dryRun);
  }
  return failed ? 1 : 0;
}
