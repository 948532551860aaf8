import type { IncomingMessage, ServerResponse } from "node:http";
import t from "tap";
import { checkAccount } from "../../../../src/image/registry/check-account.ts";
import {
  clientOf,
  digestOf,
  errorsOf,
  type Fake,
  MANIFEST,
  refuse,
  sendManifest,
  startFake,
  type Teardown,
} from "./fake-registry.ts";

const alice = { username: "alice", password: "a:secret" };
const bob = { username: "bob", password: "b-secret" };
const basicOf = ({ username, password }: typeof alice) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
const noSecret = (error: Error) =>
  !/secret|Basic |Bearer /.test(`${error.message} ${JSON.stringify(error)} ${error.stack}`);

/** A registry with Basic accounts. */
const basicRegistry =
  (accepted: readonly string[], status = 401) =>
  (request: IncomingMessage, response: ServerResponse) => {
    if (accepted.includes(request.headers.authorization ?? "nobody")) return sendManifest(response);
    refuse(
      response,
      request.headers.authorization ? status : 401,
      { "www-authenticate": 'Basic realm="r"' },
      errorsOf("UNAUTHORIZED", "who?"),
    );
  };

let services = 0;

/** A registry with Bearer tokens, and its token service; every token is named after its number. */
async function bearerRegistry(
  t: Teardown,
  options: {
    token: (request: IncomingMessage, response: ServerResponse, number: number) => void;
    accepts: (token: string) => boolean;
  },
): Promise<{ registry: Fake; service: Fake }> {
  const service = await startFake(t, options.token);
  const name = `service-${services++}`;
  const registry = await startFake(t, (request, response) => {
    const token = /^Bearer (.*)$/.exec(request.headers.authorization ?? "")?.[1];
    if (token !== undefined && options.accepts(token)) return sendManifest(response);
    const challenge = `Bearer realm="${service.url}/token",service="${name}",scope="repository:team/app:pull"`;
    refuse(response, 401, { "www-authenticate": challenge }, errorsOf("UNAUTHORIZED", "token, please"));
  });
  return { registry, service };
}

const give = (response: ServerResponse, body: object) =>
  refuse(response, 200, { "content-type": "application/json" }, body);

t.test("Basic: accounts are tried in turn, a refused one only once", async (t) => {
  const fake = await startFake(t, basicRegistry([basicOf(bob)]));
  const { client } = clientOf(fake.host, { credentials: [alice, bob] });
  await client.manifest("1");
  await client.manifest("1");
  t.same(
    fake.requests.map(({ headers }) => headers.authorization),
    [undefined, basicOf(alice), basicOf(bob), basicOf(bob)],
  );
});

for (const status of [401, 403]) {
  t.test(`Basic: when all get ${status}, the error names users and registry, and no secret`, async (t) => {
    const fake = await startFake(t, basicRegistry([], status));
    const { client } = clientOf(fake.host, { credentials: [alice, bob] });
    const error = await client.manifest("1").catch((error: Error) => error);
    t.match(error, { code: "RegistryUnauthorized", details: { host: fake.host, users: ["alice", "bob"] } });
    t.match(
      (error as Error).message,
      new RegExp(`${fake.host} refuses team/app \\(user "alice": HTTP ${status} .*user "bob"`),
    );
    t.ok(noSecret(error as Error));
  });
}

t.test("without an account, the error says how to give one", async (t) => {
  const fake = await startFake(t, basicRegistry([]));
  await t.rejects(clientOf(fake.host).client.manifest("1"), {
    code: "RegistryUnauthorized",
    message: new RegExp(`without an account: HTTP 401.*podrun login ${fake.host}`),
  });
});

t.test("401 and 403 without a challenge are RegistryUnauthorized", async (t) => {
  for (const status of [401, 403]) {
    const fake = await startFake(t, (_, response) => refuse(response, status, {}, errorsOf("DENIED", "go away")));
    const { client } = clientOf(fake.host, { credentials: [alice] });
    await t.rejects(client.manifest("1"), { code: "RegistryUnauthorized", message: /DENIED: go away/ });
  }
});

for (const status of [403, 404]) {
  t.test(`a registry that answers ${status} to nobody is asked for its challenge, then with the account`, async (t) => {
    const fake = await startFake(t, (request, response) => {
      if (request.headers.authorization === basicOf(alice)) return sendManifest(response);
      if (request.url === "/v2/") return refuse(response, 401, { "www-authenticate": "Basic realm=r" });
      refuse(response, status);
    });
    const { client } = clientOf(fake.host, { credentials: [alice] });
    t.equal((await client.manifest("1")).digest, digestOf(MANIFEST));
  });
}

t.test("Bearer: a token is fetched with the account and for this repository, and kept", async (t) => {
  const { registry, service } = await bearerRegistry(t, {
    token: (request, response) => {
      if (request.headers.authorization !== basicOf(alice)) return refuse(response, 401);
      give(response, { access_token: "T", expires_in: 300 });
    },
    accepts: (token) => token === "T",
  });
  for (let i = 0; i < 2; i++) await clientOf(registry.host, { credentials: [alice] }).client.manifest("1");
  t.equal(service.requests.length, 1);
  const { searchParams } = new URL(service.requests[0]?.path ?? "", "http://x");
  t.equal(searchParams.get("scope"), "repository:team/app:pull");
  t.match(searchParams.get("service"), /^service-/);
  t.equal(searchParams.get("account"), "alice");
  await t.rejects(
    clientOf(registry.host, { credentials: [{ ...alice, password: "secret2" }] }).client.manifest("1"),
    {
      code: "RegistryUnauthorized",
    },
    "a token is not given to who knows the name only",
  );
});

t.test("Bearer: after the accounts an anonymous token is tried", async (t) => {
  const { registry, service } = await bearerRegistry(t, {
    token: (request, response) => {
      if (request.headers.authorization)
        return refuse(response, 401, {}, { details: "incorrect username or password" });
      give(response, { token: "anonymous" });
    },
    accepts: (token) => token === "anonymous",
  });
  await clientOf(registry.host, { credentials: [alice, bob] }).client.manifest("1");
  t.same(
    service.requests.map(({ headers }) => headers.authorization),
    [basicOf(alice), basicOf(bob), undefined],
  );
});

t.test("Bearer: when all are refused, each answer is told", async (t) => {
  const { registry } = await bearerRegistry(t, {
    token: (request, response) => {
      if (request.headers.authorization) return refuse(response, 401, {}, { details: "incorrect password" });
      give(response, { token: "anonymous-secret" });
    },
    accepts: () => false,
  });
  const error = (await clientOf(registry.host, { credentials: [alice] })
    .client.manifest("1")
    .catch((e) => e)) as Error;
  t.match(error, { code: "RegistryUnauthorized" });
  t.match(error.message, /user "alice": HTTP 401 .*incorrect password; without an account: HTTP 401 .*token, please/);
  t.ok(noSecret(error));
});

t.test("Bearer: an identity token is exchanged by POST", async (t) => {
  const { registry, service } = await bearerRegistry(t, {
    token: (_, response) => give(response, { access_token: "T" }),
    accepts: (token) => token === "T",
  });
  const account = { username: "<token>", password: "", identityToken: "refresh-secret" };
  await clientOf(registry.host, { credentials: [account] }).client.manifest("1");
  t.equal(service.requests[0]?.method, "POST");
  t.match(service.requests[0]?.body(), /grant_type=refresh_token.*refresh_token=refresh-secret/);
  t.notMatch(service.requests[0]?.path, /secret/);
});

t.test(
  "Bearer: a token that the registry takes no more is renewed, as is one that has expired by the clock",
  async (t) => {
    let valid = "T0";
    let now = 1_000_000;
    const { registry, service } = await bearerRegistry(t, {
      token: (_, response, number) => give(response, { token: `T${number}`, expires_in: 100 }),
      accepts: (token) => token === valid,
    });
    const { client } = clientOf(registry.host, { settings: { now: () => now } });
    await client.manifest("1");
    valid = "T1";
    await client.manifest("1");
    t.equal(service.requests.length, 2);
    valid = "T2";
    now += 96_000;
    const before = registry.requests.length;
    await client.manifest("1");
    t.equal(service.requests.length, 3);
    t.equal(registry.requests.length, before + 1, "the expired one was not even sent");
  },
);

t.test("Bearer: a token service that fails for a moment is asked again, one without a token is told", async (t) => {
  const { registry } = await bearerRegistry(t, {
    token: (_, response, number) => (number === 0 ? refuse(response, 503) : give(response, { token: "T" })),
    accepts: (token) => token === "T",
  });
  await clientOf(registry.host).client.manifest("1");
  const silent = await bearerRegistry(t, {
    token: (_, response) => give(response, { token: "a\nb" }),
    accepts: () => true,
  });
  const error = {
    code: "RegistryUnreachable",
    message: new RegExp(`${silent.service.host}: the token service answers no token`),
  };
  await t.rejects(clientOf(silent.registry.host).client.manifest("1"), error);
});

t.test("requests at the same time with an unknown challenge do not refuse one another's account", async (t) => {
  const fake = await startFake(t, basicRegistry([basicOf(alice)]));
  const { client } = clientOf(fake.host, { credentials: [alice] });
  const all = await Promise.all(Array.from({ length: 8 }, () => client.manifest("1")));
  t.equal(all.length, 8);
});

t.test("a redirect to another host carries no account, not even when it leads back", async (t) => {
  let registry: Fake | undefined;
  const other = await startFake(t, (_, response) => refuse(response, 307, { location: `${registry?.url}/back` }));
  registry = await startFake(t, (request, response) => {
    if (request.url === "/back") return sendManifest(response);
    if (request.url === "/near") return refuse(response, 302, { location: `${other.url}/away` });
    if (request.headers.authorization === undefined)
      return refuse(response, 401, { "www-authenticate": "Basic realm=r" });
    refuse(response, 308, { location: "../../../../near" });
  });
  await clientOf(registry.host, { credentials: [alice] }).client.manifest("1");
  t.same(
    registry.requests.map(({ path, headers }) => [path, headers.authorization]),
    [
      ["/v2/team/app/manifests/1", undefined],
      ["/v2/team/app/manifests/1", basicOf(alice)],
      ["/near", basicOf(alice)],
      ["/back", undefined],
    ],
  );
  t.equal(other.requests[0]?.headers.authorization, undefined);
});

t.test("more than ten redirects are too many", async (t) => {
  const fake = await startFake(t, (request, response) => refuse(response, 301, { location: `${request.url}x` }));
  await t.rejects(clientOf(fake.host).client.manifest("1"), {
    code: "RegistryUnreachable",
    message: /redirects more than 10 times/,
  });
  t.equal(fake.requests.length, 11);
});

t.test("a redirect to a file is not followed", async (t) => {
  const fake = await startFake(t, (_, response) => refuse(response, 301, { location: "file:///etc/passwd" }));
  await t.rejects(clientOf(fake.host).client.manifest("1"), {
    code: "RegistryUnreachable",
    message: /no HTTP address/,
  });
});

t.test("checkAccount takes a right account, Basic or Bearer, and names a wrong one", async (t) => {
  const basic = await startFake(t, basicRegistry([basicOf(alice)]));
  const endpoint = (fake: Fake) => ({ host: fake.host, insecure: true });
  await checkAccount({ endpoint: endpoint(basic), credentials: alice, tls: {} });
  const wrong = checkAccount({ endpoint: endpoint(basic), credentials: bob, tls: {} });
  await t.rejects(wrong, { code: "RegistryUnauthorized", message: /does not take this account: user "bob": HTTP 401/ });
  const { registry, service } = await bearerRegistry(t, {
    token: (request, response) =>
      request.headers.authorization === basicOf(alice) ? give(response, { token: "T" }) : refuse(response, 401),
    accepts: (token) => token === "T",
  });
  await checkAccount({ endpoint: endpoint(registry), credentials: alice, tls: {} });
  t.notMatch(service.requests[0]?.path, /scope/);
  await t.rejects(checkAccount({ endpoint: endpoint(registry), credentials: bob, tls: {} }), {
    code: "RegistryUnauthorized",
  });
  const web = await startFake(t, (_, response) => refuse(response, 404));
  const none = checkAccount({ endpoint: endpoint(web), credentials: alice, tls: {} });
  await t.rejects(none, { code: "RegistryUnreachable", message: /HTTP 404/ });
});
