// A strategic merge patch, as kubectl sends it: a merge patch in which lists of named things are merged by their names, and
// which may say with directives what else is to become of them (Kubernetes, "Update API Objects in Place Using kubectl patch").
import { isDeepStrictEqual } from "node:util";
import { PodrunError } from "../base/errors.ts";

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

/** Lists of words of which a patch names those to add. */
const MERGED_WORDS: readonly string[] = ["finalizers"];

const PATCH = "$patch";
const DELETE_WORDS = "$deleteFromPrimitiveList/";
const ORDER = "$setElementOrder/";
const KEYS = "$retainKeys";

/** What the patch makes of an object, which is not changed. Throws BadRequest for a directive that there is not. */
export function strategicMerge(target: unknown, patch: unknown, place = ""): unknown {
  if (!isFields(patch)) return patch;
  const directive = patch[PATCH];
  if (directive !== undefined && directive !== "replace" && directive !== "merge" && directive !== "delete")
    throw wrong(place, `${PATCH} is ${JSON.stringify(directive)}: want merge, replace or delete`);
  if (directive === "delete") return {};
  const before = directive === "replace" || !isFields(target) ? new Map() : new Map(Object.entries(target));
  retainKeys(before, patch, place);
  for (const [key, value] of Object.entries(patch)) {
    if (key === PATCH || key === KEYS || key.startsWith(ORDER) || key.startsWith(DELETE_WORDS)) continue;
    if (key.startsWith("$")) throw wrong(place, `there is no directive ${key}`);
    if (value === null) before.delete(key);
    else before.set(key, mergeMember(before.get(key), value, key, `${place}.${key}`));
  }
  for (const [key, words] of directives(patch, DELETE_WORDS, place))
    before.set(
      key,
      listOf(before.get(key)).filter((one) => !words.includes(one)),
    );
  for (const [key, order] of directives(patch, ORDER, place))
    before.set(key, sortBy(listOf(before.get(key)), order, MERGE_KEYS[key]));
  return Object.fromEntries(before);
}

function mergeMember(target: unknown, patch: unknown, field: string, place: string): unknown {
  if (!Array.isArray(patch)) return strategicMerge(target, patch, place);
  const key = Object.hasOwn(MERGE_KEYS, field) ? MERGE_KEYS[field] : undefined;
  if (key !== undefined) return mergeList(listOf(target), patch, key, place);
  if (!MERGED_WORDS.includes(field)) return patch;
  return [...listOf(target), ...patch.filter((one) => !listOf(target).includes(one))];
}

/** Elements that the patch names are merged where they are, new ones come last, the others stay. */
function mergeList(target: readonly unknown[], patch: readonly unknown[], key: string, place: string): unknown[] {
  if (patch.some((one) => isFields(one) && one[PATCH] === "replace" && one[key] === undefined))
    return patch.filter((one) => !(isFields(one) && one[PATCH] === "replace" && one[key] === undefined));
  const merged = [...target];
  for (const one of patch) {
    const name = isFields(one) ? one[key] : undefined;
    if (name === undefined || name === null) throw wrong(place, `each element needs its ${key}`);
    const at = merged.findIndex((have) => isFields(have) && have[key] === name);
    if ((one as Fields)[PATCH] === "delete") {
      if (at >= 0) merged.splice(at, 1);
    } else if (at >= 0) merged[at] = strategicMerge(merged[at], one, `${place}[${JSON.stringify(name)}]`);
    else merged.push(strategicMerge({}, one, place));
  }
  return merged;
}

/** `$retainKeys`: all other members of the object go. */
function retainKeys(members: Map<string, unknown>, patch: Fields, place: string): void {
  const keys = patch[KEYS];
  if (keys === undefined) return;
  if (!Array.isArray(keys)) throw wrong(place, `${KEYS} is no list`);
  for (const key of members.keys()) if (!keys.includes(key)) members.delete(key);
}

function directives(patch: Fields, prefix: string, place: string): [string, readonly unknown[]][] {
  return Object.entries(patch)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, value]) => {
      if (!Array.isArray(value)) throw wrong(place, `${key} is no list`);
      return [key.slice(prefix.length), value as readonly unknown[]];
    });
}

/** In the order that is given; what it does not name comes last, in its own order. */
function sortBy(list: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const nameOf = (one: unknown): unknown => (key !== undefined && isFields(one) ? one[key] : one);
  const names = order.map(nameOf);
  const placeOf = (one: unknown): number => {
    const at = names.findIndex((name) => isDeepStrictEqual(name, nameOf(one)));
    return at < 0 ? names.length : at;
  };
  return [...list].sort((a, b) => placeOf(a) - placeOf(b));
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const wrong = (place: string, text: string): PodrunError =>
  new PodrunError("BadRequest", `the patch${place === "" ? "" : `, ${place.slice(1)}`}: ${text}`);

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
