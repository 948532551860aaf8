// A question to Kubernetes: an object, made from a small right one by setting fields. Written so that a corpus of thousands stays
// readable: only what is set is recorded.
import { put } from "../../fields/walk.ts";

/** A field's place, such as `spec.containers.0.name`, and its value; undefined takes the field away. */
export type Setting = readonly [place: string, value: unknown];

/** What is set in one object. */
export type Settings = readonly Setting[];

/** Text of many characters stands in the corpus as this. */
export interface Repeated {
  readonly $repeat: readonly [text: string, times: number];
}

export const long = (times: number, text = "x"): Repeated => ({ $repeat: [text, times] });

/** Many elements of a list, or members of a map, that differ in a number where `#` stands. */
export const many = (count: number, value: unknown): unknown[] =>
  Array.from({ length: count }, (_, index) => JSON.parse(JSON.stringify(value).replaceAll("#", String(index))));

/** One case for each value of a field, `beside` others. */
export const each = (place: string, values: readonly unknown[], beside: Settings = []): Settings[] =>
  values.map((value) => [...beside, [place, value]]);

export function makeObject(base: object, settings: Settings): object {
  const object = structuredClone(base);
  for (const [place, value] of settings) put(object, stepsOf(place), expand(value));
  return object;
}

/** Dots part names; a name with dots stands in brackets: `metadata.labels.[a.b/c]`. */
const stepsOf = (place: string): (string | number)[] =>
  [...place.matchAll(/\[([^\]]*)\]|[^.]+/g)].map(([step, name]) =>
    name !== undefined ? name : /^\d+$/.test(step) ? Number(step) : step,
  );

function expand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expand);
  if (typeof value !== "object" || value === null) return value;
  if ("$repeat" in value) {
    const [text, times] = (value as Repeated).$repeat;
    return text.repeat(times);
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, expand(inner)]));
}
