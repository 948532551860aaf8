// What a command is: its words, its flags, and the function that does it.
import type { ApiClient } from "../api/client.ts";
import type { ConnectOptions } from "../api/connect.ts";
import type { Config } from "../base/config.ts";
import type { OptionTable, OptionValues } from "./arguments.ts";

export interface Invocation<T extends OptionTable> {
  readonly options: OptionValues<T & typeof GLOBAL_OPTIONS>;
  readonly given: ReadonlySet<string>;
  readonly positionals: readonly string[];
  /** What came after `--`. */
  readonly rest: readonly string[] | undefined;
  readonly config: Config;
  /** Loads the HTTP client, which `exec` does without. */
  readonly connect: (options?: ConnectOptions) => Promise<ApiClient>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export interface Command<T extends OptionTable = OptionTable> {
  /** `get (pods | pod NAME…) [flags]`, one form a line. */
  readonly usage: readonly string[];
  readonly about: string;
  /** Pairs of a comment and a command line. */
  readonly examples: readonly (readonly [what: string, line: string])[];
  readonly options: T;
  /** Answers the exit code. */
  readonly run: (invocation: Invocation<T>) => Promise<number>;
}

/** Lets the compiler know each option's kind. */
export const defineCommand = <const T extends OptionTable>(command: Command<T>): Command<T> => command;

/** Flags of every command. */
export const GLOBAL_OPTIONS = {
  namespace: {
    kind: "text",
    short: "n",
    value: "NAMESPACE",
    default: "default",
    help: "namespace of the pods",
  },
  debug: { kind: "boolean", help: "with an error, show its causes too" },
  help: { kind: "boolean", short: "h", help: "show this help" },
} as const satisfies OptionTable;

/** Commands under one word: `image pull`. */
export interface CommandGroup {
  readonly about: string;
  readonly commands: Readonly<Record<string, CommandEntry>>;
}

/** A line for the help, and its file: nothing else is loaded. */
export type CommandEntry = readonly [
  about: string,
  load: () => Promise<{ readonly command: unknown } | { readonly group: CommandGroup }>,
];
