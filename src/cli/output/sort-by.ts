// `--sort-by`: the order of a list by a field of its objects.
import { parseQuantity } from "../../spec/quantity.ts";
import { UsageError } from "../arguments.ts";
import { evaluatePath, formatValue } from "./jsonpath.ts";

/** Objects in the order of the field, smallest first; those without it before all others. Throws UsageError for no path, or one that nothing has. */
export function sortObjects<T extends object>(objects: readonly T[], path: string): readonly T[] {
  const keyed = objects.map((object) => ({ object, key: evaluatePath(path, object)[0] }));
  if (objects.length > 0 && keyed.every(({ key }) => key === undefined))
    throw new UsageError(`couldn't find any field with path "${path}" in the list of objects`);
  return keyed.sort((a, b) => compare(a.key, b.key)).map(({ object }) => object);
}

function compare(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [one, two] = [amount(a), amount(b)];
  if (one !== undefined && two !== undefined) return one < two ? -1 : Number(one > two);
  const [first, second] = [formatValue(a), formatValue(b)];
  return first < second ? -1 : Number(first > second);
}

/** Quantities are ordered by what they mean: 500m before 1, 900Mi before 1Gi. */
function amount(value: unknown): bigint | undefined {
  if (typeof value !== "string" || !/^\d/.test(value)) return undefined;
  try {
    return parseQuantity(value).nano;
  } catch {
    return undefined;
  }
}
