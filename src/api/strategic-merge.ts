// A strategic merge patch, as kubectl sends it: a merge patch in which lists of named things are merged by their names, and
// which may say with directives what else is to become of them (Kubernetes, "Update API Objects in Place Using kubectl patch").
import { PodrunError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { orderElements } from "./element-order.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Lists of the kinds that podrun knows that are merged (patchStrategy), and by what (patchMergeKey). All others are replaced. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  conditions: "type",
  containerStatuses: "name",
  containers: "name",
  env: "name",
  ephemeralContainers: "name",
  hostAliases: "ip",
  imagePullSecrets: "name",
  initContainers: "name",
  ownerReferences: "uid",
  ports: "containerPort",
  resourceClaims: "name",
  schedulingGates: "name",
  topologySpreadConstraints: "topologyKey",
  volumeDevices: "devicePath",
  volumeMounts: "mountPath",
  volumes: "name",
};

/** Undefined: a list of this name is replaced as a whole. */
export const mergeKeyOf = (field: string): string | undefined =>
  Object.hasOwn(MERGE_KEYS, field) ? MERGE_KEYS[field] : undefined;

/** Lists of words of which a patch names those to add. */
const MERGED_WORDS: readonly string[] = ["finalizers"];

const PATCH = "$patch";
const DELETE_WORDS = "$deleteFromPrimitiveList/";
const ORDER = "$setElementOrder/";
const KEYS = "$retainKeys";

/**
 * Members and elements that a patch may copy. One that names each element once copies every one of object and patch at most
 * twice, far fewer than these in 3 MiB each; one that names the same element again and again copies all of it each time.
 */
const MOST_COPIED = 4_000_000;

/** Where in the object we are, and how much may still be copied (of the whole patch). */
interface At {
  readonly place: string;
  readonly copies: { left: number };
}

/**
 * What the patch makes of an object, which is not changed. Throws BadRequest for a directive that there is not, and for a patch
 * that names the same elements so often that merging them would take minutes.
 */
export const strategicMerge = (target: unknown, patch: unknown): unknown =>
  merge(target, patch, { place: "", copies: { left: MOST_COPIED } });

function merge(target: unknown, patch: unknown, at: At): unknown {
  if (!isJsonObject(patch)) return patch;
  const { place } = at;
  const directive = patch[PATCH];
  if (directive !== undefined && directive !== "replace" && directive !== "merge" && directive !== "delete")
    throw wrong(place, `${PATCH} is ${JSON.stringify(directive)}: want merge, replace or delete`);
  if (directive === "delete") return {};
  const before = directive === "replace" || !isJsonObject(target) ? new Map() : new Map(Object.entries(target));
  count(at, before.size);
  retainKeys(before, patch, place);
  for (const [key, value] of Object.entries(patch)) {
    if (key === PATCH || key === KEYS || key.startsWith(ORDER) || key.startsWith(DELETE_WORDS)) continue;
    if (key.startsWith("$")) throw wrong(place, `there is no directive ${key}`);
    if (value === null) before.delete(key);
    else before.set(key, mergeMember(before.get(key), value, key, { ...at, place: `${place}.${key}` }));
  }
  for (const [key, words] of directives(patch, DELETE_WORDS, place)) {
    const gone = new Set(words);
    const kept = listOf(before.get(key)).filter((one) => !gone.has(one));
    before.set(key, kept);
    count(at, kept.length);
  }
  for (const [key, order] of directives(patch, ORDER, place)) {
    const present = isJsonObject(target) ? listOf(target[key]) : [];
    const sorted = inOrder(listOf(before.get(key)), present, order, mergeKeyOf(key));
    before.set(key, sorted);
    count(at, sorted.length);
  }
  return Object.fromEntries(before);
}

function count({ place, copies }: At, members: number): void {
  copies.left -= members;
  if (copies.left < 0)
    throw wrong(place, `it names the same elements too often: ${MOST_COPIED} copied members are the most`);
}

function mergeMember(target: unknown, patch: unknown, field: string, at: At): unknown {
  if (!Array.isArray(patch)) return merge(target, patch, at);
  const key = mergeKeyOf(field);
  if (key !== undefined) return mergeList(listOf(target), patch, key, at);
  if (!MERGED_WORDS.includes(field)) return patch;
  const words = listOf(target);
  count(at, words.length);
  const present = new Set(words);
  return inOrder([...words, ...patch.filter((one) => !present.has(one))], words, patch, undefined);
}

/** Elements that the patch names are merged, the others stay. */
function mergeList(target: readonly unknown[], patch: readonly unknown[], key: string, at: At): unknown[] {
  if (patch.some((one) => isJsonObject(one) && one[PATCH] === "replace" && one[key] === undefined))
    return patch.filter((one) => !(isJsonObject(one) && one[PATCH] === "replace" && one[key] === undefined));
  count(at, target.length);
  const merged = [...target];
  // More than one may have the name, as port 53 for TCP and UDP has: the first is merged, all are deleted.
  const indexes = Map.groupBy(merged.keys(), (index) => nameOf(merged[index], key));
  const deleted = new Set<number>();
  for (const one of patch) {
    const name = nameOf(one, key);
    if (name === undefined || name === null) throw wrong(at.place, `each element needs its ${key}`);
    const named = indexes.get(name) ?? [];
    const [index = merged.length] = named;
    if ((one as Fields)[PATCH] === "delete") {
      for (const each of named) deleted.add(each);
      indexes.delete(name);
    } else {
      const element = { ...at, place: `${at.place}[${JSON.stringify(name)}]` };
      merged[index] = merge(merged[index] ?? {}, one, element);
      if (named.length === 0) indexes.set(name, [index]);
    }
  }
  return inOrder(
    merged.filter((_, index) => !deleted.has(index)),
    target,
    patch,
    key,
  );
}

const nameOf = (one: unknown, key: string): unknown => (isJsonObject(one) ? one[key] : undefined);

/** `$retainKeys`: all other members of the object go. */
function retainKeys(members: Map<string, unknown>, patch: Fields, place: string): void {
  const keys = patch[KEYS];
  if (keys === undefined) return;
  if (!Array.isArray(keys)) throw wrong(place, `${KEYS} is no list`);
  const kept = new Set(keys);
  for (const key of members.keys()) if (!kept.has(key)) members.delete(key);
}

function directives(patch: Fields, prefix: string, place: string): [string, readonly unknown[]][] {
  return Object.entries(patch)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => {
      if (!Array.isArray(value)) throw wrong(place, `${key} is no list`);
      return [key.slice(prefix.length), value as readonly unknown[]];
    });
}

/** `before`: as it was; `named`: what the patch names of it. */
function inOrder(
  list: readonly unknown[],
  before: readonly unknown[],
  named: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const idOf = (one: unknown): string => JSON.stringify(key !== undefined && isJsonObject(one) ? one[key] : one);
  return orderElements(list, before.map(idOf), named.map(idOf), idOf);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const wrong = (place: string, text: string): PodrunError =>
  new PodrunError("BadRequest", `the patch${place === "" ? "" : `, ${place.slice(1)}`}: ${text}`);
