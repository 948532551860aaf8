import { isDeepStrictEqual } from "node:util";

type Fields = Readonly<Record<string, unknown>>;

/** The JSON merge patch (RFC 7396) that makes `after` of `before`: null for what is gone, lists as a whole. */
export function mergeDiff(before: Fields, after: Fields): Fields {
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  const changed = Object.entries(after).filter(([key, value]) => !isDeepStrictEqual(before[key], value));
  return Object.fromEntries([
    ...gone.map((key) => [key, null] as const),
    ...changed.map(([key, value]) => {
      const was = before[key];
      return [key, isFields(was) && isFields(value) ? mergeDiff(was, value) : value] as const;
    }),
  ]);
}

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
