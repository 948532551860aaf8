// `-f`: files, folders and standard input, read and checked as a whole before anything is done with any of them.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { errnoOf, PodrunError } from "../base/errors.ts";
import {
  decodeKubeObject,
  isClusterScoped,
  KINDS,
  type KindNames,
  kindNames,
  MANIFEST_LIMIT,
  parseManifests,
} from "../spec/index.ts";
import type { KubeObject, Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";

export interface Manifest<T extends KubeObject = KubeObject> {
  readonly object: T;
  /** Line of a field in its file; `lineOf("spec.hostNetwork")` is 7. */
  readonly source: { readonly file: string; lineOf(path: string): number | undefined };
  /** As it stands in the file, before defaults. */
  readonly raw: unknown;
}

export interface ManifestOptions {
  readonly files: readonly string[];
  /** Go down into sub-folders. */
  readonly recursive: boolean;
  /** `-n`, and whether it was given: then a manifest may name no other namespace. */
  readonly namespace: string;
  readonly namespaceGiven: boolean;
}

/**
 * Every object of every file, or none: throws the first error, with file and line. Objects that others name come first: ConfigMaps, Secrets
 * before pods.
 */
export async function readManifests(options: ManifestOptions): Promise<readonly Manifest[]> {
  if (options.files.length === 0) throw new UsageError("must specify -f FILE, a folder, or - for standard input");
  const manifests: Manifest[] = [];
  for (const path of options.files.flatMap((file) => expand(file, options.recursive))) {
    const text = path === "-" ? await readStdin() : readFileOrThrow(path);
    const file = path === "-" ? "standard input" : path;
    for (const { object: raw, source } of parseManifests(text, file)) {
      const object = decodeKubeObject(withNamespace(raw, options.namespace), source);
      if (isClusterScoped(object.kind)) {
        manifests.push({ object, raw, source: { file, lineOf: (field) => source.lineOf(field) } });
        continue;
      }
      if (options.namespaceGiven && object.metadata.namespace !== options.namespace)
        throw new PodrunError(
          "BadRequest",
          `the namespace from the provided object "${object.metadata.namespace}" does not match the namespace "${options.namespace}". You must pass '--namespace=${object.metadata.namespace}' to perform this operation.`,
        );
      manifests.push({ object, raw, source: { file, lineOf: (field) => source.lineOf(field) } });
    }
  }
  if (manifests.length === 0)
    throw new PodrunError("InvalidYaml", `no objects in ${options.files.join(", ")}: want at least one`);
  refuseTwice(manifests);
  return KINDS.flatMap(({ kind }) => manifests.filter(({ object }) => object.kind === kind));
}

/** Whether an object may be tried before any is made: what it can't be without, its namespace or its priority class, is not made with it. */
export function mayBeTried(objects: readonly KubeObject[]): (object: KubeObject) => boolean {
  const namesOf = (wanted: KubeObject["kind"]) =>
    new Set(objects.filter(({ kind }) => kind === wanted).map(({ metadata }) => metadata.name));
  const [namespaces, classes] = [namesOf("Namespace"), namesOf("PriorityClass")];
  return (object) =>
    !namespaces.has(object.metadata.namespace) &&
    !(object.kind === "Pod" && classes.has(object.spec.priorityClassName ?? ""));
}

/** Those of pods. */
export const podManifests = (manifests: readonly Manifest[]): readonly Manifest<Pod>[] =>
  manifests.filter((manifest): manifest is Manifest<Pod> => manifest.object.kind === "Pod");

function expand(path: string, recursive: boolean): readonly string[] {
  if (path === "-") return [path];
  if (!statOrThrow(path).isDirectory()) return [path];
  const found = readdirSync(path, { withFileTypes: true, recursive })
    .filter((entry) => /\.(ya?ml|json)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    // A link to a file is one as well, as with kubectl; one to nowhere is told.
    .filter((file) => statOrThrow(file).isFile())
    .sort();
  if (found.length === 0) throw new PodrunError("BadRequest", `${path}: no .yaml, .yml or .json file in this folder`);
  return found;
}

function statOrThrow(path: string) {
  try {
    return statSync(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function readFileOrThrow(path: string): Uint8Array {
  const { size } = statOrThrow(path);
  // Not even read: it may be anything, up to a whole disk.
  if (size > MANIFEST_LIMIT)
    throw new PodrunError(
      "InvalidYaml",
      `${path}: ${(size / 1024 / 1024).toFixed(1)} MiB is too big for a manifest; ${MANIFEST_LIMIT / 1024 / 1024} MiB are the most`,
    );
  try {
    return readFileSync(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): PodrunError {
  if (/^https?:\/\//.test(path))
    return new PodrunError("BadRequest", `podrun fetches no manifests: curl -sSfL ${path} | podrun apply -f -`);
  const why = errnoOf(cause) === "ENOENT" ? "does not exist" : `cannot be read: ${errnoOf(cause) ?? String(cause)}`;
  return new PodrunError("BadRequest", `the path "${path}" ${why}`, { cause, details: { path } });
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    // parseManifests words the refusal; what follows need not be read for that.
    if (size > MANIFEST_LIMIT) break;
  }
  return Buffer.concat(chunks);
}

function withNamespace(raw: unknown, namespace: string): unknown {
  if (typeof raw !== "object" || raw === null || liesInNone(raw)) return raw;
  const metadata: unknown = Reflect.get(raw, "metadata");
  if (typeof metadata !== "object" || metadata === null || Reflect.get(metadata, "namespace") !== undefined) return raw;
  return { ...raw, metadata: { ...metadata, namespace } };
}

/** Whatever else is wrong with it is told when it is decoded. */
const liesInNone = (raw: object): boolean =>
  KINDS.some((one: KindNames) => one.kind === Reflect.get(raw, "kind") && one.scope === "Cluster");

/** One name twice would make the second change the first: hardly meant. */
function refuseTwice(manifests: readonly Manifest[]): void {
  const seen = new Map<string, Manifest>();
  for (const manifest of manifests) {
    const { kind, metadata } = manifest.object;
    const key = `${kind}/${metadata.namespace}/${metadata.name}`;
    const before = seen.get(key);
    if (before !== undefined) {
      const what = `${kindNames(kind).singular} "${metadata.name}"`;
      throw new PodrunError("InvalidObject", `${what} is there twice: ${place(before)} and ${place(manifest)}`);
    }
    // What is to get its name from the daemon gets a new one each time.
    if (metadata.name !== "") seen.set(key, manifest);
  }
}

function place({ source }: Manifest): string {
  const line = source.lineOf("metadata.name");
  return line === undefined ? source.file : `${source.file}:${line}`;
}
