import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { drawTrace, toTimeline } from "./output/trace-draw.ts";
import { podName } from "./selection.ts";
import { hasColour } from "./terminal.ts";

export const command = defineCommand({
  usage: ["trace POD [flags]"],
  about: "Show what a pod's last start did: every operation, when it ran and how long it took.",
  examples: [
    ["bars in the terminal", "podrun trace web"],
    ["a picture", "podrun trace web -o svg > web.svg"],
  ],
  options: { output: { kind: "text", short: "o", value: "FORMAT", help: "json or svg" } },
  run: async ({ options, positionals, connect }) => {
    const [pod, ...more] = positionals;
    if (pod === undefined || more.length > 0) throw new UsageError("want exactly one pod: trace POD");
    const format = options.output;
    if (format !== undefined && format !== "json" && format !== "svg")
      throw new UsageError(`output format "${format}" is not for trace: want json or svg, or none`);
    const name = await podName(pod);
    const operations = await (await connect()).trace(options.namespace, name);
    if (format === "json") {
      process.stdout.write(`${JSON.stringify({ operations }, null, 2)}\n`);
      return 0;
    }
    const timeline = toTimeline(operations);
    if (format === "svg") {
      const { drawSvg } = await import("./output/trace-svg.ts");
      process.stdout.write(drawSvg(timeline, `${options.namespace}/${name}`));
      return 0;
    }
    process.stdout.write(drawTrace(timeline, { columns: process.stdout.columns || 120, colour: hasColour() }));
    return 0;
  },
});
