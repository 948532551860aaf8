import { MetricsClient } from "../api/client-metrics.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { formatTable, type Row } from "./output/table.ts";
import { cpuCell, memoryCell, percentCell, readUsage } from "./usage.ts";

export const command = defineCommand({
  usage: ["top node [NAME] [flags]"],
  about: "What the machine uses of its processors, over one second, and of its memory, podrun's pods and all else.",
  examples: [["this machine", "podrun top node"]],
  options: { "no-headers": { kind: "boolean", help: "no heading line" } },
  run: async ({ options, positionals, config }) => {
    const [name, ...more] = positionals;
    if (more.length > 0) throw new UsageError("want one node at most: top node NAME");
    const client = new MetricsClient(config);
    const nodes = name === undefined ? await client.nodes() : [await client.node(name)];
    const rows = nodes.map(({ metadata, usage, capacity }): Row => {
      const [used, whole] = [readUsage(usage), readUsage(capacity)];
      const cpu = [cpuCell(used), percentCell(used.millicores, whole.millicores)];
      return [metadata.name, ...cpu, memoryCell(used), percentCell(used.bytes, whole.bytes)];
    });
    const heading = ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"];
    process.stdout.write(formatTable(options["no-headers"] ? rows : [heading, ...rows]));
    return 0;
  },
});
