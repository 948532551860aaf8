// As whom a registry is asked: the auth files of podman, skopeo and docker, containers-auth.json(5), and pull secrets.
import type { PodrunError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { Credentials, DockerConfig } from "../types.ts";
import { matchAccounts, normalizeKey, withoutDuplicates } from "./accounts.ts";
import { cachedReader, type FileReader, fileError } from "./config-file.ts";
import { askHelper } from "./credential-helper.ts";
import { kindOf, parseJsonObject } from "./json-text.ts";
import { authFilePlaces, type Place } from "./place.ts";
import type { CredentialSource } from "./types.ts";

/** registries.conf's `credential-helpers`: this one stands for the auth files. */
const AUTH_FILES = "containers-auth.json";
const ACCOUNT_FIELDS = ["auth", "username", "password", "identitytoken"];

export interface CredentialOptions {
  readonly secrets?: readonly DockerConfig[];
  readonly authFile?: string | undefined;
}

/** `helpers`: registries.conf's `credential-helpers`. */
export function createCredentialsReader(
  place: Place,
  helpers: () => Promise<readonly string[]>,
): (options: CredentialOptions) => CredentialSource {
  const readers = {
    current: cachedReader("RegistryUnauthorized", parseAuthFile),
    legacy: cachedReader("RegistryUnauthorized", (text, file) => checkConfig({ auths: parseObject(text, file) }, file)),
  };
  return ({ secrets = [], authFile }) => ({
    find: async (domain, path) => {
      const ofSecrets = secrets.map((secret) => ({ auths: secret.auths, origin: "pull secret" }));
      const found = [...matchAccounts(ofSecrets, domain, path)];
      const configured = await helpers();
      for (const helper of configured.length === 0 ? [AUTH_FILES] : configured) {
        if (helper === AUTH_FILES) {
          for (const { file, legacy } of authFilePlaces(place, authFile)) {
            found.push(...(await findInFile(legacy ? readers.legacy : readers.current, file, domain, path)));
          }
        } else {
          const account = await askHelper({ helper, registry: normalizeKey(domain), file: "registries.conf" });
          if (account !== undefined) found.push(account);
        }
      }
      return withoutDuplicates(found);
    },
  });
}

/** A helper for this very registry is asked alone; the store for all is asked for what stands in the file without a secret. */
async function findInFile(
  read: FileReader<DockerConfig>,
  file: string,
  domain: string,
  path: string,
): Promise<readonly Credentials[]> {
  const config = await read(file);
  if (config === undefined) return [];
  const registry = normalizeKey(domain);
  const own = helperFor(config, registry);
  if (own === undefined) {
    const accounts = matchAccounts([{ auths: config.auths, origin: file }], domain, path);
    if (accounts.length > 0) return accounts;
  }
  const helper = own ?? config.credsStore;
  const account = helper ? await askHelper({ helper, registry, file }) : undefined;
  return account === undefined ? [] : [account];
}

/** `credHelpers` of a registry, whichever of its names it stands under. */
export function helperFor(config: DockerConfig, registry: string): string | undefined {
  return Object.entries(config.credHelpers ?? {}).find(([key]) => normalizeKey(key) === registry)?.[1];
}

/** The content of an auth file. An empty file is as good as none. Throws RegistryUnauthorized: file, line, field. */
export function parseAuthFile(text: string, file: string): DockerConfig {
  return checkConfig(parseObject(text, file), file);
}

const parseObject = (text: string, file: string): Readonly<Record<string, unknown>> =>
  text.trim() === "" ? {} : parseJsonObject("RegistryUnauthorized", text, file);

/** docker's file has many more fields; only those with accounts are ours to check. */
function checkConfig(raw: Readonly<Record<string, unknown>>, file: string): DockerConfig {
  const fail = (field: string, right: string, value: unknown): PodrunError =>
    fileError("RegistryUnauthorized", file, `${field} must be ${right}, it is ${kindOf(value)}`);
  const auths = raw["auths"] ?? {};
  const credHelpers = raw["credHelpers"] ?? {};
  const credsStore = raw["credsStore"] ?? "";
  if (!isJsonObject(auths)) throw fail("auths", "an object", auths);
  for (const [key, account] of Object.entries(auths)) {
    if (account !== null && !isJsonObject(account)) throw fail(`auths["${key}"]`, "an object", account);
    for (const field of ACCOUNT_FIELDS) {
      const value = account?.[field] ?? "";
      // Not the value: it may be a secret.
      if (typeof value !== "string")
        throw fileError("RegistryUnauthorized", file, `auths["${key}"].${field} must be a text`);
    }
  }
  if (!isJsonObject(credHelpers)) throw fail("credHelpers", "an object", credHelpers);
  for (const [key, helper] of Object.entries(credHelpers)) {
    if (typeof helper !== "string") throw fail(`credHelpers["${key}"]`, "a text", helper);
  }
  if (typeof credsStore !== "string") throw fail("credsStore", "a text", credsStore);
  return { auths, credHelpers, credsStore } as DockerConfig;
}
