// The fields of a JSON body that is podrun's own, checked one by one: a misspelt one must not be passed over.
import { isAbsolute } from "node:path";
import { PodrunError } from "../base/errors.ts";

interface FieldTypes {
  readonly string: string;
  readonly boolean: boolean;
  readonly count: number;
  readonly object: Readonly<Record<string, unknown>>;
}

export type FieldTable = Readonly<Record<string, keyof FieldTypes>>;

export type Fields<T extends FieldTable> = { readonly [K in keyof T]: FieldTypes[T[K]] | undefined };

const WANT: Readonly<Record<keyof FieldTypes, string>> = {
  string: "a text that is not empty",
  boolean: "true or false",
  count: "a whole number, 0 or more",
  object: "an object",
};

/** Every field of `table` may be absent or null. Throws BadRequest for another type and for a field that is not in it. */
export function readFields<const T extends FieldTable>(
  body: unknown,
  table: T,
  place = "the request's body",
): Fields<T> {
  if (!fits("object", body)) throw new PodrunError("BadRequest", `${place} is no JSON object`);
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body as object)) {
    const type = Object.hasOwn(table, name) ? table[name] : undefined;
    if (type === undefined)
      throw new PodrunError(
        "BadRequest",
        `${place} has a field "${name}": it may have ${Object.keys(table).join(", ")}`,
      );
    if (value === null) continue;
    if (!fits(type, value)) throw new PodrunError("BadRequest", `${place}: ${name} must be ${WANT[type]}`);
    fields[name] = value;
  }
  return fields as Fields<T>;
}

function fits(type: keyof FieldTypes, value: unknown): boolean {
  if (type === "string") return typeof value === "string" && value !== "";
  if (type === "boolean") return typeof value === "boolean";
  if (type === "count") return Number.isSafeInteger(value) && (value as number) >= 0;
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Throws BadRequest when the value is absent. */
export function required<T>(value: T | null | undefined, name: string): T {
  if (value === undefined || value === null || value === "")
    throw new PodrunError("BadRequest", `${name} is missing: the request must name it`);
  return value;
}

/** A file that the daemon opens: relative to what would be anybody's guess. Throws BadRequest. */
export function absolutePath(path: string | undefined, name: string): string | undefined {
  if (path !== undefined && !isAbsolute(path))
    throw new PodrunError("BadRequest", `${name} is "${path}": want an absolute path`);
  return path;
}
