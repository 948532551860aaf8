// Every field of the tables in src/spec/schema, once, with a place in a manifest where it can stand.
import { POD } from "../../../src/spec/schema/pod-fields.ts";
import type { ObjectType, Row } from "../../../src/spec/schema/shape.ts";

/** Names and indexes from the pod down. */
export type Place = readonly (string | number)[];

export interface Leaf {
  /** Kubernetes' type and its field, as docs/fields.md has them: `Container.command`. */
  readonly name: string;
  readonly place: Place;
  readonly row: Row;
}

export interface TypeAt {
  readonly type: ObjectType;
  readonly place: Place;
}

/** Containers before init containers: where a type stands in several places, the plainest is taken. */
const FIRST = ["containers", "requiredDuringSchedulingIgnoredDuringExecution", "configMap"];

/** Each type that a pod's table leads to, at the first place found. */
export function typesOf(type: ObjectType = POD, place: Place = [], found = new Map<string, TypeAt>()) {
  if (found.has(type.name)) return found;
  found.set(type.name, { type, place });
  const entries = Object.entries(type.fields).sort(([a], [b]) => rank(a) - rank(b));
  for (const [key, row] of entries) {
    const inner = innerOf(row, [...place, key]);
    if (inner !== undefined) typesOf(inner.type, inner.place, found);
  }
  return found;
}

const rank = (key: string): number => (FIRST.includes(key) ? 0 : key === "ephemeralContainers" ? 2 : 1);

function innerOf(row: Row, place: Place): TypeAt | undefined {
  if (row.kind === "object") return { type: row.type, place };
  return row.kind === "list" ? innerOf(row.of, [...place, 0]) : undefined;
}

/** Supported fields that hold a value themselves, not an object of fields. */
export function leaves(): readonly Leaf[] {
  return [...typesOf().values()].flatMap(({ type, place }) =>
    Object.entries(type.fields)
      .filter(([key, row]) => row.kind !== "ignored" && !row.server && innerOf(row, [...place, key]) === undefined)
      .map(([key, row]) => ({ name: `${type.name}.${key}`, place: [...place, key], row })),
  );
}

/** Sets a value in plain data, making what is missing on the way. */
export function put(root: object, place: Place, value: unknown): void {
  // biome-ignore lint/suspicious/noExplicitAny: a manifest of any shape is being made
  let at: any = root;
  for (const [index, step] of place.slice(0, -1).entries())
    at = at[step] ??= typeof place[index + 1] === "number" ? [] : {};
  at[place.at(-1) as string] = value;
}
