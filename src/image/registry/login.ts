// `podrun login` and `logout`: accounts in auth.json, where podman and skopeo find them too (containers-auth.json(5)).
import { existsSync } from "node:fs";
import { mkdir, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { writeFileAtomic } from "../../base/atomic-file.ts";
import { errnoOf, PodrunError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Credentials, DockerConfig, LoginRequest, LoginService } from "../types.ts";
import { encodeAuth, normalizeKey } from "./accounts.ts";
import { helperFor, parseAuthFile } from "./auth-file.ts";
import { cachedReader, fileError } from "./config-file.ts";
import { eraseWithHelper, storeWithHelper } from "./credential-helper.ts";
import { parseJsonObject } from "./json-text.ts";
import { authFilePlaces, configAuthFile, namedAuthFile, type Place } from "./place.ts";
import type { Endpoint, RegistryFiles, TlsFiles } from "./types.ts";

export interface LoginOptions {
  readonly place: Place;
  readonly files: RegistryFiles;
  /** Asks the registry whether it takes the account. Throws RegistryUnauthorized, RegistryUnreachable. */
  readonly checkAccount: (request: { endpoint: Endpoint; credentials: Credentials; tls: TlsFiles }) => Promise<unknown>;
}

/** An auth file as it is, and as it is understood. */
interface OpenFile {
  readonly file: string;
  readonly raw: JsonObject;
  readonly config: DockerConfig;
}

export class Login implements LoginService {
  readonly #options: LoginOptions;
  /** One change after the other: each reads the file, changes it and writes it whole. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  async login(request: LoginRequest): Promise<{ readonly file: string }> {
    const key = registryKey(request.registry);
    const [domain = ""] = key.split("/");
    const credentials = { username: request.username, password: request.password };
    if (request.username === "" || request.username.includes(":")) {
      throw new PodrunError(
        "BadRequest",
        `login to ${key}: a user name must be there, and must not have a colon in it`,
      );
    }
    const { files, checkAccount } = this.#options;
    const own = (await files.registries()).endpoints({ domain, path: key.slice(domain.length + 1) }).at(-1);
    const insecure = request.tlsVerify === undefined ? (own?.insecure ?? false) : !request.tlsVerify;
    const endpoint = { host: own?.host ?? domain, repository: own?.repository ?? "", insecure, mirror: false };
    await checkAccount({ endpoint, credentials, tls: await files.tls(endpoint.host) });
    return this.#change(async () => {
      const target = await this.#target(key, request.authFile);
      await storeAccount(target, key, credentials);
      return { file: target.file };
    });
  }

  logout(request: Parameters<LoginService["logout"]>[0]): Promise<{ readonly file: string }> {
    if (request.all === true) return this.#change(() => this.#removeAll(request.authFile));
    const key = registryKey(request.registry ?? "docker.io");
    return this.#change(() => this.#removeOne(key, request.authFile));
  }

  async loggedIn(registry: string, authFile?: string): Promise<string | undefined> {
    const [domain = "", ...path] = registryKey(registry).split("/");
    const accounts = await this.#options.files.credentials({ authFile }).find(domain, path.join("/"));
    return accounts[0]?.username;
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** The file that was named, else the one that knows the registry, else a new account's. */
  async #target(key: string, authFile: string | undefined): Promise<OpenFile> {
    const named = authFile ?? namedAuthFile(this.#options.place);
    if (named !== undefined) return openAuthFile(named);
    const holder = (await this.#ownFiles(undefined)).find((open) => knows(open, key));
    return holder ?? openAuthFile(configAuthFile(this.#options.place));
  }

  /** The files that are ours to change, those that are there. Docker's own are docker's. */
  async #ownFiles(authFile: string | undefined): Promise<readonly OpenFile[]> {
    const named = authFile ?? namedAuthFile(this.#options.place);
    if (named !== undefined) return [await openAuthFile(named)];
    const files = authFilePlaces(this.#options.place).filter(({ file, writable }) => writable && existsSync(file));
    return Promise.all(files.map(({ file }) => openAuthFile(file)));
  }

  async #removeOne(key: string, authFile: string | undefined): Promise<{ readonly file: string }> {
    let removed: string | undefined;
    for (const open of await this.#ownFiles(authFile)) {
      if (await removeAccount(open, key)) removed ??= open.file;
    }
    if (removed !== undefined) return { file: removed };
    const holder = authFile === undefined ? await this.#foreignHolder(key) : undefined;
    const hint = holder === undefined ? "" : `; the account in ${holder} is docker's: docker logout ${key}`;
    throw new PodrunError("NotFound", `not logged into ${key}${hint}`, { details: { registry: key } });
  }

  async #foreignHolder(key: string): Promise<string | undefined> {
    const foreign = authFilePlaces(this.#options.place).filter(({ writable, legacy }) => !writable && !legacy);
    const open = await Promise.all(foreign.map(({ file }) => openAuthFile(file)));
    return open.find((one) => knows(one, key))?.file;
  }

  async #removeAll(authFile: string | undefined): Promise<{ readonly file: string }> {
    const files = await this.#ownFiles(authFile);
    for (const open of files) {
      const { file, raw, config } = open;
      for (const [registry, helper] of Object.entries(config.credHelpers ?? {})) {
        await eraseWithHelper({ helper, registry: normalizeKey(registry), file });
      }
      for (const key of Object.keys(config.auths ?? {}))
        if (config.credsStore) await removeAccount(open, normalizeKey(key));
      if (Object.keys(config.auths ?? {}).length > 0) await writeAuthFile(file, { ...raw, auths: {} });
    }
    return { file: files[0]?.file ?? configAuthFile(this.#options.place) };
  }
}

/** `host[:port][/path]`, as it becomes a key. Throws BadRequest. */
function registryKey(registry: string): string {
  const key = normalizeKey(registry.trim());
  if (/^(?:[\w-]+(?:\.[\w-]+)*|\[[0-9a-fA-F:]+\])(?::\d+)?(?:\/[a-z0-9._/-]+)?$/.test(key)) return key;
  throw new PodrunError(
    "BadRequest",
    `"${registry}" is no registry: HOST, HOST:PORT or HOST/PATH is needed, such as registry.example.com:5000`,
  );
}

const sameKeys = (auths: JsonObject, key: string): readonly string[] =>
  Object.keys(auths).filter((other) => normalizeKey(other) === key);

const knows = ({ config }: OpenFile, key: string): boolean =>
  sameKeys(config.auths ?? {}, key).length > 0 || (!key.includes("/") && helperFor(config, key) !== undefined);

/** Helpers know hosts only: an account for a path stays in the file. */
const keeperOf = ({ config }: OpenFile, key: string): string | undefined =>
  key.includes("/") ? undefined : (helperFor(config, key) ?? (config.credsStore || undefined));

async function storeAccount(open: OpenFile, key: string, account: Credentials): Promise<void> {
  const { file, raw, config } = open;
  const helper = keeperOf(open, key);
  if (helper !== undefined) await storeWithHelper({ helper, registry: key, file }, account);
  const auths: Record<string, unknown> = { ...(config.auths ?? {}) };
  for (const old of sameKeys(auths, key)) delete auths[old];
  auths[key] = helper === undefined ? { auth: encodeAuth(account) } : {};
  await writeAuthFile(file, { ...raw, auths });
}

/** False: there was none. */
async function removeAccount(open: OpenFile, key: string): Promise<boolean> {
  const { file, raw, config } = open;
  const helper = keeperOf(open, key);
  const erased = helper !== undefined && (await eraseWithHelper({ helper, registry: key, file }));
  const auths: Record<string, unknown> = { ...(config.auths ?? {}) };
  const keys = sameKeys(auths, key);
  for (const old of keys) delete auths[old];
  if (keys.length > 0) await writeAuthFile(file, { ...raw, auths });
  return keys.length > 0 || erased;
}

/** Not there: empty. A symbolic link is followed, so that it stays one when the file is replaced. */
async function openAuthFile(named: string): Promise<OpenFile> {
  const file = await realpath(named).catch(() => named);
  const text = (await cachedReader("RegistryUnauthorized", (content) => content)(file)) ?? "";
  const config = parseAuthFile(text, file);
  const raw = text.trim() === "" ? {} : parseJsonObject("RegistryUnauthorized", text, file);
  return { file, raw, config };
}

/** Fields that we do not know stay. Others on this machine must not read it: base64 hides nothing. */
async function writeAuthFile(file: string, content: JsonObject): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    writeFileAtomic(file, `${JSON.stringify(content, undefined, "\t")}\n`, { mode: 0o600 });
  } catch (error) {
    throw fileError("StateUnavailable", file, `it cannot be written (${errnoOf(error)})`, error);
  }
}
