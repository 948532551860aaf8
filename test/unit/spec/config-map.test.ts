import t from "tap";
import { type ConfigMap, decodeKubeObject, decodeManifests, validateConfigMapUpdate } from "../../../src/spec/index.ts";
import { errorOf } from "./pods.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");
const raw = (fields: object = {}) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" }, ...fields });
const map = (fields: object = {}): ConfigMap => decodeKubeObject(raw(fields)) as ConfigMap;
const problemsOf = (fields: object): readonly string[] =>
  errorOf(() => map(fields)).details["problems"] as readonly string[];

t.test("text stays as it is, binaryData is base64, and what is empty is left out", async (t) => {
  const decoded = map({ data: { a: "ü\n", none: null }, binaryData: { b: "AP8\n=" } });
  t.match(decoded, { kind: "ConfigMap", metadata: { namespace: "default", labels: {} } });
  t.same(decoded.data, { a: "ü\n", none: "" });
  t.same(decoded.binaryData, { b: "AP8=" });
  t.notOk("data" in map({ data: {} }));
  t.match(problemsOf({ binaryData: { b: "!" } }), [/^binaryData\.b: is not base64; /]);
});

t.test("values that are no text, keys that are no file names and keys in both places are refused", async (t) => {
  t.match(problemsOf({ data: { a: 1 } }), ['data.a: must be a string, not the number 1; write it in quotes: "1"']);
  t.match(problemsOf({ data: "x" }), [/^data: must be an object/]);
  for (const key of ["", ".", "..", "..a", "a b", "a/b", "a".repeat(254)])
    t.equal(problemsOf({ data: { [key]: "x" } }).length, 1, JSON.stringify(key));
  t.match(problemsOf({ data: { a: "1" }, binaryData: { a: "MQ==" } }), [/^binaryData\.a: data has this key, too/]);
  t.match(problemsOf({ stringData: {} }), [/^stringData: unknown field/]);
});

t.test("1 MiB of values is the most, data and binaryData together", async (t) => {
  const limit = 1024 * 1024;
  t.ok(map({ data: { a: "x".repeat(limit - 1) }, binaryData: { b: base64("x") } }));
  t.match(problemsOf({ data: { a: "ü".repeat(limit / 2) }, binaryData: { b: base64("x") } }), [
    "data: 1048577 bytes in all, with binaryData; 1048576 are the most",
  ]);
});

t.test("an immutable ConfigMap keeps its data and stays immutable; labels may change", async (t) => {
  const before = map({ immutable: true, data: { a: "1" } });
  t.same(
    validateConfigMapUpdate(
      before,
      map({ immutable: true, data: { a: "1" }, metadata: { name: "web", labels: { b: "c" } } }),
    ),
    [],
  );
  t.match(
    validateConfigMapUpdate(before, map({ data: { a: "2" }, binaryData: { b: "MQ==" } })).map(({ path }) => path),
    ["immutable", "data", "binaryData"],
  );
  t.same(validateConfigMapUpdate(map({ data: { a: "1" } }), map({ data: { a: "2" }, immutable: true })), []);
});

t.test("a ConfigMapList in a manifest is its items", async (t) => {
  const list = { apiVersion: "v1", kind: "ConfigMapList", items: [raw(), raw({ data: { a: "1" } })] };
  const found = decodeManifests(Buffer.from(JSON.stringify(list)), "list.json");
  t.same(
    found.map(({ object }) => object.kind),
    ["ConfigMap", "ConfigMap"],
  );
});
