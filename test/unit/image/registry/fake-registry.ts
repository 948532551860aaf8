// A registry that misbehaves as told: no real one answers 503 twice and then cuts a blob at half.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { openRepository } from "../../../../src/image/registry/repository.ts";
import type { TransferSettings } from "../../../../src/image/registry/settings.ts";
import type { RepositoryClient, TlsFiles } from "../../../../src/image/registry/types.ts";
import type { Credentials } from "../../../../src/image/types.ts";

export interface Teardown {
  teardown(clean: () => unknown): void;
}

/** `number`: how many requests came before this one. */
export type Handler = (request: IncomingMessage, response: ServerResponse, number: number) => void;

export interface Fake {
  /** 127.0.0.1:PORT. */
  readonly host: string;
  readonly url: string;
  readonly requests: readonly {
    method: string;
    path: string;
    headers: IncomingMessage["headers"];
    body: () => string;
  }[];
  readonly openSockets: () => number;
}

export interface Certificate {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate for 127.0.0.1 that is its own CA. */
export function selfSigned(t: Teardown): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "podrun-tls-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = (name: string) => join(folder, name);
  const options = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", ...options, ...names, "-keyout", file("key"), "-out", file("crt")], {
    stdio: "pipe",
  });
  const cert = readFileSync(file("crt"), "utf8");
  return { ca: cert, cert, key: readFileSync(file("key"), "utf8") };
}

export async function startFake(t: Teardown, handler: Handler, tls?: object): Promise<Fake> {
  const requests: { method: string; path: string; headers: IncomingMessage["headers"]; body: () => string }[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const body: Buffer[] = [];
    request.on("data", (chunk: Buffer) => body.push(chunk));
    const { method = "", url = "", headers } = request;
    requests.push({ method, path: url, headers, body: () => Buffer.concat(body).toString() });
    response.on("error", () => undefined);
    handler(request, response, requests.length - 1);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const sockets = new Set<unknown>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { host, url: `http${tls === undefined ? "" : "s"}://${host}`, requests, openSockets: () => sockets.size };
}

/** A port where nothing listens. */
export async function deadHost(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}

export interface ClientOptions {
  readonly insecure?: boolean;
  readonly mirror?: boolean;
  readonly credentials?: readonly Credentials[];
  readonly tls?: TlsFiles;
  readonly settings?: Partial<TransferSettings>;
}

/** A client that waits for nothing; `waits`: how long it would have waited, in milliseconds. */
export function clientOf(host: string, options: ClientOptions = {}): { client: RepositoryClient; waits: number[] } {
  const waits: number[] = [];
  const { insecure = true, mirror = false, credentials = [], tls = {}, settings } = options;
  const client = openRepository(
    {
      endpoint: { host, repository: "team/app", insecure, mirror },
      image: "shop.example/team/app:1",
      credentials,
      tls,
    },
    {
      sleep: async (milliseconds) => void waits.push(Math.round(milliseconds)),
      random: () => 0,
      connectTimeout: 5000,
      idleTimeout: 5000,
      environment: {},
      ...settings,
    },
  );
  return { client, waits };
}

export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
export const MANIFEST = Buffer.from(JSON.stringify({ schemaVersion: 2, config: {}, layers: [] }));

export function digestOf(bytes: Buffer, algorithm = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

export function sendManifest(response: ServerResponse, bytes: Buffer = MANIFEST, headers: Record<string, string> = {}) {
  response.writeHead(200, { "content-type": MANIFEST_TYPE, "docker-content-digest": digestOf(bytes), ...headers });
  response.end(bytes);
}

export function refuse(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body: unknown = "",
) {
  response.writeHead(status, headers);
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

export const errorsOf = (code: string, message: string) => ({ errors: [{ code, message }] });

export async function readAll(stream: Readable): Promise<Buffer> {
  return Buffer.concat((await stream.toArray()) as Buffer[]);
}
