// `--dry-run` and `-o` of the commands that create pods.
import { kindNames } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { formatObject, type PrintFormat } from "./output/print.ts";

export type DryRun = "none" | "client" | "server";

export const DRY_RUN_OPTIONS = {
  "dry-run": {
    kind: "text",
    value: "MODE",
    choices: ["none", "client", "server"],
    bare: "client",
    default: "none",
    help: "client: only check here; server: the daemon checks too; nothing is made",
  },
  output: {
    kind: "text",
    short: "o",
    value: "FORMAT",
    choices: ["yaml", "json", "name", "jsonpath"],
    help: "yaml, json, name or jsonpath=…: print the object",
  },
} as const;

/** Throws UsageError. */
export function parseDryRun(text: string): DryRun {
  if (text === "none" || text === "client" || text === "server") return text;
  throw new UsageError(`invalid dry-run value (${text}): must be "none", "server", or "client"`);
}

/** What stands behind a line that says what was done. */
export const markOf = (dryRun: DryRun): string =>
  dryRun === "none" ? "" : dryRun === "client" ? " (dry run)" : " (server dry run)";

/** `pod/web created`, or the object when `-o` asked for it. */
export async function printOutcome(
  format: PrintFormat,
  object: KubeObject,
  verb: string,
  dryRun: DryRun,
): Promise<void> {
  if (format.kind === "wide" || format.kind === "custom-columns")
    throw new UsageError(`output format "${format.kind}" is not for this command`);
  const line = `${kindNames(object.kind).singular}/${object.metadata.name} ${verb}${markOf(dryRun)}\n`;
  process.stdout.write(format.kind === "table" ? line : await formatObject(format, withoutEmpty(object)));
}

/** Fields that only the daemon sets are "" before it has: a manifest to keep shows none of them. */
function withoutEmpty(object: KubeObject): object {
  const metadata = Object.fromEntries(
    Object.entries(object.metadata).filter(([, value]) => value !== "" && !isEmptyObject(value)),
  );
  return { ...object, metadata };
}

const isEmptyObject = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;
