import { PassThrough, type Readable } from "node:stream";
import { PodrunError } from "../../../src/base/errors.ts";
import type { RegistryAccess } from "../../../src/image/context.ts";
import type { BlobRequest, Endpoint, RepositoryOptions } from "../../../src/image/registry/types.ts";
import { digest, type LayoutOptions, layout } from "./fixtures.ts";

type Json = Record<string, unknown> & { readonly manifests: readonly Record<string, unknown>[] };

/** What one host has, and what it was asked for. */
export class FakeHost {
  readonly tags = new Map<string, string>();
  readonly blobs = new Map<string, { readonly mediaType: string; readonly bytes: Buffer }>();
  readonly asked: string[] = [];
  /** Fails every question. */
  down: PodrunError | undefined;
  /** In the place of a blob's bytes. */
  readonly answers = new Map<string, (request: BlobRequest) => Readable>();

  /** An image of a layout, tagged. */
  async push(
    tag: string,
    options: LayoutOptions,
  ): Promise<{ readonly digest: string; readonly layers: readonly string[]; readonly id: string }> {
    const files = await layout(options);
    for (const [path, bytes] of files) if (path.startsWith("blobs/")) this.put("application/octet-stream", bytes);
    const [top] = (JSON.parse(String(files.get("index.json"))) as Json).manifests;
    const bytes = files.get(`blobs/sha256/${String(top?.["digest"]).slice(7)}`) as Buffer;
    const manifest = JSON.parse(String(bytes));
    this.putManifest(tag, String(top?.["mediaType"]), bytes);
    return {
      digest: digest(bytes),
      layers: manifest.layers.map((one: { digest: string }) => one.digest),
      id: manifest.config.digest,
    };
  }

  put(mediaType: string, bytes: Buffer): string {
    this.blobs.set(digest(bytes), { mediaType, bytes });
    return digest(bytes);
  }

  putManifest(tag: string, mediaType: string, content: object | Buffer): string {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const found = this.put(mediaType, bytes);
    this.tags.set(tag, found);
    return found;
  }

  blobsAsked(): readonly string[] {
    return this.asked.filter((one) => one.startsWith("blob ")).map((one) => one.slice("blob ".length));
  }
}

export interface FakeRegistryOptions {
  readonly hosts: Readonly<Record<string, FakeHost>>;
  /** Of every registry, before itself. */
  readonly mirrors?: readonly string[];
}

export function fakeRegistry({
  hosts,
  mirrors = [],
}: FakeRegistryOptions): RegistryAccess & { readonly opened: RepositoryOptions[] } {
  const opened: RepositoryOptions[] = [];
  const endpoint = (host: string, repository: string, mirror: boolean): Endpoint => ({
    host,
    repository,
    insecure: false,
    mirror,
  });
  return {
    opened,
    files: {
      registries: async () => ({
        endpoints: ({ domain, path }) => [
          ...mirrors.map((host) => endpoint(host, path, true)),
          endpoint(domain, path, false),
        ],
      }),
      policy: async () => ({
        judge: ({ domain }) => {
          if (domain === "rejected.test") throw new PodrunError("ImageRejected", "the policy rejects it");
          return { kind: "accept" };
        },
      }),
      signatureStores: async () => ({ hasAttachments: () => true }),
      credentials: () => ({ find: async (host) => [{ username: "file", password: host }] }),
      tls: async () => ({}),
    },
    open: (options) => {
      opened.push(options);
      return openFake(hosts[options.endpoint.host], options);
    },
    checkSignature: () => Promise.reject(new Error("nothing is signed here")),
  };
}

function openFake(host: FakeHost | undefined, { endpoint, image }: RepositoryOptions) {
  const ask = (question: string): FakeHost => {
    if (host === undefined) throw new PodrunError("RegistryUnreachable", `${endpoint.host} is not there`);
    host.asked.push(question);
    if (host.down) throw host.down;
    return host;
  };
  const missing = (what: string) =>
    new PodrunError("ImageNotFound", `image "${image}": ${endpoint.host} has no ${what}`);
  return {
    name: `${endpoint.host}/${endpoint.repository}`,
    resolveDigest: async (tag: string) => {
      const found = ask(`head ${tag}`);
      const known = tag.startsWith("sha256:") ? tag : found.tags.get(tag);
      if (known === undefined) throw missing(`tag ${tag}`);
      return known;
    },
    manifest: async (tag: string) => {
      const found = ask(`manifest ${tag}`);
      const known = tag.startsWith("sha256:") ? tag : (found.tags.get(tag) ?? "");
      const blob = found.blobs.get(known);
      if (blob === undefined) throw missing(`manifest ${tag}`);
      return { ...blob, digest: known };
    },
    blob: (request: BlobRequest): Readable => {
      const found = ask(`blob ${request.digest}`);
      const answer = found.answers.get(request.digest);
      if (answer) return answer(request);
      const blob = found.blobs.get(request.digest);
      const stream = new PassThrough();
      if (blob === undefined) stream.destroy(missing(`blob ${request.digest}`));
      else stream.end(blob.bytes);
      return stream;
    },
  };
}

/** A blob that comes when it is let go, and ends with its request's signal. */
export function heldBlob(bytes: Buffer): {
  readonly open: (request: BlobRequest) => Readable;
  readonly asked: Promise<void>;
  release(error?: Error): void;
  readonly ended: Promise<void>;
} {
  const asked = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const stream = new PassThrough();
  stream.on("error", () => undefined);
  stream.once("close", ended.resolve);
  return {
    asked: asked.promise,
    ended: ended.promise,
    open: ({ signal }) => {
      asked.resolve();
      signal?.addEventListener("abort", () =>
        stream.destroy(new PodrunError("Cancelled", "the request was cancelled")),
      );
      return stream;
    },
    release: (error) => void (error ? stream.destroy(error) : stream.end(bytes)),
  };
}
