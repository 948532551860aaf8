import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { SCRIPTS } from "./completion/completion-scripts.ts";

export const command = defineCommand({
  usage: ["completion (bash | zsh | fish)"],
  about:
    "Print a script that lets the shell complete podrun's commands, flags, types, and the names of what there is. It asks the daemon when one runs, and starts none.",
  examples: [
    ["bash, in ~/.bashrc", "source <(podrun completion bash)"],
    ["bash, for all users", "podrun completion bash > /etc/bash_completion.d/podrun"],
    ["zsh, in ~/.zshrc after compinit", "source <(podrun completion zsh)"],
    ["fish", "podrun completion fish > ~/.config/fish/completions/podrun.fish"],
  ],
  options: {},
  run: async ({ positionals: [shell, ...more] }) => {
    const script = shell !== undefined && Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
    if (script === undefined || more.length > 0)
      throw new UsageError(`want one shell of: ${Object.keys(SCRIPTS).join(", ")}`);
    process.stdout.write(script);
    return 0;
  },
});
