// The embedded image `podrun.local/base:latest`, as an OCI image layout in a tar archive (OCI image-spec, image-layout.md):
// Debian's static busybox with all its applets, and the few files that programs look for. Nothing of it depends on the
// time or the place of the build, so that one busybox always gives one digest.
import { createHash } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { buffer } from "node:stream/consumers";
import { execa } from "execa";
import { type Header, type Pack, pack } from "tar-stream";
import { staticBusybox } from "./busybox.ts";

const REFERENCE = "podrun.local/base:latest";

/** The image-spec's names, which are Go's. */
const ARCHITECTURE = arch() === "x64" ? "amd64" : arch();

const DIRECTORIES: Readonly<Record<string, number>> = {
  bin: 0o755,
  dev: 0o755,
  etc: 0o755,
  home: 0o755,
  proc: 0o555,
  root: 0o700,
  run: 0o755,
  sbin: 0o755,
  sys: 0o555,
  tmp: 0o1777,
  usr: 0o755,
  "usr/bin": 0o755,
  "usr/sbin": 0o755,
  var: 0o755,
  "var/tmp": 0o1777,
};

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd": [
    "root:x:0:0:root:/root:/bin/sh",
    "www-data:x:33:33:www-data:/var/www:/bin/false",
    "app:x:1000:1000:app:/home/app:/bin/sh",
    "nobody:x:65534:65534:nobody:/nonexistent:/bin/false",
    "",
  ].join("\n"),
  "etc/group": ["root:x:0:", "tty:x:5:", "www-data:x:33:", "app:x:1000:", "nogroup:x:65534:", ""].join("\n"),
  "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
  "etc/os-release": 'ID=podrun-base\nNAME="podrun base image"\nPRETTY_NAME="podrun base image (Debian busybox)"\n',
};

const entry = (
  archive: Pack,
  header: Partial<Header> & { readonly name: string },
  content: string | Buffer = "",
): void => {
  archive.entry({ uid: 0, gid: 0, mtime: new Date(0), ...header }, content);
};

const digest = (content: Buffer): string => createHash("sha256").update(content).digest("hex");
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** The one layer: busybox as /bin/busybox, a symbolic link an applet, users, and an empty home for `app`. */
async function makeLayer(busybox: string): Promise<Buffer> {
  const { stdout } = await execa(busybox, ["--list-full"]);
  const applets = stdout.split("\n").filter((path) => path.includes("/"));
  const archive = pack();
  for (const [name, mode] of Object.entries(DIRECTORIES)) entry(archive, { name, mode, type: "directory" });
  entry(archive, { name: "home/app", mode: 0o755, type: "directory", uid: 1000, gid: 1000 });
  entry(archive, { name: "bin/busybox", mode: 0o755 }, readFileSync(busybox));
  for (const name of applets.sort()) {
    if (name !== "bin/busybox") entry(archive, { name, mode: 0o777, type: "symlink", linkname: "/bin/busybox" });
  }
  for (const [name, text] of Object.entries(FILES)) entry(archive, { name, mode: 0o644 }, text);
  archive.finalize();
  return await buffer(archive);
}

const descriptor = (type: string, content: Buffer, more: object = {}): object => ({
  mediaType: `application/vnd.oci.image.${type}`,
  digest: `sha256:${digest(content)}`,
  size: content.length,
  ...more,
});

/** Writes the image's archive to `path`, whole or not at all. */
export async function writeBaseImage(path: string): Promise<void> {
  const layer = await staticBusybox(makeLayer);
  const config = json({
    architecture: ARCHITECTURE,
    os: "linux",
    config: {
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      Cmd: ["sh"],
      WorkingDir: "/",
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest(layer)}`] },
    history: [{ created_by: "podrun: Debian's busybox-static" }],
  });
  const manifest = json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: descriptor("config.v1+json", config),
    layers: [descriptor("layer.v1.tar", layer)],
  });
  const index = json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [
      descriptor("manifest.v1+json", manifest, {
        platform: { architecture: ARCHITECTURE, os: "linux" },
        annotations: { "org.opencontainers.image.ref.name": REFERENCE },
      }),
    ],
  });
  const archive = pack();
  entry(archive, { name: "oci-layout", mode: 0o644 }, json({ imageLayoutVersion: "1.0.0" }));
  entry(archive, { name: "index.json", mode: 0o644 }, index);
  for (const blob of [manifest, config, layer]) {
    entry(archive, { name: `blobs/sha256/${digest(blob)}`, mode: 0o644 }, blob);
  }
  archive.finalize();
  writeFileSync(`${path}.new`, await buffer(archive));
  renameSync(`${path}.new`, path);
}
