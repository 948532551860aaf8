// What configMap, secret, downwardAPI and projected volumes hold, in the kubelet's words and ways (pkg/volume).
import { posix } from "node:path";
import { PodrunError } from "../base/errors.ts";
import type { VolumeFile, VolumeTree } from "../sandbox/types.ts";
import type { Pod, Volume } from "../spec/index.ts";
import { type ConfigKind, findValues, missingObject } from "./config-values.ts";
import { type EnvironmentFacts, podField, resourceField } from "./downward.ts";
import type { ObjectSource } from "./types.ts";

export interface ContentContext {
  readonly facts: EnvironmentFacts;
  readonly objects: ObjectSource;
}

/** Whether podrun writes what the volume holds. */
export const hasContent = (volume: Volume): boolean =>
  (volume.configMap ?? volume.secret ?? volume.downwardAPI ?? volume.projected) !== undefined;

/** A volume's objects that it can't do without or may do without. */
export function volumeObjects({ configMap, secret, projected }: Volume): readonly (readonly [ConfigKind, string])[] {
  const found: (readonly [ConfigKind, string])[] = [];
  if (configMap) found.push(["ConfigMap", configMap.name]);
  if (secret) found.push(["Secret", secret.secretName]);
  for (const source of projected?.sources ?? []) {
    if (source.configMap) found.push(["ConfigMap", source.configMap.name]);
    if (source.secret) found.push(["Secret", source.secret.name]);
  }
  return found;
}

/** More files than this in one volume would make a plan that takes a monitor long. */
const MOST_FILES = 8192;

/**
 * What a volume holds now; undefined: podrun does not write it. Throws NotFound (an object, a key), InvalidObject (paths that
 * can't be together), their messages without the volume.
 */
export function buildContent(volume: Volume, pod: Pod, context: ContentContext): VolumeTree | undefined {
  if (!hasContent(volume)) return undefined;
  const files = new Map<string, VolumeFile>();
  // A later source's file takes the place of an earlier one's.
  for (const file of filesOf(volume, pod, context)) files.set(file.path, file);
  checkPaths([...files.keys()]);
  const gid = pod.spec.securityContext.fsGroup;
  return { files: [...files.values()], ...(gid !== undefined && { gid }) };
}

function filesOf(volume: Volume, pod: Pod, context: ContentContext): readonly VolumeFile[] {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap) return keyFiles("ConfigMap", configMap, configMap.defaultMode, pod, context);
  if (secret) return keyFiles("Secret", { ...secret, name: secret.secretName }, secret.defaultMode, pod, context);
  if (downwardAPI) return downwardFiles(downwardAPI.items, downwardAPI.defaultMode, pod, context);
  return projectedFiles(projected as NonNullable<Volume["projected"]>, pod, context);
}

/** All sources' problems together, as the kubelet tells them. */
function projectedFiles(
  { sources = [], defaultMode }: NonNullable<Volume["projected"]>,
  pod: Pod,
  context: ContentContext,
): readonly VolumeFile[] {
  const files: VolumeFile[] = [];
  const errors: PodrunError[] = [];
  for (const { configMap, secret, downwardAPI } of sources)
    try {
      if (configMap) files.push(...keyFiles("ConfigMap", configMap, defaultMode, pod, context));
      if (secret) files.push(...keyFiles("Secret", secret, defaultMode, pod, context));
      if (downwardAPI) files.push(...downwardFiles(downwardAPI.items, defaultMode, pod, context));
    } catch (error) {
      if (!(error instanceof PodrunError)) throw error;
      errors.push(error);
    }
  const [first, second] = errors;
  if (first && second === undefined) throw first;
  if (first) throw new PodrunError(first.code, `[${errors.map(({ message }) => message).join(", ")}]`);
  return files;
}

interface KeySource {
  readonly name: string;
  readonly optional?: boolean;
  readonly items?: readonly { readonly key: string; readonly path: string; readonly mode?: number }[];
}

function keyFiles(
  kind: ConfigKind,
  { name, optional = false, items }: KeySource,
  defaultMode: number,
  pod: Pod,
  { objects }: ContentContext,
): readonly VolumeFile[] {
  const { namespace } = pod.metadata;
  const values = findValues(objects, kind, namespace, name);
  if (values === undefined) {
    if (optional) return [];
    throw missingObject(kind, namespace, name);
  }
  if (items === undefined || items.length === 0)
    return [...values].map(([path, data]) => ({ path, data, mode: defaultMode }));
  return items.flatMap(({ key, path, mode = defaultMode }) => {
    const data = values.get(key);
    if (data !== undefined) return [{ path: cleanPath(path), data, mode }];
    if (optional) return [];
    const what = kind === "Secret" ? "secret" : "config";
    throw new PodrunError("NotFound", `references non-existent ${what} key: ${key}`, {
      details: { kind, namespace, name, key },
    });
  });
}

type DownwardItems = NonNullable<Volume["downwardAPI"]>["items"];

function downwardFiles(
  items: DownwardItems,
  defaultMode: number,
  pod: Pod,
  { facts }: ContentContext,
): readonly VolumeFile[] {
  return (items ?? []).map(({ path, mode = defaultMode, fieldRef, resourceFieldRef }) => {
    const text = resourceFieldRef
      ? resourceField(resourceFieldRef, pod, undefined, facts)
      : fieldText(fieldRef?.fieldPath ?? "", pod, facts);
    return { path: cleanPath(path), data: Buffer.from(text), mode };
  });
}

function fieldText(path: string, pod: Pod, facts: EnvironmentFacts): string {
  if (path === "metadata.labels") return formatMap(pod.metadata.labels);
  if (path === "metadata.annotations") return formatMap(pod.metadata.annotations);
  return podField(path, pod, facts);
}

/** `key="value"` a line, by key, the last one without an end (fieldpath.FormatMap). */
const formatMap = (entries: Readonly<Record<string, string>>): string =>
  Object.entries(entries)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${goQuote(value)}`)
    .join("\n");

const GO_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** As Go's %q writes text: what can't be printed is escaped. */
function goQuote(text: string): string {
  const escaped = text.replace(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (character) => {
    const code = character.codePointAt(0) as number;
    const known = GO_ESCAPES[character];
    if (known !== undefined) return known;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}

const cleanPath = (path: string): string => posix.normalize(path).replace(/\/$/, "");

/** No file can stand where another one needs a folder. */
function checkPaths(paths: readonly string[]): void {
  if (paths.length > MOST_FILES)
    throw new PodrunError("InvalidObject", `${paths.length} files; ${MOST_FILES} are the most in one volume`);
  const files = new Set(paths);
  for (const path of paths)
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1))
      if (files.has(path.slice(0, slash)))
        throw new PodrunError(
          "InvalidObject",
          `"${path.slice(0, slash)}" can't be both a file and the folder of "${path}"`,
        );
}
