import { KINDS } from "../spec/kinds.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";

export const command = defineCommand({
  usage: ["api-versions"],
  about: "List the versions of the API that manifests may name.",
  examples: [["all", "podrun api-versions"]],
  options: {},
  run: async ({ positionals }) => {
    if (positionals.length > 0) throw new UsageError(`api-versions takes no argument, not "${positionals[0]}"`);
    const versions = new Set(KINDS.map(({ apiVersion }) => apiVersion));
    process.stdout.write(
      [...versions]
        .sort()
        .map((version) => `${version}\n`)
        .join(""),
    );
    return 0;
  },
});
