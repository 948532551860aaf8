// What an applied manifest makes of an object that is there: what the manifest says, without what the manifest before said and this one does
// not, and with all that others have put there (Kubernetes, "Server-Side Apply"). There is one applier, so nothing is in anybody's way.
import { isJsonObject } from "../base/json.ts";
import type { FieldSet } from "../spec/metadata.ts";
import { mergeKeyOf } from "./strategic-merge.ts";

/** `before`: of the manifest before; undefined: nobody has applied one. Neither object is changed. */
export function mergeApplied(live: unknown, manifest: unknown, before: FieldSet | undefined, field = ""): unknown {
  const key = mergeKeyOf(field);
  if (Array.isArray(manifest) && key !== undefined && manifest.every((one) => nameOf(one, key) !== undefined))
    return mergeList(listOf(live), manifest, before, key);
  if (!isJsonObject(manifest)) return manifest;
  const merged = new Map(isJsonObject(live) ? Object.entries(live) : []);
  for (const [path, inner] of Object.entries(before ?? {})) {
    const name = path.slice(2);
    // Null says the same as nothing.
    if ((Object.hasOwn(manifest, name) && manifest[name] !== null) || !merged.has(name)) continue;
    const left = without(merged.get(name), inner, name);
    if (left === undefined) merged.delete(name);
    else merged.set(name, left);
  }
  for (const [name, value] of Object.entries(manifest))
    if (value === null) merged.delete(name);
    else merged.set(name, mergeApplied(merged.get(name), value, before?.[`f:${name}`], name));
  return Object.fromEntries(merged);
}

/** In the manifest's order; what others have put there comes last. */
function mergeList(live: readonly unknown[], manifest: readonly unknown[], before: FieldSet | undefined, key: string) {
  const byName = new Map(live.map((one) => [pathOf(one, key), one]));
  const merged = manifest.map((one) => {
    const path = pathOf(one, key);
    const present = byName.get(path);
    byName.delete(path);
    return mergeApplied(present, one, before?.[path]);
  });
  return [...merged, ...[...byName].filter(([path]) => before?.[path] === undefined).map(([, one]) => one)];
}

/** What others may have put entries of their own into. Any other field goes as a whole, with the defaults in it. */
const SHARED: ReadonlySet<string> = new Set(["annotations", "binaryData", "data", "labels", "metadata"]);

/** What others have put into a value that the manifest has no longer; undefined: nothing. */
function without(value: unknown, owned: FieldSet, field: string): unknown {
  const key = mergeKeyOf(field);
  if (Array.isArray(value) && key !== undefined) {
    const left = value.filter((one) => owned[pathOf(one, key)] === undefined);
    return left.length === 0 ? undefined : left;
  }
  if (!isJsonObject(value) || !SHARED.has(field)) return undefined;
  const left = Object.entries(value).flatMap(([name, inner]) => {
    const owns = owned[`f:${name}`];
    const rest = owns === undefined ? inner : without(inner, owns, name);
    return rest === undefined ? [] : [[name, rest] as const];
  });
  return left.length === 0 ? undefined : Object.fromEntries(left);
}

/** The fields of a manifest, for the next one. */
export function fieldsOf(manifest: unknown, field = ""): FieldSet {
  const key = mergeKeyOf(field);
  if (Array.isArray(manifest) && key !== undefined && manifest.every((one) => nameOf(one, key) !== undefined))
    return Object.fromEntries(manifest.map((one) => [pathOf(one, key), fieldsOf(one)]));
  if (!isJsonObject(manifest)) return {};
  const present = Object.entries(manifest).filter(([, value]) => value !== null);
  return Object.fromEntries(present.map(([name, value]) => [`f:${name}`, fieldsOf(value, name)]));
}

const nameOf = (one: unknown, key: string): unknown => (isJsonObject(one) ? (one[key] ?? undefined) : undefined);

const pathOf = (one: unknown, key: string): string => `k:${JSON.stringify({ [key]: nameOf(one, key) })}`;

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
