import { MetricsClient, type PodMetrics } from "../api/client-metrics.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { formatTable, type Row } from "./output/table.ts";
import { type Amount, cpuCell, memoryCell, readUsage, sorter, sum } from "./usage.ts";

export const command = defineCommand({
  usage: ["top pod [NAME | -l SELECTOR] [flags]"],
  about: "What pods use of processor, over one second, and of memory (their working set). Only what runs is shown.",
  examples: [
    ["the pods of the default namespace", "podrun top pod"],
    ["each container, the hungriest first", "podrun top pod -A --containers --sort-by=memory"],
  ],
  options: {
    "all-namespaces": { kind: "boolean", short: "A", help: "pods of all namespaces" },
    selector: { kind: "text", short: "l", value: "SELECTOR", help: "pods with these labels: app=web,tier!=db" },
    containers: { kind: "boolean", help: "each container on a line of its own" },
    "sort-by": { kind: "text", value: "FIELD", help: "cpu or memory, the highest first" },
    "no-headers": { kind: "boolean", help: "no heading line" },
  },
  run: async ({ options, positionals, config }) => {
    const [name, ...more] = positionals;
    const { namespace, selector, "all-namespaces": all } = options;
    if (more.length > 0) throw new UsageError("want one pod at most: top pod NAME");
    if (name !== undefined && selector !== undefined)
      throw new UsageError("only one of NAME or --selector can be provided");
    if (name !== undefined && all) throw new UsageError("a resource cannot be retrieved by name across all namespaces");
    const sort = sorter(options["sort-by"]);
    const client = new MetricsClient(config);
    const pods =
      name === undefined
        ? await client.pods(all ? undefined : namespace, selector)
        : [await client.pod(namespace, name)];
    if (pods.length === 0) {
      process.stderr.write(all ? "No resources found\n" : `No resources found in ${namespace} namespace.\n`);
      return 0;
    }
    const lines = pods.flatMap((pod) => (options.containers ? containerLines(pod) : [podLine(pod)]));
    if (sort !== undefined) lines.sort((a, b) => sort(a.amount, b.amount));
    const heading = [...(options.containers ? ["POD"] : []), "NAME", "CPU(cores)", "MEMORY(bytes)"];
    const rows = lines.map(({ namespace: at, names, amount }) => [
      ...(all ? [at] : []),
      ...names,
      cpuCell(amount),
      memoryCell(amount),
    ]);
    const head: readonly Row[] = options["no-headers"] ? [] : [[...(all ? ["NAMESPACE"] : []), ...heading]];
    process.stdout.write(formatTable([...head, ...rows]));
    return 0;
  },
});

interface Line {
  readonly namespace: string;
  readonly names: readonly string[];
  readonly amount: Amount;
}

const podLine = ({ metadata, containers }: PodMetrics): Line => ({
  namespace: metadata.namespace,
  names: [metadata.name],
  amount: sum(containers.map(({ usage }) => readUsage(usage))),
});

const containerLines = ({ metadata, containers }: PodMetrics): readonly Line[] =>
  containers.map(({ name, usage }) => ({
    namespace: metadata.namespace,
    names: [metadata.name, name],
    amount: readUsage(usage),
  }));
