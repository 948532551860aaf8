// The registry client against Debian's docker-registry: plain, with TLS, with a password; and one that is restarted in the middle of a blob.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Readable } from "node:stream";
import t from "tap";
import { checkAccount, openRepository } from "../../src/image/registry/index.ts";
import type { TlsFiles } from "../../src/image/registry/types.ts";
import type { Credentials } from "../../src/image/types.ts";
import { blobOf, pushImage, putBlob } from "./support/push.ts";
import { type Registry, startRegistry } from "./support/registry.ts";

const password = { user: "alice", password: "right" };
const alice: Credentials = { username: "alice", password: "right" };
const mallory: Credentials = { username: "alice", password: "wrong" };

const tlsOf = ({ ca }: Registry): TlsFiles => (ca === undefined ? {} : { ca: [readFileSync(ca, "utf8")] });

function clientOf(registry: Registry, credentials: readonly Credentials[] = [], host = registry.host) {
  const endpoint = { host, repository: "team/app", insecure: registry.ca === undefined, mirror: false };
  return openRepository({ endpoint, image: "team/app:1", credentials, tls: tlsOf(registry) });
}

async function digestOf(stream: Readable): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of stream) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

for (const tls of [false, true]) {
  for (const format of ["oci", "docker"] as const) {
    t.test(
      `an image in ${format} format comes whole from a registry ${tls ? "with TLS and a password" : "without both"}`,
      async (t) => {
        const registry = await startRegistry(t, tls ? { tls, password } : {});
        const image = await pushImage(registry, {
          name: "team/app:1",
          layers: [[{ name: "a", content: "a" }]],
          format,
        });
        const { digest } = image.manifest;
        const client = clientOf(registry, tls ? [mallory, alice] : []);
        t.equal(await client.resolveDigest("1"), digest);
        for (const name of ["1", digest]) {
          const got = await client.manifest(name);
          t.equal(got.digest, digest);
          t.equal(got.mediaType, image.mediaType);
        }
        const { layers } = JSON.parse((await client.manifest("1")).bytes.toString());
        for (const layer of layers) t.equal(await digestOf(client.blob(layer)), layer.digest);
        await t.rejects(client.manifest("2"), { code: "ImageNotFound", message: /has no tag "2" of team\/app/ });
        await t.rejects(client.resolveDigest("2"), { code: "ImageNotFound" });
        await t.rejects(client.manifest(`sha256:${"0".repeat(64)}`), { code: "ImageNotFound" });
        if (!tls) return;
        await t.rejects(clientOf(registry, [mallory]).manifest("1"), {
          code: "RegistryUnauthorized",
          details: { users: ["alice"] },
        });
        await t.rejects(clientOf(registry).manifest("1"), { code: "RegistryUnauthorized" });
        const endpoint = { host: registry.host, insecure: false };
        await checkAccount({ endpoint, credentials: alice, tls: tlsOf(registry) });
        const wrong = checkAccount({ endpoint, credentials: mallory, tls: tlsOf(registry) });
        await t.rejects(wrong, { code: "RegistryUnauthorized", message: /user "alice": HTTP 401/ });
        const untrusting = checkAccount({ endpoint, credentials: alice, tls: {} });
        await t.rejects(untrusting, { code: "RegistryUnreachable", message: /certs\.d/ });
      },
    );
  }
}

t.test("a blob whose connection is cut again and again comes whole, each byte sent about once", async (t) => {
  const registry = await startRegistry(t);
  const { bytes, digest } = blobOf(randomBytes(24 << 20));
  await putBlob(registry, "team/app", digest, bytes);
  let cuts = 0;
  let carried = 0;
  // A network that breaks every 5 MiB.
  const breaking = createServer((socket: Socket) => {
    const upstream = connect(Number(registry.host.split(":")[1]), "127.0.0.1");
    let sent = 0;
    upstream.on("data", (chunk) => {
      sent += chunk.length;
      carried += chunk.length;
      socket.write(chunk);
      if (sent < 5 << 20) return;
      cuts++;
      upstream.destroy();
    });
    socket.pipe(upstream);
    for (const end of [socket, upstream]) {
      end.on("error", () => undefined);
      // What has been carried still arrives.
      end.on("close", () => {
        socket.destroySoon();
        upstream.destroy();
      });
    }
  });
  breaking.listen(0, "127.0.0.1");
  await once(breaking, "listening");
  t.teardown(() => breaking.close());
  const told: string[] = [];
  const client = clientOf(registry, [], `127.0.0.1:${(breaking.address() as AddressInfo).port}`);
  const blob = client.blob({ digest, size: bytes.length, onRetry: (message) => told.push(message) });
  t.equal(await digestOf(blob), digest);
  t.ok(cuts >= 4);
  t.equal(told.length, cuts);
  t.ok(carried < bytes.length * 1.5);
  t.equal(registry.requests().filter(({ status, path }) => status === 206 && path.includes(digest)).length, cuts);
});
