import type { ObjectClient } from "../api/client-objects.ts";
import { kindOfWord } from "../spec/kinds.ts";
import type { KubeNode } from "../spec/node.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { DRY_RUN_OPTIONS, type DryRun, parseDryRun, printOutcome } from "./dry-run.ts";
import { findNodes } from "./node/find-nodes.ts";
import { changeTaints, isTaintChange, parseTaints, type TaintChanges } from "./node/taint-words.ts";
import { connectObjects } from "./objects.ts";
import { parseFormat } from "./output/print.ts";
import { splitChanges } from "./split-changes.ts";

const OPTIONS = {
  ...DRY_RUN_OPTIONS,
  overwrite: { kind: "boolean", help: "change taints that are there already" },
  all: { kind: "boolean", help: "all nodes: there is one" },
  selector: { kind: "text", short: "l", value: "SELECTOR", help: "nodes with these labels" },
} as const;

export const command = defineCommand({
  usage: [
    "taint nodes NAME KEY[=VALUE]:EFFECT… [KEY[:EFFECT]-…]",
    "taint nodes (--all | -l SELECTOR) KEY[=VALUE]:EFFECT…",
  ],
  about:
    "Set and take away the node's taints. NoSchedule keeps pods away that do not tolerate it, NoExecute ends those that run, too.",
  examples: [
    ["keep pods away that do not tolerate it", "podrun taint nodes $(hostname) dedicated=db:NoSchedule"],
    ["take it away", "podrun taint nodes $(hostname) dedicated-"],
  ],
  options: OPTIONS,
  run: async (invocation) => {
    const { options } = invocation;
    const format = parseFormat(options.output);
    const dryRun = parseDryRun(options["dry-run"]);
    const { names, changes } = readWords(invocation);
    const client = connectObjects(invocation.config);
    const nodes = await findNodes(client, names, options);
    if (nodes.length === 0) process.stderr.write("No resources found\n");
    for (const node of nodes) {
      const after = await taint(client, node, { changes, dryRun, overwrite: options.overwrite });
      await printOutcome(format, after, wordTainted(changes), dryRun);
    }
    return 0;
  },
});

/** kubectl's words. */
const wordTainted = ({ set, remove }: TaintChanges): string =>
  set.length === 0 ? "untainted" : remove.length === 0 ? "tainted" : "modified";

function readWords({ options, positionals }: Invocation<typeof OPTIONS>) {
  const [type, ...words] = positionals;
  if (type === undefined) throw new UsageError("want nodes, their names, and one taint at least");
  const [word = "", name, ...more] = type.split("/");
  if (kindOfWord(word) !== "Node" || more.length > 0)
    throw new UsageError(`invalid resource type ${type}, only "node" is supported`);
  const { words: named, changes: taints } = splitChanges(words, isTaintChange);
  const names = name === undefined ? named : [name, ...named];
  const changes = parseTaints(taints);
  if (names.length === 0 && !options.all && options.selector === undefined)
    throw new UsageError("at least one resource name must be specified since 'all' parameter is not set");
  return { names, changes };
}

interface Tainting {
  readonly changes: TaintChanges;
  readonly overwrite: boolean;
  readonly dryRun: DryRun;
}

/** Somebody else's change of the taints meanwhile is not undone: Conflict. */
async function taint(client: ObjectClient, node: KubeNode, { changes, overwrite, dryRun }: Tainting) {
  const { name, resourceVersion } = node.metadata;
  const taints = [...changeTaints(name, node.spec.taints ?? [], changes, overwrite)];
  if (dryRun === "client") return { ...node, spec: { ...node.spec, taints } };
  const patch = { metadata: { resourceVersion }, spec: { taints } };
  return client.patch("Node", "", name, patch, { dryRun: dryRun === "server" });
}
