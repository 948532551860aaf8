import { isDeepStrictEqual } from "node:util";
import { isJsonObject } from "../../base/json.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The JSON merge patch (RFC 7396) that makes `after` of `before`: null for what is gone, lists as a whole. */
export function mergeDiff(before: Fields, after: Fields): Fields {
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key));
  const changed = Object.entries(after).filter(([key, value]) => !isDeepStrictEqual(before[key], value));
  return Object.fromEntries([
    ...gone.map((key) => [key, null] as const),
    ...changed.map(([key, value]) => {
      const was = before[key];
      return [key, isJsonObject(was) && isJsonObject(value) ? mergeDiff(was, value) : value] as const;
    }),
  ]);
}
