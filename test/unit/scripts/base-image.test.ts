import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import t from "tap";
import { extract } from "tar-stream";
import { writeBaseImage } from "../../../scripts/build/base-image.ts";

interface Member {
  readonly type: string | null | undefined;
  readonly mode: number;
  readonly owner: number;
  readonly target: string | null | undefined;
  readonly content: Buffer;
}

async function readTar(archive: Buffer): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  const unpacked = extract();
  unpacked.end(archive);
  for await (const entry of unpacked) {
    const { name, type, mode, uid, linkname } = entry.header;
    const content = await buffer(entry);
    members.set(name.replace(/\/$/, ""), { type, mode: mode ?? 0, owner: uid ?? 0, target: linkname, content });
  }
  return members;
}

t.test("the base image is the same, byte for byte, however often it is made", async (t) => {
  const folder = t.testdir();
  await writeBaseImage(join(folder, "a.tar"));
  await writeBaseImage(join(folder, "b.tar"));
  t.ok(readFileSync(join(folder, "a.tar")).equals(readFileSync(join(folder, "b.tar"))));
});

t.test("every blob of the base image has the digest and the size by which it is called", async (t) => {
  const path = join(t.testdir(), "image.tar");
  await writeBaseImage(path);
  const image = await readTar(readFileSync(path));
  const blob = ({ digest, size }: { digest: string; size: number }): Buffer => {
    const content = image.get(`blobs/${digest.replace(":", "/")}`)?.content ?? Buffer.alloc(0);
    t.equal(`sha256:${createHash("sha256").update(content).digest("hex")}`, digest);
    t.equal(content.length, size);
    return content;
  };
  const index = JSON.parse(String(image.get("index.json")?.content));
  t.equal(index.manifests[0].annotations["org.opencontainers.image.ref.name"], "podrun.local/base:latest");
  const manifest = JSON.parse(String(blob(index.manifests[0])));
  const config = JSON.parse(String(blob(manifest.config)));
  t.same(config.rootfs.diff_ids, [manifest.layers[0].digest]);
  const layer = await readTar(blob(manifest.layers[0]));

  for (const applet of ["bin/sh", "bin/ps", "usr/bin/wget", "usr/bin/nc", "usr/sbin/httpd", "bin/vi", "usr/bin/top"])
    t.match(layer.get(applet), { type: "symlink", target: "/bin/busybox" }, applet);
  t.match(layer.get("bin/busybox"), { type: "file", mode: 0o755 });
  t.match(layer.get("tmp"), { type: "directory", mode: 0o1777 });
  t.match(layer.get("home/app"), { type: "directory", owner: 1000 });
  t.match(String(layer.get("etc/passwd")?.content), /^app:x:1000:1000:/m);
});
