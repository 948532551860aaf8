// Where the values of Secrets and ConfigMaps are read from. No error shows what was read.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import { FORMATS } from "../../spec/schema/format.ts";
import { UsageError } from "../arguments.ts";

/** A Secret or ConfigMap holds at most 1 MiB; what is far bigger need not even be read. */
const LARGEST_FILE = 1024 * 1024;

export const isKey = (key: string): boolean => FORMATS.configKey(key) === undefined;

/** The content of a file. Throws BadRequest. */
export function readSource(path: string): Buffer {
  try {
    const { size } = statSync(path);
    if (size > LARGEST_FILE)
      throw new PodrunError(
        "BadRequest",
        `${path} has ${size} bytes; all values together may have ${LARGEST_FILE} at most`,
      );
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof PodrunError) throw cause;
    throw new PodrunError("BadRequest", `${path} can't be read: ${errnoOf(cause) ?? String(cause)}`, {
      cause,
      details: { path },
    });
  }
}

/** `PATH`, `KEY=PATH`, or a folder: its files whose names are keys. Throws BadRequest, UsageError. */
export function readFiles(source: string): readonly (readonly [key: string, value: Buffer])[] {
  const equals = source.indexOf("=");
  if (equals === 0) throw new UsageError(`invalid --from-file "${source}": expected [KEY=]PATH`);
  if (equals > 0) return [[source.slice(0, equals), readSource(source.slice(equals + 1))]];
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) return [[basename(source), readSource(source)]];
  return readdirSync(source, { withFileTypes: true })
    .filter((entry) => entry.isFile() && isKey(entry.name))
    .map(({ name }) => [name, readSource(join(source, name))] as const);
}

/** Lines of `KEY=VALUE`; `KEY` alone takes it from the environment; empty lines and `#` lines count for nothing. */
export function readEnvFile(path: string): readonly (readonly [key: string, value: string])[] {
  const text = readSource(path)
    .toString("utf8")
    .replace(/^\ufeff/, "");
  const pairs: [string, string][] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const equals = line.indexOf("=");
    const key = equals === -1 ? line : line.slice(0, equals);
    if (!isKey(key))
      throw new PodrunError("BadRequest", `${path}:${index + 1}: not KEY=VALUE, or KEY is no valid key name`);
    pairs.push([key, equals === -1 ? (process.env[key] ?? "") : line.slice(equals + 1)]);
  }
  return pairs;
}
