import { defineCommand } from "./command.ts";
import { SCHEDULABLE_OPTIONS, setSchedulable } from "./node/schedulable.ts";

export const command = defineCommand({
  usage: ["uncordon NODE [flags]"],
  about: "Let new pods come to the node again; those that wait start.",
  examples: [["after it", "podrun uncordon $(hostname)"]],
  options: SCHEDULABLE_OPTIONS,
  run: (invocation) => setSchedulable(invocation, true),
});
