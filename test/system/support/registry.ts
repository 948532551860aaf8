// Real registries for tests: Debian's docker-registry on loopback, with and without TLS and a password.
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAlive, type Teardown, until } from "./podrun.ts";

export interface RegistryOptions {
  readonly tls?: boolean;
  readonly password?: { readonly user: string; readonly password: string };
  /** Its data is kept here and stays; default: a folder that goes with the test. */
  readonly data?: string;
}

/** One request that the registry answered. */
export interface LoggedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly status: number;
  readonly agent: string;
}

export interface Registry {
  /** 127.0.0.1:PORT, as it stands in an image's name. */
  readonly host: string;
  readonly url: string;
  /** The file of the CA that signed its certificate; undefined without TLS. */
  readonly ca: string | undefined;
  readonly password: { readonly user: string; readonly password: string } | undefined;
  readonly pid: number;
  /** All it has answered since it started. */
  requests(): readonly LoggedRequest[];
  /** How often each blob was sent: digest → answers 200 and 206. */
  blobsSent(): ReadonlyMap<string, number>;
  /** Everything that it printed. */
  log(): string;
  /** One request, with its account. */
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
  stop(): Promise<void>;
}

export interface SendOptions {
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: Buffer | NodeJS.ReadableStream;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** Starts a registry and waits until it answers; it is ended, and its folder removed, when the test ends. */
export async function startRegistry(t: Teardown, options: RegistryOptions = {}): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), "podrun-registry-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const ca = options.tls ? makeCertificate(folder) : undefined;
  writeFileSync(join(folder, "config.json"), JSON.stringify(configuration(folder, options)));
  const logFile = join(folder, "log");
  const log = openSync(logFile, "a");
  const child = spawn("docker-registry", ["serve", join(folder, "config.json")], { stdio: ["ignore", log, log] });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => undefined);
  closeSync(log);
  const text = (): string => readFileSync(logFile, "utf8");
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  };
  t.teardown(stop);
  const pid = child.pid ?? 0;
  const port = await Promise.race([failed, listening(pid, text)]);
  const host = `127.0.0.1:${port}`;
  const registry = new RealRegistry({ host, ca, password: options.password, pid, text, stop });
  await until(async () => (await registry.send("GET", "/v2/").catch(() => undefined))?.status === 200, 20_000, text);
  return registry;
}

/** It chooses a free port itself, and says which. */
async function listening(pid: number, text: () => string): Promise<string> {
  let port: string | undefined;
  const check = async (): Promise<boolean> => {
    port = /listening on 127\.0\.0\.1:(\d+)/.exec(text())?.[1];
    if (port === undefined && !isAlive(pid)) throw new Error(`docker-registry ended:\n${text()}`);
    return port !== undefined;
  };
  await until(check, 20_000, text);
  return port as string;
}

/** docker-registry's configuration.md; YAML, so JSON will do. */
function configuration(folder: string, { tls, password, data }: RegistryOptions): object {
  if (password !== undefined) {
    const { user, password: word } = password;
    writeFileSync(join(folder, "htpasswd"), execFileSync("htpasswd", ["-nbB", "-C", "4", user, word]));
  }
  const root = data ?? join(folder, "data");
  mkdirSync(root, { recursive: true });
  return {
    version: 0.1,
    log: { level: "info", formatter: "text", accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: root }, delete: { enabled: true } },
    http: {
      addr: "127.0.0.1:0",
      secret: "of no importance",
      ...(tls && { tls: { certificate: join(folder, "server.crt"), key: join(folder, "server.key") } }),
    },
    ...(password && { auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } } }),
  };
}

/** A CA of the test's own, and a certificate that it signed. The CA's file. */
function makeCertificate(folder: string): string {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...key, "-subj", "/CN=podrun test CA", "-keyout", file("ca.key"), "-out", file("ca.crt"));
  openssl(
    "req",
    ...key.slice(0, 5),
    "-subj",
    "/CN=127.0.0.1",
    "-keyout",
    file("server.key"),
    "-out",
    file("server.csr"),
  );
  writeFileSync(file("san"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const signed = ["-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-CAcreateserial", "-days", "2"];
  openssl("x509", "-req", "-in", file("server.csr"), ...signed, "-extfile", file("san"), "-out", file("server.crt"));
  return file("ca.crt");
}

interface Started extends Pick<Registry, "host" | "ca" | "password" | "pid" | "stop"> {
  readonly text: () => string;
}

class RealRegistry implements Registry {
  readonly host: string;
  readonly url: string;
  readonly ca: string | undefined;
  readonly password: Registry["password"];
  readonly pid: number;
  readonly log: () => string;
  readonly stop: () => Promise<void>;

  constructor({ host, ca, password, pid, text, stop }: Started) {
    this.host = host;
    this.url = `${ca === undefined ? "http" : "https"}://${host}`;
    this.ca = ca;
    this.password = password;
    this.pid = pid;
    this.log = text;
    this.stop = stop;
  }

  /** Its access log is Apache's combined one, between the lines of its own log. */
  requests(): readonly LoggedRequest[] {
    const line = /^127\.0\.0\.1 - .* "([A-Z]+) (\S+) HTTP\/[\d.]+" (\d+) \S+ "[^"]*" "([^"]*)"$/gm;
    return [...this.log().matchAll(line)].map(([, method = "", path = "", status, agent = ""]) => ({
      method,
      path,
      status: Number(status),
      agent,
    }));
  }

  blobsSent(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { method, path, status } of this.requests()) {
      const digest = /\/blobs\/(sha256:[0-9a-f]{64})$/.exec(path)?.[1];
      if (method !== "GET" || digest === undefined || (status !== 200 && status !== 206)) continue;
      counts.set(digest, (counts.get(digest) ?? 0) + 1);
    }
    return counts;
  }

  send(method: string, path: string, { headers = {}, body }: SendOptions = {}): Promise<Answer> {
    const { password, ca } = this;
    const account = password && { authorization: `Basic ${authOf(password)}` };
    const url = new URL(path, this.url);
    const options = { method, headers: { ...account, ...headers }, agent: false as const };
    return new Promise((resolve, reject) => {
      const onAnswer = async (answer: IncomingMessage): Promise<void> => {
        try {
          const chunks = (await answer.toArray()) as Buffer[];
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) });
        } catch (error) {
          reject(error);
        }
      };
      const sent =
        ca === undefined
          ? httpRequest(url, options, onAnswer)
          : httpsRequest(url, { ...options, ca: readFileSync(ca) }, onAnswer);
      sent.on("error", reject);
      if (body === undefined || Buffer.isBuffer(body)) sent.end(body);
      else body.on("error", reject).pipe(sent);
    });
  }
}

export interface RegistryEnvOptions {
  /** More lines of registries.conf. */
  readonly conf?: string;
  /** The whole policy.json; default: every image is accepted. */
  readonly policy?: object;
  /** Registries that the instance has accounts for from the start, in its auth file; default: none. */
  readonly loggedIn?: readonly Registry[];
}

/**
 * The environment of an instance that knows these registries: registries.conf, certificates, auth file and policy are the
 * test's own. Without TLS they are insecure registries.
 */
export function registryEnv(
  t: Teardown,
  registries: readonly Pick<Registry, "host" | "ca" | "password">[],
  options: RegistryEnvOptions = {},
): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), "podrun-containers-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string): string => join(folder, name);
  const insecure = registries.filter(({ ca }) => ca === undefined);
  const conf = insecure.map(({ host }) => `[[registry]]\nlocation = "${host}"\ninsecure = true\n`).join("\n");
  // A key at the top must come before the first table.
  writeFileSync(
    file("registries.conf"),
    `unqualified-search-registries = ["docker.io"]\n${options.conf ?? ""}\n${conf}`,
  );
  writeFileSync(
    file("policy.json"),
    JSON.stringify(options.policy ?? { default: [{ type: "insecureAcceptAnything" }] }),
  );
  for (const { host, ca } of registries) {
    mkdirSync(file(`certs.d/${host}`), { recursive: true });
    if (ca !== undefined) writeFileSync(file(`certs.d/${host}/ca.crt`), readFileSync(ca));
  }
  const auths = (options.loggedIn ?? []).map(({ host, password }) => [host, { auth: authOf(password) }] as const);
  if (auths.length > 0) writeFileSync(file("auth.json"), JSON.stringify({ auths: Object.fromEntries(auths) }));
  return {
    PODRUN_REGISTRIES_CONF: file("registries.conf"),
    PODRUN_CERTS_DIR: file("certs.d"),
    PODRUN_AUTH_FILE: file("auth.json"),
    PODRUN_POLICY: file("policy.json"),
  };
}

/** What stands under `auth` in an auth file. */
export const authOf = (password: Registry["password"]): string =>
  Buffer.from(`${password?.user ?? ""}:${password?.password ?? ""}`).toString("base64");
