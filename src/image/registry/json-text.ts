// JSON of configuration files: errors with lines, and names that stand twice in one object, which JSON.parse lets pass.
import type { ErrorCode } from "../../base/errors.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { fileError } from "./config-file.ts";

/** For errors: what a value is. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : JSON.stringify(value);
}

/** The object in a file's text. Throws `code`, naming the file and, where it can be told, the line. */
export function parseJsonObject(code: ErrorCode, text: string, file: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw fileError(code, file, `it is not JSON: ${error instanceof Error ? error.message : error}`, error);
  }
  if (!isJsonObject(value))
    throw fileError(code, file, `there must be one JSON object in it, and it is ${kindOf(value)}`);
  return value;
}

/** The first name that stands twice in one object of a valid JSON text, with its line, counted from 1. */
export function findDuplicateName(text: string): { readonly name: string; readonly line: number } | undefined {
  const open: (Set<string> | undefined)[] = [];
  let line = 1;
  // In valid JSON a string is a name exactly when a colon follows it.
  for (const [token, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}[\]]|\n/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (name !== undefined) {
      const plain = String(JSON.parse(name));
      const names = open.at(-1);
      if (names?.has(plain) === true) return { name: plain, line };
      names?.add(plain);
    }
    line += token.split("\n").length - 1;
  }
  return undefined;
}
