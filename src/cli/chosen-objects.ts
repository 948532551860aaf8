// Which objects that are there a command is to change: named, of a manifest, or chosen by labels and fields.
import type { ObjectClient } from "../api/client-objects.ts";
import { ApiError } from "../api/status.ts";
import type { KindName } from "../spec/kinds.ts";
import type { KubeObject } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import type { Invocation } from "./command.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import { readManifests } from "./manifests.ts";
import { wordError } from "./report.ts";
import { parseAnySelection } from "./selection.ts";

export const CHOICE_OPTIONS = {
  ...MANIFEST_OPTIONS,
  selector: { kind: "text", short: "l", value: "SELECTOR", help: "objects with these labels" },
  "field-selector": { kind: "text", value: "SELECTOR", help: "objects with these fields: status.phase=Running" },
  all: { kind: "boolean", help: "all of the namespace" },
  "all-namespaces": { kind: "boolean", short: "A", help: "with --all or a selector: of all namespaces" },
} as const;

type Choosing = Pick<Invocation<typeof CHOICE_OPTIONS>, "options" | "given">;

export interface ObjectName {
  readonly kind: KindName;
  readonly namespace: string;
  readonly name: string;
}

/** Those of files, or of `TYPE NAME…` and `TYPE/NAME…`; undefined: none is named. Throws UsageError. */
export async function namedObjects(
  {
    options,
    given,
  }: { readonly options: Omit<ManifestFlags, "namespace"> & { namespace: string }; given: ReadonlySet<string> },
  words: readonly string[],
): Promise<readonly ObjectName[] | undefined> {
  const { namespace, filename: files, recursive } = options;
  if (files.length > 0) {
    if (words.length > 0) throw new UsageError("when -f is given, names are not");
    const manifests = await readManifests({ files, recursive, namespace, namespaceGiven: given.has("namespace") });
    return manifests.map(({ object: { kind, metadata } }) => ({ kind, ...metadata }));
  }
  const { kind, names } = await parseAnySelection(words);
  return names.length === 0 ? undefined : names.map((name) => ({ kind, namespace, name }));
}

type ManifestFlags = Invocation<typeof MANIFEST_OPTIONS>["options"];

/** `words`: the types and names of the command line. Says which of them are not there. Throws UsageError. */
export async function chooseObjects(
  client: ObjectClient,
  { options, given }: Choosing,
  words: readonly string[],
): Promise<{ readonly objects: readonly KubeObject[]; readonly failed: boolean }> {
  const isSelecting = options.all || options.selector !== undefined || options["field-selector"] !== undefined;
  if (options.filename.length > 0 && isSelecting) throw new UsageError("when -f is given, names, -l and --all are not");
  const named = await namedObjects({ options, given }, words);
  if (isSelecting === (named !== undefined))
    throw new UsageError("want the objects' names, or -l SELECTOR, or --all, and only one of them");
  if (named === undefined) {
    const { kind } = await parseAnySelection(words);
    const namespace = options["all-namespaces"] ? undefined : options.namespace;
    const query = { namespace, labelSelector: options.selector, fieldSelector: options["field-selector"] };
    const objects: readonly KubeObject[] = await client.list(kind, query);
    if (objects.length === 0) process.stderr.write("No resources found\n");
    return { objects, failed: false };
  }
  const objects: KubeObject[] = [];
  let failed = false;
  for (const { kind, namespace, name } of named)
    try {
      objects.push(await client.get(kind, namespace, name));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status.reason !== "NotFound") throw error;
      process.stderr.write(`${wordError(error)}\n`);
      failed = true;
    }
  return { objects, failed };
}
