// A registry that serves what a test gives it, whatever nonsense that is, and misbehaves as a test tells it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Teardown } from "./podrun.ts";
import { type Blob, type BuiltImage, buildImage, type ImageParts, sha256 } from "./push.ts";

/** Answers one request itself, or leaves it to the registry (false). */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, content: Buffer | undefined) => boolean;

interface Content {
  readonly bytes: Buffer;
  readonly type: string;
}

/** OCI distribution-spec, pulls only; blobs can be asked for by range. */
export class HostileRegistry {
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #contents = new Map<string, Content>();
  #misbehaviours: { readonly pattern: RegExp; readonly act: Misbehaviour }[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, response) => this.#answer(request, response));
  }

  static async start(t: Teardown): Promise<HostileRegistry> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.teardown(() => {
      server.closeAllConnections();
      server.close();
    });
    return new HostileRegistry(server);
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Without TLS or an account: for registryEnv. */
  readonly ca = undefined;
  readonly password = undefined;

  /** Builds and serves an image as `NAME:1`. */
  async image(name: string, parts: ImageParts): Promise<BuiltImage & { readonly reference: string }> {
    const image = await buildImage(parts);
    return { ...image, reference: this.serve(name, image) };
  }

  /** Serves an image's manifest, also by its digest, and its blobs. Its whole name. */
  serve(name: string, image: Pick<BuiltImage, "mediaType" | "manifest" | "blobs">): string {
    this.serveManifest(name, image.mediaType, image.manifest);
    for (const { digest, bytes } of image.blobs) this.serveBlob(name, digest, bytes);
    return `${this.host}/${name}:1`;
  }

  serveManifest(name: string, type: string, { digest, bytes }: Blob, tag = "1"): string {
    for (const version of [tag, digest]) this.#contents.set(`/v2/${name}/manifests/${version}`, { bytes, type });
    return `${this.host}/${name}:${tag}`;
  }

  /** These bytes under that digest, be it theirs or not. */
  serveBlob(name: string, digest: string, bytes: Buffer): void {
    this.#contents.set(`/v2/${name}/blobs/${digest}`, { bytes, type: "application/octet-stream" });
  }

  /** From now on, for requests whose `METHOD PATH` matches; at most so many times. The newest rule is asked first. */
  misbehave(pattern: RegExp, act: Misbehaviour, times = Number.POSITIVE_INFINITY): void {
    let left = times;
    const limited: Misbehaviour = (...args) => left > 0 && act(...args) && left-- > 0;
    this.#misbehaviours.unshift({ pattern, act: limited });
  }

  behave(): void {
    this.#misbehaviours = [];
    this.requests.length = 0;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { method = "", url = "" } = request;
    const line = `${method} ${url}${request.headers.range ? ` ${request.headers.range}` : ""}`;
    this.requests.push(line);
    const path = url.split("?")[0] ?? "";
    const content = this.#contents.get(path);
    if (this.#misbehaviours.some(({ pattern, act }) => pattern.test(line) && act(request, response, content?.bytes)))
      return;
    if (path === "/v2/") response.writeHead(200, { "content-type": "application/json" }).end("{}");
    else if (content === undefined)
      refuse(response, 404, path.includes("/manifests/") ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN");
    else sendContent(request, response, content);
  }
}

function sendContent(request: IncomingMessage, response: ServerResponse, { bytes, type }: Content): void {
  const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const part = bytes.subarray(from);
  response.writeHead(from > 0 ? 206 : 200, {
    "content-type": type,
    "content-length": part.length,
    "accept-ranges": "bytes",
    ...(type.includes("octet-stream") ? {} : { "docker-content-digest": sha256(bytes) }),
    ...(from > 0 && { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  response.end(request.method === "HEAD" ? undefined : part);
}

/** An answer as registries refuse (distribution-spec, "Error codes"). */
export function refuse(response: ServerResponse, status: number, code: string, headers: object = {}): true {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ errors: [{ code, message: `this registry says ${code}`, detail: null }] }));
  return true;
}

export const answer =
  (status: number, code: string, headers: object = {}): Misbehaviour =>
  (_request, response) =>
    refuse(response, status, code, headers);

/** Cuts the connection when this part of what is left to send has gone out. With `resume`, ranges are answered. */
export const cut =
  (part: number, resume = true): Misbehaviour =>
  (request, response, content = Buffer.alloc(0)) => {
    const from = resume ? Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0) : 0;
    const left = content.subarray(from);
    const range = from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {};
    response.writeHead(from > 0 ? 206 : 200, { "content-length": left.length, ...range });
    response.write(left.subarray(0, Math.floor(left.length * part)), () => request.socket.destroy());
    return true;
  };

/** Sends these bytes as if they were the right ones, and says that they are so long. */
export const send =
  (bytes: Buffer): Misbehaviour =>
  (_request, response) => {
    response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    return true;
  };
