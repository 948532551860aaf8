import { request } from "node:http";
import { join } from "node:path";
import t from "tap";
import { ObjectClient } from "../../../src/api/client-objects.ts";
import { ApiError } from "../../../src/api/status.ts";
import { decodeKubeObject, type Namespace, type Secret } from "../../../src/spec/index.ts";
import { type FakeDaemon, startFake } from "./fake.ts";

const secret = (name: string, fields: object = {}, metadata: object = {}): Secret =>
  decodeKubeObject({ apiVersion: "v1", kind: "Secret", metadata: { name, ...metadata }, ...fields }) as Secret;

const namespace = (name: string) =>
  decodeKubeObject({ apiVersion: "v1", kind: "Namespace", metadata: { name } }) as Namespace;

const clientOf = ({ config }: FakeDaemon) => new ObjectClient(config, { start: false });

async function refusal(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof ApiError)) throw new Error(`want an ApiError, have ${String(error)}`);
  return error;
}

/** One request as any HTTP client sends it. */
function send(fake: FakeDaemon, method: string, path: string, body?: string): Promise<{ code: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(fake.config.run, "podrun.sock"), method, path }, async (answer) => {
      let text = "";
      for await (const chunk of answer) text += String(chunk);
      resolve({ code: answer.statusCode ?? 0, body: text });
    });
    asked.on("error", reject).end(body);
  });
}

t.test(
  "a Secret that was created can be read, listed by namespace, label and type, replaced and deleted",
  async (t) => {
    const fake = await startFake(t);
    const client = clientOf(fake);
    const created = await client.create(secret("a", { stringData: { x: "1" } }, { labels: { app: "web" } }));
    t.match(created.metadata, { name: "a", resourceVersion: "1", uid: /^[0-9a-f-]{36}$/, creationTimestamp: /Z$/ });
    t.same(created.data, { x: "MQ==" });
    await client.create(namespace("elsewhere"));
    await client.create(secret("b", { type: "own" }, { namespace: "elsewhere" }));
    t.same(await client.get("Secret", "default", "a"), created);
    const names = async (query: Parameters<typeof client.list>[1]) =>
      (await client.list("Secret", query)).map(({ metadata }) => metadata.name);
    t.same(await names({}), ["a", "b"]);
    t.same(await names({ namespace: "elsewhere" }), ["b"]);
    t.same(await names({ labelSelector: "app=web" }), ["a"]);
    t.same(await names({ fieldSelector: "type=own" }), ["b"]);
    t.equal((await refusal(client.list("Secret", { fieldSelector: "status.phase=x" }))).status.code, 400);
    const replaced = await client.replace(secret("a", { stringData: { x: "2" } }));
    t.match(replaced.metadata, { uid: created.metadata.uid, creationTimestamp: created.metadata.creationTimestamp });
    t.same((await client.get("Secret", "default", "a")).data, { x: "Mg==" });
    const again = await client.replace(secret("a", { stringData: { x: "2" } }));
    t.equal(again.metadata.resourceVersion, replaced.metadata.resourceVersion, "the same is no change");
    await client.delete("Secret", "default", "a");
    t.same(await names({}), ["b"]);
  },
);

t.test("what is refused has the API server's codes and names the secret", async (t) => {
  const fake = await startFake(t);
  const client = clientOf(fake);
  const gone = await refusal(client.get("Secret", "default", "gone"));
  t.match(gone, { code: "NotFound", message: 'secrets "gone" not found' });
  t.match(gone.status, { code: 404, reason: "NotFound", details: { kind: "secrets", name: "gone" } });
  t.equal((await refusal(client.replace(secret("gone")))).status.code, 404);
  t.equal((await refusal(client.delete("Secret", "default", "gone"))).status.code, 404);
  const made = await client.create(secret("a", { stringData: { x: "1" } }));
  t.match(await refusal(client.create(secret("a"))), { message: 'secrets "a" already exists', status: { code: 409 } });
  const stale = secret("a", {}, { resourceVersion: "77" });
  t.match(await refusal(client.replace(stale)), { code: "Conflict", status: { code: 409 } });
  const fixed = await client.replace({ ...made, immutable: true });
  t.match(await refusal(client.replace({ ...fixed, data: {} })), {
    code: "InvalidObject",
    message: /^data: can't be changed, for the Secret is immutable/,
    status: { code: 422 },
  });
  t.match(await refusal(client.replace(secret("a", { type: "other", immutable: true, stringData: { x: "1" } }))), {
    message: /^type: can't be changed from "Opaque"/,
  });
});

t.test("a dry run answers the object and keeps nothing", async (t) => {
  const fake = await startFake(t);
  const client = clientOf(fake);
  t.equal((await client.create(secret("a"), { dryRun: true })).metadata.name, "a");
  t.same(await client.list("Secret", {}), []);
  const made = await client.create(secret("a", { stringData: { x: "1" } }));
  await client.replace(secret("a", { stringData: { x: "2" } }), { dryRun: true });
  t.same(await client.get("Secret", "default", "a"), made);
});

t.test("generateName makes a name of its own each time", async (t) => {
  const client = clientOf(await startFake(t));
  const raw = secret("", {}, { generateName: "key-" });
  const names = [await client.create(raw), await client.create(raw)].map(({ metadata }) => metadata.name);
  for (const name of names) t.match(name, /^key-[a-z0-9]{5}$/);
  t.not(names[0], names[1]);
});

t.test("a deletion answers a Status, a list its kind and version; other methods and paths are refused", async (t) => {
  const fake = await startFake(t);
  await clientOf(fake).create(secret("a"));
  const list = JSON.parse((await send(fake, "GET", "/api/v1/secrets")).body);
  t.match(list, {
    kind: "SecretList",
    apiVersion: "v1",
    metadata: { resourceVersion: "1" },
    items: [{ kind: "Secret" }],
  });
  const path = "/api/v1/namespaces/default/secrets";
  t.match(JSON.parse((await send(fake, "DELETE", `${path}/a`)).body), {
    kind: "Status",
    status: "Success",
    details: { name: "a", kind: "secrets" },
  });
  t.equal((await send(fake, "POST", "/api/v1/secrets", "{}")).code, 405);
  t.equal((await send(fake, "PATCH", path, "{}")).code, 405);
  t.equal((await send(fake, "GET", `${path}/a/log`)).code, 404);
  t.equal((await send(fake, "GET", "/api/v1/namespaces/default/endpoints")).code, 404);
});

t.test("a body that is no Secret is refused, and what is in it is not said", async (t) => {
  const fake = await startFake(t);
  const path = "/api/v1/namespaces/default/secrets";
  const object = (fields: object) =>
    JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name: "a" }, ...fields });
  const bodies = [
    "hunter2hunter2",
    '{"stringData":{"a":hunter2}}',
    '{"stringData":{"a":"hunter2"}',
    object({ stringData: "hunter2" }),
    object({ data: { a: "hunter2*" } }),
    object({ type: "kubernetes.io/dockercfg", stringData: { ".dockercfg": "hunter2" } }),
    object({ kind: "Pod", stringData: { a: "hunter2" } }),
    object({ metadata: { name: "a", namespace: "other" }, stringData: { a: "hunter2" } }),
  ];
  for (const body of bodies) {
    const answer = await send(fake, "POST", path, body);
    t.match(answer.code, /^4(00|22)$/, body);
    t.notMatch(answer.body, /hunter/, body);
  }
  t.equal((await send(fake, "PUT", `${path}/b`, object({}))).code, 400, "the name is another");
});

t.test(
  "a watch tells of Secrets only, from a version on or with what is there first",
  { timeout: 20_000 },
  async (t) => {
    const fake = await startFake(t);
    const client = clientOf(fake);
    await client.create(secret("a"));
    const seen: string[] = [];
    const abort = new AbortController();
    const version = await client.resourceVersion("Secret");
    const watching = (async () => {
      for await (const { type, object } of client.watch("Secret", { resourceVersion: version }, abort.signal)) {
        seen.push(`${type} ${object.metadata.name}`);
        if (type === "DELETED") abort.abort();
      }
    })();
    await client.create(secret("b"));
    await client.replace(secret("a", { stringData: { x: "1" } }));
    await client.delete("Secret", "default", "b");
    await watching;
    t.same(seen, ["ADDED b", "MODIFIED a", "DELETED b"]);
    for await (const { type, object } of client.watch("Secret", {})) {
      t.same([type, object.metadata.name], ["ADDED", "a"]);
      break;
    }
  },
);
