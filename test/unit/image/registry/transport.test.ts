import { createServer } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import t from "tap";
import { parseRetryAfter } from "../../../../src/image/registry/refusal.ts";
import { clientOf, digestOf, MANIFEST, refuse, selfSigned, sendManifest, startFake } from "./fake-registry.ts";

const account = { username: "alice", password: "secret" };

t.test(
  "a registry whose CA is among the TLS files is trusted; without it the error says where it belongs",
  async (t) => {
    const { ca, cert, key } = selfSigned(t);
    const fake = await startFake(t, (_, response) => sendManifest(response), { cert, key });
    const trusting = clientOf(fake.host, { insecure: false, tls: { ca: [ca] } });
    t.equal((await trusting.client.manifest("1")).digest, digestOf(MANIFEST));
    const strict = clientOf(fake.host, { insecure: false });
    await t.rejects(strict.client.manifest("1"), {
      code: "RegistryUnreachable",
      message: new RegExp(`self-signed certificate.*certs\\.d/${fake.host}/ca\\.crt, or set insecure = true`),
    });
    t.same(strict.waits, [], "a certificate does not become better by waiting");
    t.equal(fake.requests.length, 1, "the connection of who trusts it is not used by who does not");
    t.ok(await clientOf(fake.host).client.manifest("1"), "insecure: not checked");
  },
);

t.test("a registry's name that is no address is an error of the pull, not of podrun", async (t) => {
  for (const host of ["localhost:99999", "256.256.256.256", "[1::2::3]:5000"]) {
    const { client } = clientOf(host);
    const refused = { code: "RegistryUnreachable", message: /cannot be asked: it is no address/ };
    await t.rejects(client.manifest("1"), refused, host);
    await t.rejects(client.blob({ digest: digestOf(MANIFEST), size: 1 }).toArray(), refused, host);
  }
  for (const host of ["127.1:5000", "0x7f.1:5000", "2130706433:5000", "[0:0:0:0:0:0:0:1]:5000"]) {
    const message = /it is another way to write (127\.0\.0\.1|\[::1\]): name it so/;
    await t.rejects(clientOf(host).client.manifest("1"), { code: "RegistryUnreachable", message }, host);
  }
});

t.test("a certificate for another name is not trusted", async (t) => {
  const { ca, cert, key } = selfSigned(t);
  const fake = await startFake(t, (_, response) => sendManifest(response), { cert, key });
  const { client } = clientOf(fake.host.replace("127.0.0.1", "localhost"), { insecure: false, tls: { ca: [ca] } });
  await t.rejects(client.manifest("1"), { code: "RegistryUnreachable", message: /ERR_TLS_CERT_ALTNAME_INVALID/ });
});

t.test("a client certificate is shown to its registry and not to where that redirects", async (t) => {
  const own = selfSigned(t);
  const shown: boolean[] = [];
  const tlsOptions = { cert: own.cert, key: own.key, requestCert: true, rejectUnauthorized: false };
  const seen = (request: { socket: unknown }) => {
    const peer = (request.socket as import("node:tls").TLSSocket).getPeerCertificate();
    shown.push(Object.keys(peer).length > 0);
  };
  const other = await startFake(
    t,
    (request, response) => {
      seen(request);
      sendManifest(response);
    },
    tlsOptions,
  );
  const fake = await startFake(
    t,
    (request, response) => {
      seen(request);
      refuse(response, 307, { location: `${other.url}/x` });
    },
    tlsOptions,
  );
  const tls = { ca: [own.ca], cert: own.cert, key: own.key };
  await clientOf(fake.host, { insecure: false, tls }).client.manifest("1");
  t.same(shown, [true, false]);
});

t.test("certificates that are none are told", async (t) => {
  const { client } = clientOf("127.0.0.1:1", { insecure: false, tls: { cert: "nonsense", key: "nonsense" } });
  await t.rejects(client.manifest("1"), {
    code: "RegistryUnreachable",
    message: /podrun's certificates for it cannot be used/,
  });
});

t.test("plain HTTP is spoken with an insecure registry only, and then remembered", async (t) => {
  const fake = await startFake(t, (_, response) => sendManifest(response));
  const strict = clientOf(fake.host, { insecure: false });
  await t.rejects(strict.client.manifest("1"), {
    code: "RegistryUnreachable",
    message: /does not speak TLS.*set insecure = true/,
  });
  t.equal(fake.requests.length, 0);
  const { client } = clientOf(fake.host);
  await client.manifest("1");
  await client.manifest("1");
  t.equal(fake.requests.length, 2);
});

t.test("no account goes to a token service over plain HTTP unless the registry is insecure", async (t) => {
  const { ca, cert, key } = selfSigned(t);
  const service = await startFake(t, (_, response) => refuse(response, 200, {}, { token: "T" }));
  const challenge = { "www-authenticate": `Bearer realm="${service.url}/token",service="plain"` };
  const registry = await startFake(t, (_, response) => refuse(response, 401, challenge), { cert, key });
  const strict = clientOf(registry.host, { insecure: false, tls: { ca: [ca] }, credentials: [account] });
  await t.rejects(strict.client.manifest("1"), {
    code: "RegistryUnauthorized",
    message: /user "alice": not tried: .* over plain HTTP/,
  });
  t.ok(service.requests.every(({ headers }) => headers.authorization === undefined));
  const lax = clientOf(registry.host, { credentials: [account] });
  await t.rejects(lax.client.manifest("1"), { code: "RegistryUnauthorized" });
  t.ok(service.requests.some(({ headers }) => headers.authorization !== undefined));
});

t.test("a redirect from TLS to plain HTTP is followed for insecure registries only", async (t) => {
  const { ca, cert, key } = selfSigned(t);
  const plain = await startFake(t, (_, response) => sendManifest(response));
  const fake = await startFake(t, (_, response) => refuse(response, 307, { location: plain.url }), { cert, key });
  const strict = clientOf(fake.host, { insecure: false, tls: { ca: [ca] } });
  await t.rejects(strict.client.manifest("1"), {
    code: "RegistryUnreachable",
    message: /redirects from TLS to plain HTTP/,
  });
  t.equal(plain.requests.length, 0);
  await clientOf(fake.host).client.manifest("1");
});

t.test("a host that takes connections and does not speak is given up after the connect timeout, twice", async (t) => {
  const silent = createTcpServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const sockets = new Set<import("node:net").Socket>();
  silent.on("connection", (socket) => sockets.add(socket.on("error", () => undefined)));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const { client, waits } = clientOf(host, { insecure: false, settings: { connectTimeout: 40 } });
  await t.rejects(client.manifest("1"), {
    code: "RegistryUnreachable",
    message: /no connection within 0\.04 s, tried 2 times/,
  });
  t.equal(waits.length, 1);
});

t.test("a registry behind a proxy is reached through its tunnel, loopback without it", async (t) => {
  const { ca, cert, key } = selfSigned(t);
  const fake = await startFake(t, (_, response) => sendManifest(response), { cert, key });
  const tunnels: string[] = [];
  const proxy = createServer().on("connect", (request, socket) => {
    tunnels.push(request.url ?? "");
    const upstream = connect(Number(fake.host.split(":")[1]), "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [socket, upstream]) end.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.teardown(() => proxy.close());
  const environment = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  const far = clientOf("registry.example", { insecure: false, tls: { ca: [ca] }, settings: { environment } });
  await t.rejects(far.client.manifest("1"), { message: /ERR_TLS_CERT_ALTNAME_INVALID/ });
  t.same(tunnels, ["registry.example:443"], "through the tunnel its certificate is checked as ever");
  await clientOf(fake.host, { insecure: false, tls: { ca: [ca] }, settings: { environment } }).client.manifest("1");
  t.equal(tunnels.length, 1);
});

t.test("a kept connection that the registry has closed meanwhile costs no attempt", async (t) => {
  const fake = await startFake(t, (request, response, number) => {
    if (number % 2 === 1 && request.socket.bytesRead > 0 && seen.has(request.socket))
      return void request.socket.destroy();
    seen.add(request.socket);
    sendManifest(response);
  });
  const seen = new Set<unknown>();
  const { client, waits } = clientOf(fake.host);
  await client.manifest("1");
  await client.manifest("1");
  t.same(waits, []);
  t.equal(fake.requests.length, 3);
});

t.test("Retry-After is read in seconds and as a date, and nothing else", async (t) => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  t.equal(parseRetryAfter("120", now), 120_000);
  t.equal(parseRetryAfter("Thu, 01 Jan 2026 00:00:05 GMT", now), 5000);
  t.equal(parseRetryAfter("Wed, 31 Dec 2025 00:00:00 GMT", now), 0);
  t.equal(parseRetryAfter("soon", now), undefined);
  t.equal(parseRetryAfter(undefined, now), undefined);
});
