// Reads a raw value (from YAML or JSON) against a table of fields: types, formats, unknown and unsupported fields, literal
// defaults. Every problem is collected; what is right is kept, so that one run finds all mistakes of a manifest.

import type { ErrorCode } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { elementPath, fieldPath } from "./path.ts";
import type { Problem } from "./problem.ts";
import { canonicalQuantity, parseQuantity } from "./quantity.ts";
import { refuseField } from "./refuse.ts";
import { FORMATS, type Format, quote } from "./schema/format.ts";
import type { IntegerRow, ListRow, MapRow, ObjectType, QuantityRow, Row, TextRow } from "./schema/shape.ts";
import { setField } from "./set-field.ts";

export interface Decoding {
  readonly problems: Problem[];
  /** False when a value had the wrong type or was missing: rules between fields can't be checked then. */
  sound: boolean;
  /** Inside a value that no error may show. */
  hidden?: boolean;
}

type Raw = Readonly<Record<string, unknown>>;

export const newDecoding = (): Decoding => ({ problems: [], sound: true });

/** Decodes an object of a type. Fields that are null, or empty text where that means absent in Kubernetes, count as absent. */
export function decodeObject(
  type: ObjectType,
  raw: unknown,
  path: string,
  decoding: Decoding,
): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  if (!isJsonObject(raw)) {
    wrongType(decoding, path, "an object (lines of NAME: VALUE)", raw);
    return value;
  }
  for (const [key, given] of Object.entries(raw)) {
    const row = Object.hasOwn(type.fields, key) ? type.fields[key] : undefined;
    const at = fieldPath(path, key);
    if (row === undefined) decoding.problems.push(refuseField(type, key, at));
    else if (!row.server && !isAbsent(row, given))
      set(value, key, withoutEmpty(row, decodeRow(row, given, at, decoding)));
  }
  for (const [key, row] of Object.entries(type.fields)) {
    if (!isAbsent(row, raw[key])) continue;
    if (row.default !== undefined) value[key] = structuredClone(row.default);
    else if (row.required) missing(decoding, fieldPath(path, key), row);
  }
  return value;
}

function decodeRow(row: Row, raw: unknown, path: string, decoding: Decoding): unknown {
  const value = row.secret ? decodeHidden(row, raw, path, decoding) : decodeKind(row, raw, path, decoding);
  if (value !== undefined && row.only !== undefined && !row.only.includes(value)) {
    const supported = row.only.map((only) => JSON.stringify(only)).join(" or ");
    const because = row.because ? ` (${row.because})` : "";
    report(
      decoding,
      "UnsupportedField",
      path,
      `${JSON.stringify(value)} is not supported${because}; podrun supports ${supported}`,
    );
  }
  return value;
}

function decodeHidden(row: Row, raw: unknown, path: string, decoding: Decoding): unknown {
  decoding.hidden = true;
  try {
    return decodeKind(row, raw, path, decoding);
  } finally {
    decoding.hidden = false;
  }
}

function decodeKind(row: Row, raw: unknown, path: string, decoding: Decoding): unknown {
  switch (row.kind) {
    case "ignored":
      return undefined;
    case "object":
      return decodeObject(row.type, raw, path, decoding);
    case "list":
      return decodeList(row, raw, path, decoding);
    case "map":
      return decodeMap(row, raw, path, decoding);
    case "flag":
      return typeof raw === "boolean" ? raw : wrongType(decoding, path, "true or false", raw);
    case "integer":
      return decodeInteger(row, raw, path, decoding);
    case "port":
      return decodePort(raw, path, decoding);
    case "quantity":
      return decodeQuantity(row, raw, path, decoding);
    case "text":
      return decodeText(row, raw, path, decoding);
  }
}

function decodeText(row: TextRow, raw: unknown, path: string, decoding: Decoding): string | undefined {
  if (typeof raw !== "string") return wrongType(decoding, path, "a string", raw);
  if (row.values !== undefined && !row.values.includes(raw)) {
    const values = row.values.map((value) => JSON.stringify(value)).join(", ");
    report(decoding, "InvalidObject", path, `${quote(raw)} is none of ${values}`);
    decoding.sound = false;
    return undefined;
  }
  if (raw !== "" || !row.empty) checkFormat(row.format, raw, path, decoding);
  return raw;
}

function decodeInteger(row: IntegerRow, raw: unknown, path: string, decoding: Decoding): number | undefined {
  if (typeof raw !== "number" || !Number.isSafeInteger(raw)) return wrongType(decoding, path, "a whole number", raw);
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = row;
  if (raw >= min && raw <= max) return raw;
  const range = row.max === undefined ? `at least ${min}` : `from ${min} to ${max}`;
  report(decoding, "InvalidObject", path, `${raw} is out of range; it must be ${range}`);
  return raw;
}

function decodePort(raw: unknown, path: string, decoding: Decoding): number | string | undefined {
  if (typeof raw === "string") {
    // Text of digits is no number to Kubernetes either, and a port's name has a letter in it.
    if (/^\d+$/.test(raw)) report(decoding, "InvalidObject", path, `${quote(raw)} is text; write it without quotes`);
    else checkFormat("portName", raw, path, decoding);
    return raw;
  }
  return decodeInteger({ kind: "integer", min: 1, max: 65535 }, raw, path, decoding);
}

/** Quantities may be written as numbers (cpu: 1); inside they are always text, written as in Kubernetes' answers. */
function decodeQuantity(row: QuantityRow, raw: unknown, path: string, decoding: Decoding): string | undefined {
  if (typeof raw !== "string" && !(typeof raw === "number" && Number.isFinite(raw))) {
    return wrongType(decoding, path, "a quantity such as 500m or 64Mi", raw);
  }
  const text = String(raw);
  try {
    if (parseQuantity(text).nano >= 0n) return canonicalQuantity(text, row);
    report(decoding, "InvalidObject", path, `${quote(text)} is negative`);
  } catch (error) {
    report(decoding, "InvalidObject", path, error instanceof Error ? error.message : String(error));
  }
  decoding.sound = false;
  return undefined;
}

function decodeList(row: ListRow, raw: unknown, path: string, decoding: Decoding): unknown[] | undefined {
  if (!Array.isArray(raw)) return wrongType(decoding, path, 'a list (lines starting with "- ")', raw);
  if (row.required && raw.length === 0) missing(decoding, path, row);
  const values: unknown[] = [];
  const seen = new Map<unknown, string>();
  for (const [index, element] of raw.entries()) {
    const at = elementPath(path, index);
    const value =
      element === null ? wrongType(decoding, at, "a value", null) : decodeRow(row.of, element, at, decoding);
    if (value === undefined) continue;
    values.push(value);
    if (row.key !== undefined) checkKey(value as Raw, row.key, { at, seen, decoding });
  }
  return values;
}

interface KeyCheck {
  readonly at: string;
  /** Paths of the elements so far, by their keys. */
  readonly seen: Map<unknown, string>;
  readonly decoding: Decoding;
}

function checkKey(element: Raw, name: string, { at, seen, decoding }: KeyCheck): void {
  const key = element[name];
  if (key === undefined) return;
  const other = seen.get(key);
  if (other === undefined) seen.set(key, at);
  else {
    const text = `${JSON.stringify(key)} is used twice: ${other} has it too`;
    report(decoding, "InvalidObject", fieldPath(at, name), text);
  }
}

function decodeMap(row: MapRow, raw: unknown, path: string, decoding: Decoding): Record<string, unknown> | undefined {
  if (!isJsonObject(raw)) return wrongType(decoding, path, "an object (lines of NAME: VALUE)", raw);
  const value: Record<string, unknown> = {};
  for (const [key, given] of Object.entries(raw)) {
    const at = fieldPath(path, key);
    checkFormat(row.keyFormat, key, at, decoding);
    // As in Kubernetes' JSON, null is the empty value here, not an absent one.
    set(value, key, decodeRow(row.of, given ?? "", at, decoding));
  }
  return value;
}

function checkFormat(format: Format | undefined, text: string, path: string, decoding: Decoding): void {
  const wrong = format === undefined ? undefined : FORMATS[format](text);
  if (wrong !== undefined) report(decoding, "InvalidObject", path, wrong);
}

/**
 * Null is absent. So is Go's zero value where Kubernetes can't tell them apart: "" of optional text whose values do not include
 * it, and false, 0 and "" where the row says so.
 */
function isAbsent(row: Row, raw: unknown): boolean {
  if (raw === undefined || raw === null) return true;
  if (row.zeroIsAbsent) return raw === false || raw === 0 || raw === "";
  if (raw !== "" || row.kind !== "text" || row.empty || row.emptyIsWrong) return false;
  return !(row.values?.includes("") ?? false);
}

/** A list or a map without members is as none: what was given and what was not must be the same in every comparison. */
function withoutEmpty(row: Row, value: unknown): unknown {
  const isCollection = row.kind === "list" || row.kind === "map" || (row.kind === "object" && row.type.otherNames);
  const isEmpty = isCollection && typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return isEmpty ? undefined : value;
}

function missing(decoding: Decoding, path: string, row: Row): void {
  const one = row.kind === "list" ? "required: at least one element" : "required, but missing";
  report(decoding, "InvalidObject", path, one);
  decoding.sound = false;
}

function wrongType(decoding: Decoding, path: string, wanted: string, raw: unknown): undefined {
  report(
    decoding,
    "InvalidObject",
    path,
    `must be ${wanted}, not ${decoding.hidden ? describeType(raw) : `${describe(raw)}${hint(wanted, raw)}`}`,
  );
  decoding.sound = false;
  return undefined;
}

function hint(wanted: string, raw: unknown): string {
  if (wanted === "a string" && (typeof raw === "number" || typeof raw === "boolean"))
    return `; write it in quotes: "${raw}"`;
  if (wanted === "true or false" && typeof raw === "string") return "; write it without quotes";
  if (wanted === "a whole number" && typeof raw === "string" && /^[+-]?\d+$/.test(raw))
    return "; write it without quotes";
  return "";
}

/** Not a character of the value. */
const describeType = (raw: unknown): string =>
  raw === null || raw === undefined
    ? "empty"
    : Array.isArray(raw)
      ? "a list"
      : typeof raw === "object"
        ? "an object"
        : `a ${typeof raw}`;

function describe(raw: unknown): string {
  if (raw === null || raw === undefined) return "empty";
  if (Array.isArray(raw)) return "a list";
  if (typeof raw === "string") return `the string ${quote(raw)}`;
  if (typeof raw === "object") return "an object";
  return typeof raw === "number" ? `the number ${raw}` : String(raw);
}

function report(decoding: Decoding, code: ErrorCode, path: string, text: string): void {
  decoding.problems.push({ code, path, text });
}

function set(value: Record<string, unknown>, key: string, decoded: unknown): void {
  if (decoded !== undefined) setField(value, key, decoded);
}
