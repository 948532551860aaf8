import { defineCommand } from "./command.ts";
import { SCHEDULABLE_OPTIONS, setSchedulable } from "./node/schedulable.ts";

export const command = defineCommand({
  usage: ["cordon NODE [flags]"],
  about:
    "Let no new pod come to the node. Pods that run stay; those that name the node (static pods do) come all the same.",
  examples: [["before work on the machine", "podrun cordon $(hostname)"]],
  options: SCHEDULABLE_OPTIONS,
  run: (invocation) => setSchedulable(invocation, false),
});
