import t from "tap";
import { decodeKubeObject, decodeManifests, type Secret, validateSecretUpdate } from "../../../src/spec/index.ts";
import { errorOf } from "./pods.ts";

const VALUE = "s3cr3t-never-shown";
const base64 = (text: string) => Buffer.from(text).toString("base64");
const raw = (fields: object = {}) => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "key" }, ...fields });
const secret = (fields: object = {}): Secret => decodeKubeObject(raw(fields)) as Secret;
const problemsOf = (fields: object): readonly string[] =>
  errorOf(() => secret(fields)).details["problems"] as readonly string[];

t.test("a Secret without a type is Opaque, and stringData goes into data and wins there", async (t) => {
  const decoded = secret({ data: { a: base64("1"), b: base64("2") }, stringData: { b: "ü" } });
  t.match(decoded, { kind: "Secret", type: "Opaque", metadata: { namespace: "default", labels: {} } });
  t.same(decoded.data, { a: base64("1"), b: base64("ü") });
  t.notOk("stringData" in decoded);
  t.notOk("data" in secret());
});

t.test("base64 with line ends is taken and written without; what is none is refused", async (t) => {
  t.same(secret({ data: { a: "YWJj\nZGVm\n" } }).data, { a: "YWJjZGVm" });
  t.same(secret({ data: { a: "" } }).data, { a: "" });
  for (const wrong of ["a", "YWJj=", "YWJ*", "YW Jj", "YWJjZA", "YWJj-_=="])
    t.match(problemsOf({ data: { a: wrong } }), [/^data\.a: is not base64; /], wrong);
});

t.test("keys must be able to be file names", async (t) => {
  t.ok(secret({ stringData: { "a.b-c_D9": "", ".hidden": "" } }));
  for (const key of ["", ".", "..", "..a", "a b", "a/b", "ä", "a".repeat(254)])
    t.equal(problemsOf({ stringData: { [key]: "x" } }).length, 1, JSON.stringify(key));
});

t.test("no error shows a value, whatever is wrong with it or beside it", async (t) => {
  const wrong: object[] = [
    { data: { a: VALUE } },
    { data: VALUE },
    { data: [VALUE] },
    { stringData: VALUE },
    { stringData: { a: { b: VALUE } } },
    { stringData: { a: 73571537 }, data: { a: true } },
    { stringData: { "": VALUE } },
    { type: "kubernetes.io/dockerconfigjson", stringData: { ".dockerconfigjson": `{"${VALUE}` } },
    { type: "kubernetes.io/tls", stringData: { password: VALUE } },
    { immutable: "yes", stringData: { a: VALUE } },
  ];
  for (const fields of wrong) {
    const error = errorOf(() => secret(fields));
    const text = `${error.message} ${JSON.stringify(error.details)} ${error.cause}`;
    t.notMatch(text, /s3cr3t|73571537/, JSON.stringify(fields));
    t.not(error.message, "");
  }
});

t.test("1 MiB of values is the most", async (t) => {
  const limit = 1024 * 1024;
  t.ok(secret({ data: { a: Buffer.alloc(limit - 1).toString("base64"), b: base64("x") } }));
  t.match(problemsOf({ data: { a: Buffer.alloc(limit).toString("base64"), b: base64("x") } }), [
    "data: 1048577 bytes in all; 1048576 are the most",
  ]);
});

t.test("Kubernetes' types have the keys that the API server asks for", async (t) => {
  const io = (type: string) => `kubernetes.io/${type}`;
  const right: readonly (readonly [string, object])[] = [
    ["dockerconfigjson", { ".dockerconfigjson": '{"auths":{}}' }],
    ["dockercfg", { ".dockercfg": "{}" }],
    ["basic-auth", { password: "x" }],
    ["ssh-auth", { "ssh-privatekey": "x" }],
    ["tls", { "tls.crt": "", "tls.key": "" }],
  ];
  for (const [type, stringData] of right) {
    t.equal(secret({ type: io(type), stringData }).type, io(type));
    t.not(problemsOf({ type: io(type), stringData: { other: "x" } }).length, 0, type);
  }
  t.match(problemsOf({ type: io("dockerconfigjson"), stringData: { ".dockerconfigjson": "no" } }), [
    /^data\["\.dockerconfigjson"\]: is not a JSON object/,
  ]);
  t.match(problemsOf({ type: io("tls"), stringData: { "tls.crt": "" } }), [/^data\["tls\.key"\]: required/]);
  t.match(problemsOf({ type: io("service-account-token") }), [/service-account\.name/]);
  t.ok(secret({ type: "example.com/own", stringData: { any: "x" } }));
});

t.test("an immutable Secret keeps its data and stays immutable; a type never changes; labels may", async (t) => {
  const before = secret({ stringData: { a: "1" }, immutable: true });
  const paths = (fields: object) =>
    validateSecretUpdate(before, secret({ immutable: true, stringData: { a: "1" }, ...fields })).map(
      ({ path }) => path,
    );
  t.same(paths({ metadata: { name: "key", labels: { x: "y" } } }), []);
  t.same(paths({ stringData: { a: "2" } }), ["data"]);
  t.same(paths({ immutable: false }), ["immutable"]);
  t.same(paths({ type: "other" }), ["type"]);
  const free = secret({ stringData: { a: "1" } });
  t.same(validateSecretUpdate(free, secret({ stringData: { a: "2" }, immutable: true })), []);
});

t.test("Kubernetes' other fields and kinds are refused by name, and what is taken is named", async (t) => {
  t.match(problemsOf({ spec: {} }), [/^spec: unknown field; Secret has apiVersion, kind/]);
  const error = errorOf(() => decodeKubeObject({ ...raw(), kind: "Endpoints" }));
  t.equal(error.code, "UnsupportedField");
  t.match(
    error.message,
    /Endpoints is not supported by podrun yet; it takes .*Secret \(apiVersion v1\), .*Pod \(apiVersion v1\)/,
  );
  t.match(errorOf(() => decodeKubeObject({ ...raw(), apiVersion: "v2" })).message, /"v2" has no kind Secret/);
});

t.test("a manifest may hold pods and Secrets, also as a List of Secrets", async (t) => {
  const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: b}]}\n";
  const list =
    "---\napiVersion: v1\nkind: SecretList\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n";
  t.same(
    decodeManifests(pod + list, "f.yaml").map(({ object }) => object.kind),
    ["Pod", "Secret"],
  );
});
