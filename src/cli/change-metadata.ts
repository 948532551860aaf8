// `label` and `annotate`: the same command for two fields of metadata.
import type { ObjectClient } from "../api/client-objects.ts";
import { PodrunError } from "../base/errors.ts";
import { kindNames } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { CHOICE_OPTIONS, chooseObjects } from "./chosen-objects.ts";
import type { Invocation } from "./command.ts";
import { DRY_RUN_OPTIONS, type DryRun, parseDryRun, printOutcome } from "./dry-run.ts";
import { connectObjects } from "./objects.ts";
import { parseFormat } from "./output/print.ts";
import { splitChanges } from "./split-changes.ts";

export const METADATA_OPTIONS = {
  ...CHOICE_OPTIONS,
  ...DRY_RUN_OPTIONS,
  overwrite: { kind: "boolean", help: "change values that are there already" },
  "resource-version": { kind: "text", value: "VERSION", help: "only if the object is still this version of it" },
  list: { kind: "boolean", help: "print what there is" },
} as const;

/** The words of the two commands. */
export interface MetadataField {
  readonly field: "labels" | "annotations";
  /** `label`, `annotation` */
  readonly noun: string;
  /** What an object is said to be: `labeled`, `unlabeled`, `not labeled`. */
  readonly changed: string;
  readonly removed: string;
  readonly unchanged: string;
}

type Change = Invocation<typeof METADATA_OPTIONS>;

/** By key: the new value, or null to take it away. */
type Changes = ReadonlyMap<string, string | null>;

export async function changeMetadata(invocation: Change, words: MetadataField): Promise<number> {
  const { options, positionals } = invocation;
  const format = parseFormat(options.output);
  const dryRun = parseDryRun(options["dry-run"]);
  const { resources, changes } = splitPairs(positionals, words);
  if (changes.size === 0 && !options.list) throw new UsageError(`at least one ${words.noun} update is required`);
  const client = connectObjects(invocation.config);
  const { objects, failed } = await chooseObjects(client, invocation, resources);
  const version = options["resource-version"];
  if (version !== undefined && objects.length > 1)
    throw new UsageError("--resource-version may only be used with a single resource");
  let code = failed ? 1 : 0;
  for (const object of objects) {
    const conflict = options.overwrite ? undefined : findConflict(object, changes, words);
    if (conflict !== undefined) {
      process.stderr.write(`error: ${conflict}\n`);
      code = 1;
      continue;
    }
    const { after, verb } = await change(client, object, changes, { words, dryRun, version });
    if (changes.size > 0) await printOutcome(format, after, verb, dryRun);
    if (options.list) printList(after, words, objects.length > 1);
  }
  return code;
}

/** `pods web a=b c-`: what comes from the first change on is changes. Throws UsageError. */
export function splitPairs(positionals: readonly string[], { noun }: MetadataField) {
  const isPair = (word: string): boolean =>
    (word.includes("=") && !word.startsWith("=")) || (word.endsWith("-") && word !== "-");
  const { words: resources, changes: pairs } = splitChanges(positionals, isPair);
  const changes = new Map<string, string | null>();
  for (const word of pairs) {
    if (!isPair(word)) throw new UsageError(`all resources must be specified before ${noun} changes: ${word}`);
    const equals = word.indexOf("=");
    const key = equals === -1 ? word.slice(0, -1) : word.slice(0, equals);
    const value = equals === -1 ? null : word.slice(equals + 1);
    if (changes.has(key) && (changes.get(key) === null) !== (value === null))
      throw new UsageError(`can not both modify and remove a ${noun} in the same command`);
    changes.set(key, value);
  }
  return { resources, changes: changes as Changes };
}

function findConflict({ metadata }: KubeObject, changes: Changes, { field, noun }: MetadataField): string | undefined {
  const have: Readonly<Record<string, string>> = metadata[field];
  const clashing = [...changes].find(
    ([key, value]) => value !== null && Object.hasOwn(have, key) && have[key] !== value,
  );
  if (clashing === undefined) return undefined;
  return noun === "label"
    ? `'${clashing[0]}' already has a value (${have[clashing[0]]}), and --overwrite is false`
    : `--overwrite is false but found the following declared annotation(s): '${clashing[0]}' already has a value (${have[clashing[0]]})`;
}

interface ChangeOptions {
  readonly words: MetadataField;
  readonly dryRun: DryRun;
  readonly version: string | undefined;
}

async function change(client: ObjectClient, object: KubeObject, changes: Changes, options: ChangeOptions) {
  const { words, dryRun, version } = options;
  const { field, noun } = words;
  const have: Readonly<Record<string, string>> = object.metadata[field];
  for (const [key, value] of changes)
    if (value === null && !Object.hasOwn(have, key)) process.stdout.write(`${noun} "${key}" not found.\n`);
  const effective = [...changes].filter(([key, value]) =>
    value === null ? Object.hasOwn(have, key) : have[key] !== value,
  );
  const onlyRemoved = effective.length > 0 && effective.every(([, value]) => value === null);
  const verb = effective.length === 0 ? words.unchanged : onlyRemoved ? words.removed : words.changed;
  const checked = version === undefined ? {} : { resourceVersion: version };
  const patch = { metadata: { [field]: Object.fromEntries(changes), ...checked } };
  if (version !== undefined && version !== object.metadata.resourceVersion)
    throw new PodrunError(
      "Conflict",
      `${kindNames(object.kind).singular} "${object.metadata.name}" is at version ${object.metadata.resourceVersion} and no longer at ${version}: the object has been modified; read it again`,
    );
  if (changes.size === 0) return { after: object, verb };
  if (dryRun === "client") return { after: locally(object, field, changes), verb };
  const { namespace, name } = object.metadata;
  return { after: await client.patch(object.kind, namespace, name, patch, { dryRun: dryRun === "server" }), verb };
}

function locally(object: KubeObject, field: MetadataField["field"], changes: Changes): KubeObject {
  const after = new Map(Object.entries(object.metadata[field]));
  for (const [key, value] of changes) {
    if (value === null) after.delete(key);
    else after.set(key, value);
  }
  return { ...object, metadata: { ...object.metadata, [field]: Object.fromEntries(after) } } as KubeObject;
}

function printList({ kind, metadata }: KubeObject, { field }: MetadataField, several: boolean): void {
  const pairs = Object.entries(metadata[field]).sort(([a], [b]) => (a < b ? -1 : 1));
  const indent = several ? " " : "";
  if (several) process.stdout.write(`Listing ${field} for ${kind}./${metadata.name}:\n`);
  process.stdout.write(pairs.map(([key, value]) => `${indent}${key}=${value}\n`).join(""));
}
