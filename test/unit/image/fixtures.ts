import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Header, pack } from "tar-stream";
import { machineArchitecture } from "../../../src/image/config.ts";
import type { RegistryAccess } from "../../../src/image/context.ts";

interface Cleanup {
  teardown(clean: () => void): void;
}

/**
 * A folder that goes when the test ends. On tmpfs where there is one: an import waits until its file system's dirty data is
 * on the disk, and that may be gigabytes of somebody else's.
 */
export function scratch(t: Cleanup): string {
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "podrun-image-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export type Entry = Partial<Header> & { readonly name: string; readonly content?: string | Buffer };

/** A tar archive of these entries. */
export async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) archive.entry({ mtime: new Date(0), ...header });
    else archive.entry({ mtime: new Date(0), mode: 0o644, ...header }, content);
  }
  archive.finalize();
  return await buffer(archive as unknown as AsyncIterable<Buffer>);
}

export const digest = (bytes: Uint8Array | string): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const PACK = {
  tar: (bytes: Buffer) => bytes,
  "tar+gzip": (bytes: Buffer) => gzipSync(bytes),
  "tar+zstd": (bytes: Buffer) => zstdCompressSync(bytes),
};

export interface LayoutOptions {
  /** Each layer's entries, lowest first. */
  readonly layers?: readonly (readonly Entry[])[];
  readonly format?: keyof typeof PACK;
  readonly name?: string | undefined;
  readonly config?: object;
  readonly architecture?: string;
  readonly annotations?: object;
}

/** The files of an OCI layout: path → content. */
export async function layout(options: LayoutOptions = {}): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const format = options.format ?? "tar+gzip";
  const blob = (type: string, content: Buffer) => {
    files.set(`blobs/sha256/${digest(content).slice(7)}`, content);
    return { mediaType: `application/vnd.oci.image.${type}`, digest: digest(content), size: content.length };
  };
  const json = (value: object) => Buffer.from(JSON.stringify(value));
  const plain = await Promise.all((options.layers ?? [[{ name: "file", content: "text" }]]).map(tar));
  const layers = plain.map((bytes) => blob(`layer.v1.${format}`, PACK[format](bytes)));
  const config = blob(
    "config.v1+json",
    json({
      architecture: options.architecture ?? machineArchitecture(),
      os: "linux",
      config: options.config ?? {},
      rootfs: { type: "layers", diff_ids: plain.map(digest) },
    }),
  );
  const manifest = blob("manifest.v1+json", json({ schemaVersion: 2, config, layers }));
  const name = "name" in options ? options.name : "test.local/app:1";
  const annotations = { ...(name && { "org.opencontainers.image.ref.name": name }), ...options.annotations };
  files.set("index.json", json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  files.set("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  return files;
}

export function writeFolder(folder: string, files: ReadonlyMap<string, Buffer>): string {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  for (const [path, content] of files) writeFileSync(join(folder, path), content);
  return folder;
}

export async function writeArchive(file: string, files: ReadonlyMap<string, Buffer>): Promise<string> {
  writeFileSync(file, await tar([...files].map(([name, content]) => ({ name, content }))));
  return file;
}

/** For tests that ask no registry. */
export const noRegistry: RegistryAccess = {
  files: {
    registries: () => Promise.reject(new Error("no registry is to be asked")),
    policy: () => Promise.reject(new Error("no registry is to be asked")),
    signatureStores: () => Promise.reject(new Error("no registry is to be asked")),
    credentials: () => ({ find: async () => [] }),
    tls: async () => ({}),
  },
  open: () => {
    throw new Error("no registry is to be asked");
  },
  checkSignature: () => Promise.reject(new Error("no registry is to be asked")),
};
