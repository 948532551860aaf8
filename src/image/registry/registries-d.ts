// Where signatures are kept, as far as podrun looks for them itself: containers-registries.d(5).
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { errnoOf } from "../../base/errors.ts";
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { cachedReader, fileError } from "./config-file.ts";
import { kindOf } from "./json-text.ts";
import { type Place, signatureStoresFolder } from "./place.ts";
import { policyScopes } from "./policy.ts";
import type { SignatureStores } from "./types.ts";

interface ParsedStores {
  readonly file: string;
  /** `use-sigstore-attachments` by scope; undefined: the section does not say. `""`: default-docker. */
  readonly scopes: ReadonlyMap<string, boolean | undefined>;
}

/** Reads all files anew that have changed. Throws ImageRejected for one that can't be read: no signature can be had then. */
export function createStoresReader(place: Place): () => Promise<SignatureStores> {
  const read = cachedReader("ImageRejected", parseStores);
  return async () => {
    const folder = signatureStoresFolder(place);
    const names = await readdir(folder).catch((error: unknown) => {
      if (errnoOf(error) === "ENOENT") return [];
      throw fileError("ImageRejected", folder, `the folder cannot be read (${errnoOf(error)})`, error);
    });
    const files = await Promise.all(
      names.filter((name) => name.endsWith(".yaml")).map((name) => read(join(folder, name))),
    );
    const scopes = merge(files.filter((file) => file !== undefined));
    return {
      hasAttachments: (reference) =>
        policyScopes(reference)
          .map((scope) => scopes.get(scope))
          .find((said) => said !== undefined) ?? false,
    };
  };
}

function parseStores(text: string, file: string): ParsedStores {
  let raw: unknown;
  try {
    raw = parse(text) ?? {};
  } catch (error) {
    throw fileError("ImageRejected", file, `it is not YAML: ${error instanceof Error ? error.message : error}`, error);
  }
  const object = (value: unknown, at: string): JsonObject => {
    if (isJsonObject(value)) return value;
    throw fileError("ImageRejected", file, `${at} must be a mapping, it is ${kindOf(value)}`);
  };
  const top = object(raw, "all of it");
  const sections: readonly (readonly [string, unknown])[] = [
    ...("default-docker" in top ? [["", top["default-docker"]] as const] : []),
    ...Object.entries(object(top["docker"] ?? {}, "docker")),
  ];
  const scopes = sections.map(([scope, section]) => {
    const at = scope === "" ? "default-docker" : `docker["${scope}"]`;
    const said = object(section ?? {}, at)["use-sigstore-attachments"];
    if (said === undefined || typeof said === "boolean") return [scope, said] as const;
    const problem = `${at}.use-sigstore-attachments must be true or false, it is ${kindOf(said)}`;
    throw fileError("ImageRejected", file, problem);
  });
  return { file, scopes: new Map(scopes) };
}

/** A scope may have one section, in one file: else nobody could say which counts. */
function merge(files: readonly ParsedStores[]): ReadonlyMap<string, boolean | undefined> {
  const homes = new Map<string, string>();
  for (const { file, scopes } of files)
    for (const scope of scopes.keys()) {
      const other = homes.get(scope);
      const what = scope === "" ? "default-docker" : `docker["${scope}"]`;
      if (other !== undefined)
        throw fileError("ImageRejected", file, `${what} stands in ${other}, too; it must be in one file`);
      homes.set(scope, file);
    }
  return new Map(files.flatMap(({ scopes }) => [...scopes]));
}
