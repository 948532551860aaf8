import type { OptionTable } from "./arguments.ts";
import { type Command, type CommandGroup, GLOBAL_OPTIONS } from "./command.ts";

/** The help of podrun as a whole. */
export function printOverview(commands: readonly (readonly [name: string, about: string])[]): number {
  const width = Math.max(...commands.map(([name]) => name.length));
  const lines = commands.map(([name, about]) => `  ${name.padEnd(width)}  ${about}`);
  process.stdout.write(
    `podrun runs Kubernetes pods on this machine, with no cluster.\n\nUsage:\n  podrun COMMAND [flags]\n\n` +
      `Commands:\n${lines.join("\n")}\n\nUse "podrun COMMAND --help" for a command's flags and examples.\n`,
  );
  return 0;
}

/** The help of a word with commands of its own. */
export function printGroupHelp(name: string, { about, commands }: CommandGroup): number {
  const width = Math.max(...Object.keys(commands).map((verb) => verb.length));
  const lines = Object.entries(commands).map(([verb, [what]]) => `  ${verb.padEnd(width)}  ${what}`);
  process.stdout.write(
    `${about}\n\nUsage:\n  podrun ${name} COMMAND [flags]\n\nCommands:\n${lines.join("\n")}\n\n` +
      `Use "podrun ${name} COMMAND --help" for a command's flags and examples.\n`,
  );
  return 0;
}

/** The help of one command. */
export function printCommandHelp(name: string, command: Command): number {
  const usage = command.usage.map((form) => `  podrun ${form}`).join("\n");
  const examples = command.examples.map(([what, line]) => `  # ${what}\n  ${line}`).join("\n\n");
  process.stdout.write(
    `${command.about}\n\nUsage:\n${usage}\n\nExamples:\n${examples}\n` +
      `${flags("Flags", command.options)}${flags("Flags of every command", GLOBAL_OPTIONS)}` +
      `${name === "exec" || name === "attach" || name === "debug" || name === "run" ? DETACH : ""}`,
  );
  return 0;
}

const DETACH = `\nWith -t, ctrl-p ctrl-q leaves the process running and comes back (--detach-keys chooses other keys).\n`;

function flags(title: string, table: OptionTable): string {
  const rows = Object.entries(table).map(([name, option]) => {
    const value =
      option.kind === "boolean"
        ? ""
        : option.bare === undefined
          ? ` ${option.value ?? "VALUE"}`
          : `[=${option.value ?? "VALUE"}]`;
    const short = option.short === undefined ? "    " : `-${option.short}, `;
    const fallback = option.default === undefined || option.default === false ? "" : ` (default ${option.default})`;
    return [`  ${short}--${name}${value}`, `${option.help}${fallback}`] as const;
  });
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([left]) => left.length));
  return `\n${title}:\n${rows.map(([left, right]) => `${left.padEnd(width)}  ${right}`).join("\n")}\n`;
}
