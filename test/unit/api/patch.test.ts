import { request } from "node:http";
import { join } from "node:path";
import t from "tap";
import { mergePatch } from "../../../src/api/apply-patch.ts";
import { ObjectClient } from "../../../src/api/client-objects.ts";
import { decodeKubeObject, type Secret } from "../../../src/spec/index.ts";
import { type FakeDaemon, makePod, startFake } from "./fake.ts";

const MERGE = "application/merge-patch+json";

/** One request as any HTTP client sends it. */
function patch(fake: FakeDaemon, path: string, body: string, type: string | undefined = MERGE) {
  return new Promise<{ code: number; body: Record<string, unknown> }>((resolve, reject) => {
    const headers = type === undefined ? {} : { "content-type": type };
    const socketPath = join(fake.config.run, "podrun.sock");
    const asked = request({ socketPath, method: "PATCH", path, headers }, async (answer) => {
      let text = "";
      for await (const chunk of answer) text += String(chunk);
      resolve({ code: answer.statusCode ?? 0, body: JSON.parse(text) });
    });
    asked.on("error", reject).end(body);
  });
}

const POD = "/api/v1/namespaces/default/pods/web";
const meta = (metadata: object): string => JSON.stringify({ metadata });

t.test("a merge patch is RFC 7396's", async (t) => {
  // The appendix' cases.
  for (const [target, change, want] of [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', "{}"],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ] as const)
    t.same(mergePatch(JSON.parse(target), JSON.parse(change)), JSON.parse(want), `${target} ${change}`);
  const polluting = mergePatch({}, JSON.parse('{"__proto__":{"a":1}}')) as object;
  t.equal(Object.getPrototypeOf(polluting), Object.prototype);
});

t.test("a pod's labels and annotations are patched, what may not change is not", async (t) => {
  const fake = await startFake(t);
  await fake.pods.create(makePod("web"));
  const changed = await patch(fake, POD, meta({ labels: { a: "1", b: "2" }, annotations: { note: "x" } }));
  t.match(changed, { code: 200, body: { metadata: { labels: { a: "1", b: "2" }, annotations: { note: "x" } } } });
  const again = await patch(fake, POD, meta({ labels: { a: null } }));
  t.match(again, { code: 200, body: { metadata: { labels: { b: "2" } } } });
  const { resourceVersion } = fake.pods.get("default", "web").metadata;
  const same = await patch(fake, POD, meta({ labels: { b: "2", a: null } }));
  t.match(same, { code: 200, body: { metadata: { resourceVersion } } }, "no change is no new version");
  t.match(await patch(fake, `${POD}?dryRun=All`, meta({ labels: { b: "3" } })), {
    body: { metadata: { labels: { b: "3" } } },
  });
  t.same(fake.pods.get("default", "web").metadata.labels, { b: "2" });
  t.match(await patch(fake, POD, meta({ labels: { b: "4" }, resourceVersion: "1" })), { code: 409 });
  t.match(await patch(fake, POD, meta({ labels: { b: "-" } })), { code: 422, body: { message: /label value/ } });
  t.match(await patch(fake, POD, meta({ lables: { b: "1" } })), {
    code: 422,
    body: { message: /lables: unknown field/ },
  });
  t.match(await patch(fake, POD, meta({ name: "other" })), { code: 400 });
  t.match(await patch(fake, POD, meta({ namespace: "other" })), { code: 400 });
  t.match(await patch(fake, POD, '{"spec":{"containers":null}}'), { code: 422, body: { message: /containers/ } });
  t.match(await patch(fake, POD.replace("web", "gone"), meta({})), { code: 404 });
});

t.test("bodies that are no merge patch are refused", async (t) => {
  const fake = await startFake(t);
  await fake.pods.create(makePod("web"));
  t.match(await patch(fake, POD, meta({})), { code: 200 });
  t.match(await patch(fake, POD, meta({}), "application/json"), {
    code: 415,
    body: { reason: "UnsupportedMediaType", message: /application\/json\): want application\/merge-patch\+json, / },
  });
  t.match(await patch(fake, POD, meta({}), `${MERGE}; charset=utf-8`), { code: 200 });
  for (const body of ["", "{", "[]", "null", '"a"']) t.match(await patch(fake, POD, body), { code: 400 }, body);
  const deep = `${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}`;
  t.match(await patch(fake, POD, deep), { code: 400, body: { message: /nested too deeply/ } });
  t.match(await patch(fake, "/api/v1/namespaces/default/pods", meta({})), { code: 405 });
});

t.test("kept objects are patched, too, whether they lie in a namespace or not", async (t) => {
  const fake = await startFake(t);
  const client = new ObjectClient(fake.config, { start: false });
  const make = (kind: string, fields: object = {}) =>
    client.create(decodeKubeObject({ apiVersion: "v1", kind, metadata: { name: "a" }, ...fields }));
  await make("Namespace");
  await make("Secret", { stringData: { key: "1" } });
  t.match(await client.patch("Namespace", "", "a", { metadata: { labels: { x: "y" } } }), {
    metadata: { labels: { x: "y", "kubernetes.io/metadata.name": "a" } },
    status: { phase: "Active" },
  });
  const path = "/api/v1/namespaces/default/secrets/a";
  t.match(await patch(fake, path, JSON.stringify({ data: { key: null }, stringData: { other: "2" } })), { code: 200 });
  t.same((fake.objects.get("Secret", "default", "a") as Secret).data, { other: "Mg==" });
  t.match(await patch(fake, path, JSON.stringify({ type: "other" })), {
    code: 422,
    body: { message: /type: can't be changed/ },
  });
});

t.test("a manifest to apply that is no object, of another kind or nested too deeply is refused", async (t) => {
  const fake = await startFake(t);
  const apply = (body: string) =>
    patch(fake, "/api/v1/namespaces/default/configmaps/web", body, "application/apply-patch+yaml");
  t.match(await apply("[]"), { code: 400, body: { message: "the manifest is no JSON object" } });
  t.match(await apply('{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"}}'), { code: 422 });
  t.match(await apply('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other"}}'), { code: 400 });
  const deep = `{"apiVersion":"v1","kind":"ConfigMap","data":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}`;
  t.match(await apply(deep), { code: 400, body: { message: "the manifest is nested too deeply" } });
});
