// Which accounts of an auth file or of a pull secret are meant for a repository, and what they say: containers-auth.json(5);
// the wildcards are Kubernetes' (pull secrets, "Interpretation of config.json").
import { PodrunError } from "../../base/errors.ts";
import type { Credentials, DockerConfig } from "../types.ts";

type RawAccount = NonNullable<DockerConfig["auths"]>[string];

/** Docker Hub's names: one registry. */
const DOCKER_HUB = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/**
 * A key without what older writers put around it: `https://index.docker.io/v1/` is `docker.io`, `https://host/v2/` is `host`.
 */
export function normalizeKey(key: string): string {
  const [name = "", ...path] = key
    .replace(/^https?:\/\//, "")
    .replace(/\/+$/, "")
    .split("/");
  if (/^v[12]$/.test(path[0] ?? "")) path.shift();
  const host = name.toLowerCase();
  return [DOCKER_HUB.includes(host) ? "docker.io" : host, ...path].join("/");
}

/**
 * The accounts for `domain/path` out of several configurations, as of one: the longest path first, a host before a `*`; of
 * equals the earlier configuration's. Throws RegistryUnauthorized for an account that cannot be read. `origin`: for errors.
 */
export function matchAccounts(
  configs: readonly { readonly auths: DockerConfig["auths"]; readonly origin: string }[],
  domain: string,
  path: string,
): readonly Credentials[] {
  const matches = configs.flatMap(({ auths, origin }) =>
    Object.entries(auths ?? {}).flatMap(([key, raw]) => {
      const rank = matchKey(normalizeKey(key), normalizeKey(domain), path);
      return rank < 0 ? [] : [{ rank, key, raw, origin }];
    }),
  );
  return matches
    .sort((a, b) => b.rank - a.rank)
    .map(({ key, raw, origin }) => readAccount(raw, `${origin}, account "${key}"`))
    .filter((account) => account !== undefined);
}

/** -1: no match. Else the number of parts of the path, and one half more for a host without `*`. */
function matchKey(key: string, domain: string, path: string): number {
  const [host = "", ...parts] = key.split("/");
  const wanted = path.split("/");
  if (parts.some((part, index) => part !== wanted[index])) return -1;
  if (host === domain) return parts.length + 0.5;
  return host.includes("*") && matchesWildcard(host, domain) ? parts.length : -1;
}

/**
 * A `*` stands for a part of one label of the name, never for a dot; the ports are equal. Not by a regular expression: a
 * pattern comes out of somebody's Secret, and one of many stars would hold the daemon up for hours.
 */
function matchesWildcard(pattern: string, domain: string): boolean {
  const [wanted, labels] = [pattern.split(/[.:]/), domain.split(/[.:]/)];
  const separators = (text: string): string => text.replace(/[^.:]/g, "");
  return separators(pattern) === separators(domain) && wanted.every((part, at) => matchesPart(part, labels[at] ?? ""));
}

/** What stands between the stars is found in its order, each time as early as it can be. */
function matchesPart(pattern: string, label: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return pattern === label;
  if (label.length < first.length + last.length || !label.startsWith(first) || !label.endsWith(last)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = label.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return at <= label.length - last.length;
}

/** Undefined: the entry is empty, as docker leaves it for accounts that are kept in a credential helper. */
function readAccount(raw: RawAccount | null, where: string): Credentials | undefined {
  const { username, password } = raw?.auth
    ? decodeAuth(raw.auth, where)
    : { username: raw?.username ?? "", password: raw?.password ?? "" };
  const identityToken = raw?.identitytoken || undefined;
  if (identityToken !== undefined) return { username, password, identityToken };
  return username === "" && password === "" ? undefined : { username, password };
}

function decodeAuth(auth: string, where: string): { username: string; password: string } {
  const text = Buffer.from(auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(auth.trim()) || colon < 0) {
    throw new PodrunError("RegistryUnauthorized", `${where}: "auth" must be USER:PASSWORD in base64; it is not`);
  }
  // Docker's own older versions padded the password with zero bytes.
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, "") };
}

export const encodeAuth = ({ username, password }: Credentials): string =>
  Buffer.from(`${username}:${password}`).toString("base64");

/** Each account once, at its first place. */
export function withoutDuplicates(accounts: readonly Credentials[]): readonly Credentials[] {
  const known = new Set<string>();
  return accounts.filter(({ username, password, identityToken }) => {
    const identity = JSON.stringify([username, password, identityToken]);
    return !known.has(identity) && known.add(identity);
  });
}
