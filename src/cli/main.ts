// The command line's entry: finds the command, loads its file and nothing else, and words what went wrong.
import { loadConfig } from "../base/config.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import { type Command, type CommandEntry, type CommandGroup, GLOBAL_OPTIONS } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { installExits, onInterrupt } from "./interrupt.ts";
import { flushOutput } from "./output/output.ts";

/** Flags that may stand before the command and take the next word. */
const TAKES_VALUE = /^(-n|--namespace)$/;

/** Runs one command line; answers the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const at = argv.findIndex((word, index) => !word.startsWith("-") && !TAKES_VALUE.test(argv[index - 1] ?? ""));
  const name = at === -1 ? undefined : argv[at];
  const debug = argv.slice(0, argv.indexOf("--") === -1 ? undefined : argv.indexOf("--")).includes("--debug");
  try {
    if (name === undefined) return await runWithoutCommand(argv);
    if (name === "help") return await help(argv.slice(at + 1));
    if (name === "__complete")
      return await (await import("./completion/complete.ts")).printCompletions(argv.slice(at + 1));
    return await runCommand(name, argv.toSpliced(at, 1));
  } catch (error) {
    const { reportError } = await import("./report.ts");
    return reportError(error, { debug });
  }
}

/** `podrun`, `podrun --help`, `podrun -v`; any other flag needs a command. Throws UsageError. */
async function runWithoutCommand(argv: readonly string[]): Promise<number> {
  if (argv.includes("--version") || argv.includes("-v")) return runCommand("version", ["--client"]);
  await parseArguments(argv, GLOBAL_OPTIONS);
  return help([]);
}

async function runCommand(word: string, words: readonly string[]): Promise<number> {
  const found = await findCommand(word, words);
  if ("group" in found) return (await import("./help.ts")).printGroupHelp(word, found.group);
  return withUsageOf(found.name, () => runFound(found));
}

/** Mistakes in the words of a command point to its own help. */
async function withUsageOf<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof UsageError) error.command ??= name;
    throw error;
  }
}

async function runFound({ command, argv, name }: FoundCommand): Promise<number> {
  const parsed = await parseArguments(argv, { ...command.options, ...GLOBAL_OPTIONS });
  if (parsed.options.help) return (await import("./help.ts")).printCommandHelp(name, command);
  const config = loadConfig();
  return command.run({
    ...parsed,
    config,
    signal: onInterrupt(),
    connect: async (options) => {
      const { requireRoot } = await import("../api/connect.ts");
      requireRoot();
      const { ApiClient } = await import("../api/client.ts");
      return new ApiClient(config, options);
    },
  });
}

interface FoundCommand {
  readonly name: string;
  readonly command: Command;
  readonly argv: readonly string[];
}

/** A group's command is named by the next word; only its help may do without one. Throws UsageError. */
async function findCommand(word: string, words: readonly string[]): Promise<FoundCommand | { group: CommandGroup }> {
  const loaded = await loadEntry(word, COMMANDS, "");
  if (!("group" in loaded)) return { name: word, command: loaded.command as Command, argv: words };
  const { group } = loaded;
  const at = words.findIndex((one) => !one.startsWith("-"));
  const verb = words[at];
  if (verb === undefined && words.some((one) => one === "-h" || one === "--help")) return { group };
  if (verb === undefined)
    return withUsageOf(word, () => Promise.reject(new UsageError(`want one of: ${wordVerbs(word, group)}`)));
  const inner = await withUsageOf(word, () => loadEntry(verb, group.commands, `${word} `));
  if ("group" in inner) return inner;
  return { name: `${word} ${verb}`, command: inner.command as Command, argv: words.toSpliced(at, 1) };
}

const wordVerbs = (word: string, { commands }: CommandGroup): string =>
  Object.keys(commands)
    .map((verb) => `${word} ${verb}`)
    .join(", ");

async function loadEntry(name: string, entries: Readonly<Record<string, CommandEntry>>, before: string) {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry !== undefined) return entry[1]();
  const { suggestCommand } = await import("./other-words.ts");
  throw new UsageError(`unknown command "${before}${name}"${suggestCommand(name, before, Object.keys(entries))}`);
}

async function help(words: readonly string[]): Promise<number> {
  const { printCommandHelp, printGroupHelp, printOverview } = await import("./help.ts");
  const [name, ...more] = words.filter((word) => !word.startsWith("-"));
  if (name === undefined)
    return printOverview(Object.entries(COMMANDS).map(([command, [about]]) => [command, about] as const));
  const found = await findCommand(name, more.length === 0 ? ["--help"] : more);
  return "group" in found ? printGroupHelp(name, found.group) : printCommandHelp(found.name, found.command);
}

installExits();
main(process.argv.slice(2)).then(
  async (code) => {
    await flushOutput();
    process.exit(code);
  },
  (error: unknown) => {
    process.stderr.write(`error: internal: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
