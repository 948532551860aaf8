import { ImageClient } from "../../api/client-images.ts";
import { UsageError } from "../arguments.ts";
import { defineCommand } from "../command.ts";
import { authFileOf, REGISTRY_OPTIONS } from "./registry-options.ts";

export const command = defineCommand({
  usage: ["logout [REGISTRY] [flags]", "logout --all"],
  about: "Log out of a registry (docker.io when none is named): the account is taken out of the auth file.",
  examples: [
    ["one registry", "podrun logout example.com"],
    ["all of them", "podrun logout --all"],
  ],
  options: {
    all: { kind: "boolean", short: "a", help: "of all registries" },
    authfile: REGISTRY_OPTIONS.authfile,
  },
  run: async ({ options, positionals, config }) => {
    const [registry = "docker.io", ...more] = positionals;
    if (more.length > 0 || (options.all && positionals.length > 0)) throw new UsageError("want one registry, or --all");
    const authFile = authFileOf({ options });
    await new ImageClient(config).logout(options.all ? { all: true, authFile } : { registry, authFile });
    process.stdout.write(`Removed login credentials for ${options.all ? "all registries" : registry}\n`);
    return 0;
  },
});
