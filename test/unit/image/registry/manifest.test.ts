import t from "tap";
import {
  clientOf,
  deadHost,
  digestOf,
  errorsOf,
  MANIFEST,
  MANIFEST_TYPE,
  refuse,
  sendManifest,
  startFake,
} from "./fake-registry.ts";

const image = /image "shop\.example\/team\/app:1"/;

t.test("a manifest comes by tag, with the digest of its bytes and its type", async (t) => {
  const fake = await startFake(t, (_, response) => sendManifest(response));
  const { client } = clientOf(fake.host);
  const got = await client.manifest("1");
  t.same(got, { mediaType: MANIFEST_TYPE, digest: digestOf(MANIFEST), bytes: MANIFEST });
  const [request] = fake.requests;
  t.equal(request?.path, "/v2/team/app/manifests/1");
  t.match(request?.headers.accept, /oci\.image\.index.*oci\.image\.manifest.*manifest\.list\.v2.*manifest\.v2/);
  t.match(request?.headers["user-agent"], /^podrun\/\d/);
  t.equal(request?.headers["accept-encoding"], "identity");
  t.equal(client.name, `${fake.host}/team/app`);
});

t.test("a manifest asked for by sha256 or sha512 is checked, and one with another digest is refused", async (t) => {
  const fake = await startFake(t, (_, response) => sendManifest(response));
  const { client } = clientOf(fake.host);
  t.equal((await client.manifest(digestOf(MANIFEST))).digest, digestOf(MANIFEST));
  t.equal((await client.manifest(digestOf(MANIFEST, "sha512"))).digest, digestOf(MANIFEST));
  for (const algorithm of ["sha256", "sha512"]) {
    const wrong = digestOf(Buffer.from("other"), algorithm);
    await t.rejects(client.manifest(wrong), { code: "InvalidImage", details: { expected: wrong } });
  }
  await t.rejects(client.manifest("md5:d41d8cd98f00b204e9800998ecf8427e"), { code: "InvalidImage", message: image });
});

t.test("a manifest by tag that is not what Docker-Content-Digest says is refused", async (t) => {
  const headers = { "docker-content-digest": digestOf(Buffer.from("other")) };
  const fake = await startFake(t, (_, response) => sendManifest(response, MANIFEST, headers));
  await t.rejects(clientOf(fake.host).client.manifest("1"), { code: "InvalidImage", message: image });
});

const json = (value: object) => Buffer.from(JSON.stringify(value));
const bad: [string, Buffer, string, RegExp][] = [
  ["no JSON", Buffer.from("<html>"), MANIFEST_TYPE, /no JSON object/],
  [
    "schema 1 by its type",
    MANIFEST,
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
    /schema 1.*push the image again/,
  ],
  ["schema 1 by its content", json({ schemaVersion: 1 }), "application/json", /schema 1/],
  ["an index and an image at once", json({ manifests: [], layers: [] }), MANIFEST_TYPE, /at once/],
  [
    "another type inside than outside",
    json({ mediaType: "application/vnd.oci.image.index.v1+json", manifests: [] }),
    MANIFEST_TYPE,
    /its mediaType is/,
  ],
  [
    "something that is no image",
    json({ schemaVersion: 2 }),
    "application/vnd.example",
    /"application\/vnd\.example", which is no image/,
  ],
];
for (const [name, bytes, type, message] of bad) {
  t.test(`a manifest that is ${name} is refused`, async (t) => {
    const fake = await startFake(t, (_, response) => sendManifest(response, bytes, { "content-type": type }));
    await t.rejects(clientOf(fake.host).client.manifest("1"), { code: "InvalidImage", message });
    t.equal(fake.requests.length, 1);
  });
}

t.test("a manifest without a type of its own is known by its content", async (t) => {
  const index = json({ schemaVersion: 2, manifests: [] });
  const fake = await startFake(t, (_, response) => sendManifest(response, index, { "content-type": "text/plain" }));
  t.equal((await clientOf(fake.host).client.manifest("1")).mediaType, "application/vnd.oci.image.index.v1+json");
});

t.test("a manifest over 4 MiB is refused, announced or not, and not read to its end", async (t) => {
  for (const announced of [true, false]) {
    let sent = 0;
    const fake = await startFake(t, (_, response) => {
      response.writeHead(200, { "content-type": MANIFEST_TYPE, ...(announced && { "content-length": 1 << 30 }) });
      const more = () => {
        while (!response.destroyed && sent < 1 << 30) {
          sent += 1 << 16;
          if (!response.write(Buffer.alloc(1 << 16))) return void response.once("drain", more);
        }
      };
      more();
    });
    await t.rejects(clientOf(fake.host).client.manifest("1"), {
      code: "InvalidImage",
      message: /more than 4194304 bytes/,
    });
    t.ok(sent < 1 << 28);
  }
});

t.test("a tag that is not there is ImageNotFound, naming registry, tag and repository", async (t) => {
  const fake = await startFake(t, (request, response) => {
    const unknown = request.url?.endsWith("/2") ? "NAME_UNKNOWN" : "MANIFEST_UNKNOWN";
    refuse(response, 404, {}, errorsOf(unknown, "no\u001b[31m such\nthing"));
  });
  const { client } = clientOf(fake.host);
  const tag = {
    code: "ImageNotFound",
    message: `image "shop.example/team/app:1": the registry ${fake.host} has no tag "1" of team/app (HTTP 404 Not Found: MANIFEST_UNKNOWN: no [31m such thing)`,
  };
  await t.rejects(client.manifest("1"), tag);
  await t.rejects(client.resolveDigest("1"), tag);
  await t.rejects(client.manifest("2"), { code: "ImageNotFound", message: /has no repository team\/app/ });
});

t.test("a digest is resolved by HEAD; by GET where HEAD is refused or says nothing", async (t) => {
  const fake = await startFake(t, (request, response) => {
    if (request.method === "GET") return sendManifest(response);
    if (request.url?.endsWith("/405")) return refuse(response, 405);
    if (request.url?.endsWith("/silent")) return refuse(response, 200);
    refuse(response, 200, { "docker-content-digest": digestOf(MANIFEST), "content-length": "999999" });
  });
  const { client } = clientOf(fake.host);
  for (const tag of ["1", "405", "silent"]) t.equal(await client.resolveDigest(tag), digestOf(MANIFEST));
  t.same(
    fake.requests.map(({ method }) => method),
    ["HEAD", "HEAD", "GET", "HEAD", "GET"],
  );
});

t.test("a content-encoding that nobody asked for is refused", async (t) => {
  const fake = await startFake(t, (_, response) => sendManifest(response, MANIFEST, { "content-encoding": "gzip" }));
  await t.rejects(clientOf(fake.host).client.manifest("1"), {
    code: "InvalidImage",
    message: /content-encoding "gzip"/,
  });
});

for (const status of [408, 500, 502, 503, 504]) {
  t.test(`after HTTP ${status} it is tried again, five times in all, with longer and longer waits`, async (t) => {
    let failures = 4;
    const fake = await startFake(t, (_, response) => {
      if (failures-- > 0) refuse(response, status, {}, errorsOf("UNAVAILABLE", "soon"));
      else sendManifest(response);
    });
    const first = clientOf(fake.host);
    t.equal((await first.client.manifest("1")).digest, digestOf(MANIFEST));
    t.same(first.waits, [200, 400, 800, 1600]);
    failures = 100;
    const message = new RegExp(
      `the registry ${fake.host} cannot be asked: HTTP ${status} .*UNAVAILABLE: soon, tried 5 times`,
    );
    const details = { host: fake.host, status, attempts: 5 };
    await t.rejects(clientOf(fake.host).client.manifest("1"), { code: "RegistryUnreachable", message, details });
  });
}

t.test("other statuses are not tried again", async (t) => {
  const fake = await startFake(t, (_, response) => refuse(response, 418, {}, "I am a teapot"));
  await t.rejects(clientOf(fake.host).client.manifest("1"), { code: "RegistryUnreachable", message: /HTTP 418/ });
  t.equal(fake.requests.length, 1);
});

t.test("429 is waited for as long as the registry says, in seconds or until a date", async (t) => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const answers = ["7", new Date(now + 9000).toUTCString()];
  const fake = await startFake(t, (_, response, number) => {
    const after = answers[number];
    if (after === undefined) sendManifest(response);
    else refuse(response, 429, { "retry-after": after });
  });
  const { client, waits } = clientOf(fake.host, { settings: { now: () => now } });
  await client.manifest("1");
  t.same(waits, [7000, 9000]);
});

t.test("429 with a longer wait than a minute altogether fails at once, with that time", async (t) => {
  const fake = await startFake(t, (_, response, number) => {
    refuse(response, 429, { "retry-after": number === 0 ? "40" : "21" }, errorsOf("TOOMANYREQUESTS", "limit"));
  });
  const { client, waits } = clientOf(fake.host);
  await t.rejects(client.manifest("1"), {
    code: "RegistryThrottled",
    message: /TOOMANYREQUESTS: limit.*try again in 21 s/,
    details: { retryAfterSeconds: 21 },
  });
  t.same(waits, [40_000]);
});

t.test("429 that does not say how long ends after five attempts", async (t) => {
  const fake = await startFake(t, (_, response) => refuse(response, 429));
  const { client, waits } = clientOf(fake.host);
  await t.rejects(client.manifest("1"), { code: "RegistryThrottled", details: { retryAfterSeconds: undefined } });
  t.same(waits, [1000, 2000, 4000, 5000]);
});

t.test("where nothing listens, five attempts, one for a mirror", async (t) => {
  const host = await deadHost();
  const plain = clientOf(host, { insecure: false });
  const message = `image "shop.example/team/app:1": the registry ${host} cannot be asked: nothing listens there (ECONNREFUSED), tried 5 times`;
  await t.rejects(plain.client.manifest("1"), { code: "RegistryUnreachable", message });
  t.equal(plain.waits.length, 4);
  const mirror = clientOf(host, { mirror: true });
  await t.rejects(mirror.client.manifest("1"), { code: "RegistryUnreachable" });
  t.equal(mirror.waits.length, 0);
});

t.test("a name that does not exist is tried twice", async (t) => {
  const { client, waits } = clientOf("registry.invalid", { insecure: false });
  await t.rejects(client.manifest("1"), {
    code: "RegistryUnreachable",
    message: /the name registry\.invalid cannot be resolved/,
  });
  t.equal(waits.length, 1);
});

t.test("a registry that accepts and never answers is given up after five idle times", async (t) => {
  const fake = await startFake(t, () => undefined);
  const { client } = clientOf(fake.host, { settings: { idleTimeout: 30 } });
  const message = /no byte came within 0\.03 s, tried 5 times/;
  await t.rejects(client.manifest("1"), { code: "RegistryUnreachable", message });
  t.ok(fake.requests.length >= 5);
});

t.test("a manifest that stops in the middle is asked for again", async (t) => {
  const fake = await startFake(t, (_, response, number) => {
    if (number > 1) return sendManifest(response);
    response.writeHead(200, { "content-type": MANIFEST_TYPE, "content-length": MANIFEST.length });
    response.write(MANIFEST.subarray(0, 5), () => number === 0 && response.destroy());
  });
  const { client, waits } = clientOf(fake.host, { settings: { idleTimeout: 50 } });
  t.equal((await client.manifest("1")).digest, digestOf(MANIFEST));
  t.equal(waits.length, 2);
});

t.test("an abort ends the question at once and frees its connection", async (t) => {
  const abort = new AbortController();
  let closed: Promise<unknown> | undefined;
  const fake = await startFake(t, (request) => {
    closed = new Promise((resolve) => request.socket.once("close", resolve));
    abort.abort();
  });
  const { client } = clientOf(fake.host);
  await t.rejects(client.manifest("1", abort.signal), { code: "Cancelled", message: image });
  await closed;
  await t.rejects(client.manifest("1", abort.signal), { code: "Cancelled" });
  t.equal(fake.requests.length, 1);
});

t.test("an abort ends a wait for the next attempt", async (t) => {
  const abort = new AbortController();
  const fake = await startFake(t, (_, response) => refuse(response, 503));
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
      abort.abort();
    });
  const { client } = clientOf(fake.host, { settings: { sleep } });
  await t.rejects(client.manifest("1", abort.signal), { code: "Cancelled" });
});
