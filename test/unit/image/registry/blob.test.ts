import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import t from "tap";
import { clientOf, digestOf, readAll, refuse, startFake } from "./fake-registry.ts";

const BLOB = randomBytes(600_000);
const digest = digestOf(BLOB);
const size = BLOB.length;

/** Where a request wants to begin. */
const startOf = (request: IncomingMessage) => Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);

function sendRange(request: IncomingMessage, response: ServerResponse, end = size): void {
  const start = startOf(request);
  const range = { "content-range": `bytes ${start}-${size - 1}/${size}` };
  response.writeHead(request.headers.range ? 206 : 200, {
    "content-length": size - start,
    ...(request.headers.range && range),
  });
  if (end === size) response.end(BLOB.subarray(start));
  else response.write(BLOB.subarray(start, end), () => response.destroy());
}

t.test("a blob comes whole, in one request", async (t) => {
  const fake = await startFake(t, (request, response) => sendRange(request, response));
  t.ok((await readAll(clientOf(fake.host).client.blob({ digest, size }))).equals(BLOB));
  t.equal(fake.requests[0]?.path, `/v2/team/app/blobs/${digest}`);
  t.equal(fake.requests.length, 1);
});

t.test("a blob that is cut goes on with Range where it stopped, and onRetry is told", async (t) => {
  const fake = await startFake(t, (request, response, number) =>
    sendRange(request, response, number < 7 ? (number + 1) * 70_000 : size),
  );
  const told: string[] = [];
  const { client, waits } = clientOf(fake.host);
  const got = await readAll(client.blob({ digest, size, onRetry: (message) => told.push(message) }));
  t.ok(got.equals(BLOB));
  t.equal(told.length, 7, "more often than attempts, for each brought something");
  t.match(told[0], /the connection was cut .*trying again in 0\.2 s/);
  t.same(waits, [200, 200, 200, 200, 200, 200, 200]);
  t.same(
    fake.requests.map(({ headers }) => headers.range),
    [undefined, 70_000, 140_000, 210_000, 280_000, 350_000, 420_000, 490_000].map((at) => at && `bytes=${at}-`),
  );
});

t.test("a registry without ranges sends a cut blob anew, and what has come is skipped", async (t) => {
  const fake = await startFake(t, (_, response, number) => {
    response.writeHead(200, { "content-length": size });
    if (number === 0) response.write(BLOB.subarray(0, 100_001), () => response.destroy());
    else response.end(BLOB);
  });
  t.ok((await readAll(clientOf(fake.host).client.blob({ digest, size }))).equals(BLOB));
});

t.test("a wrong Content-Range is not believed: the blob is asked for anew without a range", async (t) => {
  for (const range of [`bytes 0-${size - 1}/${size}`, `bytes 300000-${size}/*`, "nonsense", undefined]) {
    const fake = await startFake(t, (request, response, number) => {
      if (number === 0) return sendRange(request, response, 300_000);
      if (!request.headers.range) return sendRange(request, response);
      response.writeHead(206, { ...(range && { "content-range": range }) });
      response.end(BLOB.subarray(0, 100));
    });
    t.ok((await readAll(clientOf(fake.host).client.blob({ digest, size }))).equals(BLOB), String(range));
    t.equal(fake.requests.at(-1)?.headers.range, undefined);
  }
});

t.test("a 206 of a blob of another size, and 416, are InvalidImage", async (t) => {
  for (const status of [206, 416]) {
    const fake = await startFake(t, (request, response, number) => {
      if (number === 0) return sendRange(request, response, 300_000);
      refuse(response, status, { "content-range": `bytes ${status === 206 ? `300000-${size}` : "*"}/${size + 1}` });
    });
    const error = {
      code: "InvalidImage",
      message: new RegExp(digest),
      details: { digest, image: "shop.example/team/app:1" },
    };
    await t.rejects(readAll(clientOf(fake.host).client.blob({ digest, size })), error);
    t.equal(fake.requests.length, 2);
  }
});

t.test(
  "a blob larger than its manifest says is refused, at once where it is announced, else with the first byte too many",
  async (t) => {
    for (const announced of [true, false]) {
      const fake = await startFake(t, (_, response) => {
        response.writeHead(200, announced ? { "content-length": size + 1 } : {});
        response.write(BLOB);
        response.end("x");
      });
      let got = 0;
      const blob = clientOf(fake.host)
        .client.blob({ digest, size })
        .on("data", (chunk) => {
          got += chunk.length;
        });
      const [error] = await once(blob, "close").then(
        () => [],
        (error) => [error],
      );
      t.match(error, { code: "InvalidImage", message: new RegExp(`larger than the ${size} bytes`) });
      t.ok(announced ? got === 0 : got <= size);
      t.equal(fake.requests.length, 1);
    }
  },
);

t.test(
  "a blob that ends too early each time is InvalidImage; one that is cut each time RegistryUnreachable",
  async (t) => {
    for (const [code, message] of [
      ["InvalidImage", /ends after 1000 of the 600000 bytes/],
      ["RegistryUnreachable", /cut.*tried 5 times/],
    ] as const) {
      const fake = await startFake(t, (_, response) => {
        if (code === "InvalidImage")
          return void response.writeHead(200, { "content-length": 1000 }).end(BLOB.subarray(0, 1000));
        response.writeHead(200, { "content-length": size });
        response.write(BLOB.subarray(0, 1000), () => response.destroy());
      });
      await t.rejects(readAll(clientOf(fake.host).client.blob({ digest, size })), { code, message });
      t.equal(fake.requests.length, 5);
    }
  },
);

t.test(
  "a redirected blob goes on with a new address from the registry when the old one is not valid any more",
  async (t) => {
    const store = await startFake(t, (request, response) => {
      if (request.headers.authorization !== undefined) return refuse(response, 400);
      if (request.url === "/1") return sendRange(request, response, 200_000);
      if (request.url === "/2") return refuse(response, 403, {}, "expired");
      sendRange(request, response);
    });
    const basic = `Basic ${Buffer.from("u:p").toString("base64")}`;
    let redirects = 0;
    const fake = await startFake(t, (request, response) => {
      if (request.headers.authorization !== basic)
        return refuse(response, 401, { "www-authenticate": "Basic realm=r" });
      refuse(response, 307, { location: `${store.url}/${++redirects}` });
    });
    const { client } = clientOf(fake.host, { credentials: [{ username: "u", password: "p" }] });
    t.ok((await readAll(client.blob({ digest, size }))).equals(BLOB));
    t.same(
      store.requests.map(({ path, headers }) => [path, headers.range]),
      [
        ["/1", undefined],
        ["/2", "bytes=200000-"],
        ["/3", "bytes=200000-"],
      ],
    );
  },
);

t.test("a blob that is not there is ImageNotFound; nothing that is no digest is asked for", async (t) => {
  const fake = await startFake(t, (_, response) => refuse(response, 404));
  const { client } = clientOf(fake.host);
  await t.rejects(readAll(client.blob({ digest, size })), { code: "ImageNotFound", message: new RegExp(digest) });
  for (const bad of ["sha256:../../../x", "sha256:abc", "latest", "md5:d41d8cd98f00b204e9800998ecf8427e"]) {
    await t.rejects(readAll(client.blob({ digest: bad, size })), { code: "InvalidImage" });
  }
  t.equal(fake.requests.length, 1);
});

t.test("an empty blob ends", async (t) => {
  const fake = await startFake(t, (_, response) => void response.end());
  t.equal((await readAll(clientOf(fake.host).client.blob({ digest, size: 0 }))).length, 0);
});

t.test("a slow reader holds the registry back, and is no dead registry", async (t) => {
  let sent = 0;
  const whole = 64 << 20;
  const fake = await startFake(t, (_, response) => {
    response.writeHead(200, { "content-length": whole });
    const more = () => {
      while (sent < whole) {
        sent += 1 << 16;
        if (!response.write(Buffer.alloc(1 << 16))) return void response.once("drain", more);
      }
      response.end();
    };
    more();
  });
  const idleTimeout = 300;
  const { client, waits } = clientOf(fake.host, { settings: { idleTimeout } });
  const blob = client.blob({ digest, size: whole });
  await once(blob, "readable");
  let before = -1;
  for (let quiet = 0; quiet < 5; quiet = sent === before ? quiet + 1 : 0) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, idleTimeout));
  }
  t.ok(sent < whole);
  let got = 0;
  for await (const chunk of blob) got += chunk.length;
  t.equal(got, whole);
  t.same(waits, []);
});

t.test("an abort, and whoever destroys the stream, frees the connection at any time", async (t) => {
  for (const how of ["signal", "destroy", "signal while nobody reads"]) {
    const abort = new AbortController();
    const closed = Promise.withResolvers<void>();
    const fake = await startFake(t, (request, response) => {
      request.socket.once("close", closed.resolve);
      response.writeHead(200, { "content-length": size * 100 });
      response.write(Buffer.alloc(size * 100));
    });
    const blob = clientOf(fake.host).client.blob({ digest, size: size * 100, signal: abort.signal });
    await once(blob, "readable");
    if (how !== "signal while nobody reads") blob.read();
    const ended = once(blob, "close").catch((error) => error);
    if (how === "destroy") blob.destroy();
    else abort.abort();
    const error = await ended;
    if (how !== "destroy") t.match(error, { code: "Cancelled" });
    await closed.promise;
    t.equal(fake.requests.length, 1);
  }
});

t.test("a stream whose signal was aborted before sends nothing", async (t) => {
  const fake = await startFake(t, (request, response) => sendRange(request, response));
  const blob = clientOf(fake.host).client.blob({ digest, size, signal: AbortSignal.abort() });
  await t.rejects(readAll(blob), { code: "Cancelled" });
  t.equal(fake.requests.length, 0);
});

t.test("at most six blobs of a host come at once, and a manifest does not wait for them", async (t) => {
  let running = 0;
  let most = 0;
  const six = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const fake = await startFake(t, async (request, response) => {
    if (request.url?.includes("manifests")) return refuse(response, 404);
    most = Math.max(most, ++running);
    if (running === 6) six.resolve();
    await go.promise;
    running--;
    sendRange(request, response);
  });
  const { client } = clientOf(fake.host, { insecure: true });
  await client.manifest("1").catch(() => undefined);
  const all = Array.from({ length: 10 }, () => readAll(client.blob({ digest, size })));
  await six.promise;
  await t.rejects(client.manifest("1"), { code: "ImageNotFound" });
  go.resolve();
  for (const bytes of await Promise.all(all)) t.ok(bytes.equals(BLOB));
  t.equal(most, 6);
});
