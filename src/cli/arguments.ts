// The command line taken apart in kubectl's way: flags anywhere before `--`, `-it` in one, `-nNAME`, `--wait=false`.
import { parseArgs } from "node:util";

export type OptionKind = "boolean" | "text" | "list";

export interface Option {
  readonly kind: OptionKind;
  readonly short?: string;
  /** What stands for the value in the help: `SECONDS`. */
  readonly value?: string;
  /** The value of a text option given without one: `--dry-run`. */
  readonly bare?: string;
  readonly default?: boolean | string;
  /** What a shell offers for the value. */
  readonly choices?: readonly string[];
  readonly help: string;
}

export type OptionTable = Readonly<Record<string, Option>>;

/** The values by option name: a boolean is always there, a text when it was given or has a default, a list may be empty. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: T[K]["kind"] extends "boolean"
    ? boolean
    : T[K]["kind"] extends "list"
      ? readonly string[]
      : T[K] extends { readonly default: string }
        ? string
        : string | undefined;
};

export interface ParsedArguments<T extends OptionTable> {
  readonly options: OptionValues<T>;
  /** Which options stood on the command line. */
  readonly given: ReadonlySet<string>;
  readonly positionals: readonly string[];
  /** What came after `--`; undefined when there was none. */
  readonly rest: readonly string[] | undefined;
}

/** A command that was written wrongly: exit code 1 and a hint at the help. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  /** Whose help says more: `image prune`; undefined: podrun's own. */
  command: string | undefined;
}

/** Throws UsageError for unknown flags, missing and superfluous values. */
export async function parseArguments<T extends OptionTable>(
  argv: readonly string[],
  table: T,
): Promise<ParsedArguments<T>> {
  const dashes = argv.indexOf("--");
  const before = dashes === -1 ? argv : argv.slice(0, dashes);
  const { tokens } = parseArgs({
    args: [...before],
    options: Object.fromEntries(
      Object.entries(table).map(([name, option]) => [
        name,
        {
          // A value for `--dry-run` comes with `=` only, as in kubectl.
          type: option.kind === "boolean" || option.bare !== undefined ? "boolean" : "string",
          ...(option.short === undefined ? {} : { short: option.short }),
        } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = initialValues(table);
  const given = new Set<string>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(table, token.name) ? table[token.name] : undefined;
    if (option === undefined) throw await unknownFlag(token.rawName, table);
    given.add(token.name);
    setValue(values, token, option);
  }
  const rest = dashes === -1 ? undefined : argv.slice(dashes + 1);
  return { options: values as OptionValues<T>, given, positionals, rest };
}

type Values = Record<string, boolean | string | readonly string[] | undefined>;

function initialValues(table: OptionTable): Values {
  const values: Values = {};
  for (const [name, option] of Object.entries(table))
    values[name] = option.default ?? { boolean: false, list: [], text: undefined }[option.kind];
  return values;
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
}

function setValue(values: Values, token: OptionToken, option: Option): void {
  // pflag takes `-n=NAME` as it takes `-nNAME`.
  const isShort = !token.rawName.startsWith("--");
  const text = isShort && token.value?.startsWith("=") ? token.value.slice(1) : token.value;
  if (option.kind === "boolean") {
    if (text !== undefined && text !== "true" && text !== "false")
      throw new UsageError(`invalid argument "${text}" for "${token.rawName}" flag: want true or false`);
    values[token.name] = text !== "false";
    return;
  }
  const value = text ?? option.bare;
  if (value === undefined) throw new UsageError(`flag needs an argument: ${token.rawName}`);
  if (option.kind === "text") values[token.name] = value;
  else values[token.name] = [...(values[token.name] as readonly string[]), value];
}

async function unknownFlag(rawName: string, table: OptionTable): Promise<UsageError> {
  if (!rawName.startsWith("--")) return new UsageError(`unknown shorthand flag: '${rawName.slice(1)}'`);
  const { nearest } = await import("../spec/nearest.ts");
  // Docker's and podman's flag for what kubectl calls -o.
  if (rawName === "--format" && table["output"] !== undefined)
    return new UsageError(`unknown flag: ${rawName}; there is -o ${table["output"].value ?? "FORMAT"}`);
  const near = nearest(rawName.slice(2), Object.keys(table));
  return new UsageError(`unknown flag: ${rawName}${near === undefined ? "" : `; did you mean --${near}?`}`);
}

/** A whole number >= 0. Throws UsageError. */
export function wholeNumber(text: string, flag: string): number {
  if (!/^\d{1,12}$/.test(text))
    throw new UsageError(`invalid argument "${text}" for "${flag}" flag: want a whole number, 0 or more`);
  return Number(text);
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** A duration such as `30s`, `1m30s`, `0`, in milliseconds; a bare number is seconds. Negative: undefined. Throws UsageError. */
export function duration(text: string, flag: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (/^-\d+(ms|s|m|h)?$/.test(text)) return undefined;
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text))
    throw new UsageError(`invalid argument "${text}" for "${flag}" flag: want a duration such as 30s or 1m30s`);
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
    sum += Number(amount) * (UNITS[unit ?? "s"] ?? 0);
  return sum;
}
