// `cordon` and `uncordon`: the same change in two directions; `drain` begins with it.
import type { ObjectClient } from "../../api/client-objects.ts";
import type { KubeNode } from "../../spec/node.ts";
import { UsageError } from "../arguments.ts";
import type { Invocation } from "../command.ts";
import { DRY_RUN_OPTIONS, type DryRun, parseDryRun, printOutcome } from "../dry-run.ts";
import { connectObjects } from "../objects.ts";
import { findNodes } from "./find-nodes.ts";

export const SCHEDULABLE_OPTIONS = {
  "dry-run": DRY_RUN_OPTIONS["dry-run"],
  selector: { kind: "text", short: "l", value: "SELECTOR", help: "nodes with these labels" },
} as const;

type Nodes = Pick<Invocation<typeof SCHEDULABLE_OPTIONS>, "options" | "positionals" | "config">;

/** The nodes that the command line names. Throws UsageError. */
export function selectNodes(client: ObjectClient, { options, positionals }: Nodes): Promise<readonly KubeNode[]> {
  if (positionals.length === 0 && options.selector === undefined) throw new UsageError("want the name of a node");
  return findNodes(client, positionals, options);
}

export async function setSchedulable(invocation: Nodes, isSchedulable: boolean): Promise<number> {
  const dryRun = parseDryRun(invocation.options["dry-run"]);
  const client = connectObjects(invocation.config);
  for (const node of await selectNodes(client, invocation)) await cordon(client, node, { isSchedulable, dryRun });
  return 0;
}

/** Says what it did, or that nothing was to be done. */
export async function cordon(
  client: ObjectClient,
  node: KubeNode,
  { isSchedulable, dryRun }: { readonly isSchedulable: boolean; readonly dryRun: DryRun },
): Promise<void> {
  const word = isSchedulable ? "uncordoned" : "cordoned";
  const isAlready = (node.spec.unschedulable ?? false) === !isSchedulable;
  const patch = { spec: { unschedulable: isSchedulable ? null : true } };
  if (!isAlready && dryRun !== "client")
    await client.patch("Node", "", node.metadata.name, patch, { dryRun: dryRun === "server" });
  await printOutcome({ kind: "table", text: "" }, node, isAlready ? `already ${word}` : word, dryRun);
}
