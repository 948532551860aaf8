// The command line's entry: finds the command, loads its file and nothing else, and words what went wrong.
import { loadConfig } from "../base/config.ts";
import { parseArguments, UsageError } from "./arguments.ts";
import { type Command, GLOBAL_OPTIONS } from "./command.ts";
import { installExits, onInterrupt } from "./interrupt.ts";
import { flushOutput } from "./output.ts";

type Loader = () => Promise<{ readonly command: unknown }>;

/** Every command and its file, in the order of the help. */
const COMMANDS: Readonly<Record<string, readonly [about: string, load: Loader]>> = {
  apply: ["create or change pods from manifests", () => import("./apply.ts")],
  create: ["create pods from manifests", () => import("./create.ts")],
  run: ["run one image as a pod", () => import("./run.ts")],
  get: ["list pods", () => import("./get.ts")],
  describe: ["show a pod in detail, with its events", () => import("./describe.ts")],
  logs: ["print a container's output", () => import("./logs.ts")],
  exec: ["run a command in a container", () => import("./exec.ts")],
  attach: ["connect to a container's own process", () => import("./attach.ts")],
  delete: ["delete pods", () => import("./delete.ts")],
  wait: ["wait until pods are in a state", () => import("./wait.ts")],
  plan: ["show what a manifest's start would do, step by step", () => import("./plan.ts")],
  trace: ["show what a pod's last start did, and how long each step took", () => import("./trace.ts")],
  system: ["look after podrun itself: info, check, reset", () => import("./system.ts")],
  version: ["show podrun's version", () => import("./version.ts")],
};

/** Flags that may stand before the command and take the next word. */
const TAKES_VALUE = /^(-n|--namespace)$/;

/** Runs one command line; answers the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const at = argv.findIndex((word, index) => !word.startsWith("-") && !TAKES_VALUE.test(argv[index - 1] ?? ""));
  const name = at === -1 ? undefined : argv[at];
  const debug = argv.slice(0, argv.indexOf("--") === -1 ? undefined : argv.indexOf("--")).includes("--debug");
  try {
    if (name === undefined && argv.includes("--version")) return await runCommand("version", ["--client"]);
    if (name === undefined || name === "help") return await help(name === undefined ? [] : argv.slice(at + 1));
    return await runCommand(name, argv.toSpliced(at, 1));
  } catch (error) {
    const { reportError } = await import("./report.ts");
    return reportError(error, { command: name, debug });
  }
}

async function runCommand(name: string, argv: readonly string[]): Promise<number> {
  const command = await loadCommand(name);
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

async function loadCommand(name: string): Promise<Command> {
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry !== undefined) return (await entry[1]()).command as Command;
  const { nearest } = await import("../spec/nearest.ts");
  const near = nearest(name, Object.keys(COMMANDS));
  throw new UsageError(`unknown command "${name}"${near === undefined ? "" : `; did you mean "${near}"?`}`);
}

async function help(words: readonly string[]): Promise<number> {
  const { printCommandHelp, printOverview } = await import("./help.ts");
  const name = words.find((word) => !word.startsWith("-"));
  if (name !== undefined) return printCommandHelp(name, await loadCommand(name));
  return printOverview(Object.entries(COMMANDS).map(([command, [about]]) => [command, about] as const));
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
