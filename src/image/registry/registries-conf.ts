// Where an image is looked for: registries.conf and its drop-ins, containers-registries.conf(5) and .conf.d(5).
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import { cachedReader, type FileReader, fileError } from "./config-file.ts";
import { type Place, registriesConfPlace } from "./place.ts";
import { type ParsedRegistries, parseRegistriesConf, type RegistryEntry } from "./registries-toml.ts";
import type { Endpoint, EndpointRequest, RegistriesConf } from "./types.ts";

export interface LoadedRegistries extends RegistriesConf {
  /** `credential-helpers` of registries.conf; `containers-auth.json` stands for the auth files. */
  readonly credentialHelpers: readonly string[];
}

/** `warn`: of fields that nobody knows; once for each state of a file. */
export function createRegistriesReader(place: Place, warn?: (text: string) => void): () => Promise<LoadedRegistries> {
  const read = cachedReader("ImageRejected", (text, file) => {
    const parsed = parseRegistriesConf(text, file);
    for (const field of parsed.unknown) warn?.(`${file}: ${field}: no such field, it is ignored`);
    return parsed;
  });
  return async () => {
    const { file, required, folders } = registriesConfPlace(place);
    const main = await read(file);
    if (main === undefined && required)
      throw fileError("ImageRejected", file, "there is no such file, and the environment names it");
    const dropIns = (await Promise.all(folders.map((folder) => readFolder(folder, read)))).flat();
    return merge([...(main === undefined ? [] : [main]), ...dropIns]);
  };
}

/** Files that end in `.conf`, in the order of their names; everything else in the folder is left alone. */
async function readFolder(folder: string, read: FileReader<ParsedRegistries>): Promise<readonly ParsedRegistries[]> {
  let entries: readonly { name: string; isDirectory(): boolean }[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return [];
    throw fileError("ImageRejected", folder, `the folder cannot be read (${errno})`, error);
  }
  const names = entries.filter((entry) => entry.name.endsWith(".conf") && !entry.isDirectory()).map(({ name }) => name);
  const parsed = await Promise.all(names.sort().map((name) => read(join(folder, name))));
  return parsed.filter((one) => one !== undefined);
}

/** A later file's registry takes the place of an earlier one with the same prefix, whole. */
function merge(files: readonly ParsedRegistries[]): LoadedRegistries {
  const entries = new Map(files.flatMap((file) => file.entries.map((entry) => [entry.prefix, entry] as const)));
  return {
    credentialHelpers: files.findLast((file) => file.credentialHelpers !== undefined)?.credentialHelpers ?? [],
    endpoints: (reference) => findEndpoints([...entries.values()], reference),
  };
}

function findEndpoints(entries: readonly RegistryEntry[], reference: EndpointRequest): readonly Endpoint[] {
  const name = formatName(reference);
  const entry = findRegistry(entries, name);
  if (entry === undefined) {
    return [{ host: reference.domain, repository: reference.path, insecure: false, mirror: false }];
  }
  if (entry.blocked) {
    throw new PodrunError(
      "ImageRejected",
      `image "${name}": registry "${entry.prefix}" is blocked in ${entry.file} (blocked = true)`,
      { details: { image: name, file: entry.file, prefix: entry.prefix } },
    );
  }
  const rest = name.slice(matchedLength(name, entry.prefix));
  const mirrors = entry.mirrors
    .filter(({ pull }) => isAllowed(entry.mirrorByDigestOnly ? "digest-only" : pull, reference))
    .map((mirror) => ({ ...splitName(mirror.location + rest), insecure: mirror.insecure, mirror: true }));
  const own = splitName(entry.location === "" ? name : entry.location + rest);
  return [...mirrors, { ...own, insecure: entry.insecure, mirror: false }];
}

function isAllowed(pull: "all" | "digest-only" | "tag-only", { digest }: EndpointRequest): boolean {
  return pull === "all" || (pull === "digest-only") === (digest !== undefined);
}

/** A digest goes before a tag, as in podman: with both, the tag says nothing. Without a path it is the registry itself. */
function formatName({ domain, path, tag, digest }: EndpointRequest): string {
  const suffix = digest !== undefined ? `@${digest}` : tag !== undefined ? `:${tag}` : "";
  return path === "" ? domain : `${domain}/${path}${suffix}`;
}

/** The longest prefix wins; of equal length, which needs a `*.`, the first. */
function findRegistry(entries: readonly RegistryEntry[], name: string): RegistryEntry | undefined {
  let best: RegistryEntry | undefined;
  for (const entry of entries) {
    if (matchedLength(name, entry.prefix) > 0 && entry.prefix.length > (best?.prefix.length ?? 0)) best = entry;
  }
  return best;
}

/**
 * How much of a name a prefix covers; 0: it does not match. A prefix ends where a part of the name ends: before `/`, `:` or
 * `@`. So `example.com` covers `example.com:5000`, too: the man page is silent, skopeo and podman do it, and whoever blocks
 * a host means it.
 */
export function matchedLength(name: string, prefix: string): number {
  let end = prefix.length;
  if (prefix.startsWith("*.")) {
    const domain = prefix.slice(1);
    const at = name.indexOf(domain);
    if (at <= 0 || name.slice(0, at).includes("/")) return 0;
    end = at + domain.length;
  } else if (!name.startsWith(prefix)) return 0;
  return end === name.length || "/:@".includes(name.charAt(end)) ? end : 0;
}

function splitName(name: string): { readonly host: string; readonly repository: string } {
  const [host = "", ...path] = name.split("/");
  const repository = path.join("/").replace(/[:@].*$/, "");
  return { host, repository: host === "docker.io" && path.length === 1 ? `library/${repository}` : repository };
}
