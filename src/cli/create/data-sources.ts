// The keys and values of a Secret or a ConfigMap, from the flags that kubectl has for them. No error shows a value.
import type { OptionTable, OptionValues } from "../arguments.ts";
import { UsageError } from "../arguments.ts";
import { isKey, readEnvFile, readFiles } from "./data-files.ts";

export const DATA_OPTIONS = {
  "from-literal": { kind: "list", value: "KEY=VALUE", help: "generic, configmap: one value; may be repeated" },
  "from-file": {
    kind: "list",
    value: "[KEY=]PATH",
    help: "generic, configmap: a file's content, by its name or KEY, or every file of a folder; docker-registry: a docker config file",
  },
  "from-env-file": { kind: "list", value: "PATH", help: "generic, configmap: lines of KEY=VALUE" },
} as const satisfies OptionTable;

/** Throws UsageError (a flag, a key that is no key or there twice), BadRequest (a file). */
export function readData(options: OptionValues<typeof DATA_OPTIONS>): ReadonlyMap<string, Buffer> {
  const data = new Map<string, Buffer>();
  const add = (key: string, value: Buffer): void => {
    if (!isKey(key)) throw new UsageError(`"${key}" is not a valid key name: letters, digits, "-", "_" and "."`);
    if (data.has(key)) throw new UsageError(`cannot add key "${key}", another key by that name already exists`);
    data.set(key, value);
  };
  for (const source of options["from-file"]) for (const [key, value] of readFiles(source)) add(key, value);
  for (const literal of options["from-literal"]) {
    const equals = literal.indexOf("=");
    // Not shown: without a "=" it may be the value.
    if (equals < 1) throw new UsageError("invalid --from-literal: expected KEY=VALUE");
    add(literal.slice(0, equals), Buffer.from(literal.slice(equals + 1)));
  }
  for (const path of options["from-env-file"])
    for (const [key, value] of readEnvFile(path)) add(key, Buffer.from(value));
  return data;
}
