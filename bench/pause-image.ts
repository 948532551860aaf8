// containerd's CRI wants an image for its pause container, and there is no registry to take the usual one from: the base
// image with another command.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SLEEP } from "./pod.ts";
import { run } from "./processes.ts";

interface Descriptor {
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

/** Unpacks an OCI archive, changes its command and name, and answers the new archive's path. */
export async function writePauseImage(archive: string, folder: string, reference: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  await run("tar", ["-xf", archive, "-C", folder]);
  const blobOf = ({ digest }: Descriptor): string => join(folder, "blobs", ...digest.split(":"));
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  const write = (descriptor: Descriptor, content: unknown): void => {
    const bytes = Buffer.from(JSON.stringify(content));
    descriptor.digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    descriptor.size = bytes.length;
    writeFileSync(blobOf(descriptor), bytes);
  };
  const index = read(join(folder, "index.json")) as { manifests: [Descriptor] };
  const [descriptor] = index.manifests;
  const manifest = read(blobOf(descriptor)) as { config: Descriptor };
  const config = read(blobOf(manifest.config)) as { config: Record<string, unknown> };
  config.config = { ...config.config, Entrypoint: SLEEP, Cmd: null };
  write(manifest.config, config);
  write(descriptor, manifest);
  descriptor.annotations = { "org.opencontainers.image.ref.name": reference, "io.containerd.image.name": reference };
  writeFileSync(join(folder, "index.json"), JSON.stringify(index));
  await run("tar", ["-cf", `${folder}.tar`, "-C", folder, "oci-layout", "index.json", "blobs"]);
  return `${folder}.tar`;
}
