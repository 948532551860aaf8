import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type FakeDaemon, runCommand, startFake } from "../api/fake.ts";
import { manifest, said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

const base64 = (text: string) => Buffer.from(text).toString("base64");
const SECRET = (name: string, value = "1") =>
  `apiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\nstringData:\n  key: "${value}"\n`;
const kept = (fake: FakeDaemon, name: string) => fake.objects.get("Secret", "default", name);

t.test("create secret generic takes literals, files, folders and env files", async (t) => {
  const fake = await startFake(t);
  const folder = join(fake.folder, "files");
  mkdirSync(folder);
  writeFileSync(join(folder, "one.txt"), "1\n");
  writeFileSync(join(folder, "bad name"), "");
  writeFileSync(join(fake.folder, "binary"), Buffer.from([0, 255]));
  writeFileSync(join(fake.folder, "env"), "# comment\n\nA=b=c\nFROM_HERE\n");
  const flags = ["--from-literal=p=a=b", `--from-file=${folder}`, `--from-file=bin=${fake.folder}/binary`];
  const argv = ["create", "secret", "generic", "key", ...flags, `--from-env-file=${fake.folder}/env`, "--type=own"];
  said(t, await runCommand(fake, argv, { env: { FROM_HERE: "env" } }), { stdout: "secret/key created\n" });
  t.match(kept(fake, "key"), { type: "own" });
  t.same(kept(fake, "key").data, {
    "one.txt": base64("1\n"),
    bin: "AP8=",
    p: base64("a=b"),
    A: base64("b=c"),
    FROM_HERE: base64("env"),
  });
  said(t, await runCommand(fake, argv), {
    code: 1,
    stderr: 'Error from server (AlreadyExists): secrets "key" already exists\n',
  });
});

t.test("create secret docker-registry writes what docker login would, or takes a file as it is", async (t) => {
  const fake = await startFake(t);
  const create = (...argv: string[]) => runCommand(fake, ["create", "secret", "docker-registry", ...argv]);
  const account = ["--docker-username=me", "--docker-password=pass:word", "--docker-email=me@example.com"];
  said(t, await create("a", "--docker-server=r.example.com:5000", ...account), { stdout: "secret/a created\n" });
  const { type, data = {} } = kept(fake, "a");
  t.equal(type, "kubernetes.io/dockerconfigjson");
  t.same(JSON.parse(Buffer.from(data[".dockerconfigjson"] ?? "", "base64").toString()), {
    auths: {
      "r.example.com:5000": {
        username: "me",
        password: "pass:word",
        email: "me@example.com",
        auth: base64("me:pass:word"),
      },
    },
  });
  const file = join(fake.folder, "config.json");
  writeFileSync(file, '{"auths": {}}');
  said(t, await create("b", `--from-file=.dockerconfigjson=${file}`), { stdout: "secret/b created\n" });
  said(t, await create("c", `--from-file=${file}`), { stdout: "secret/c created\n" });
  t.same(kept(fake, "b").data, { ".dockerconfigjson": base64('{"auths": {}}') });
  t.same(kept(fake, "c").data, kept(fake, "b").data);
});

t.test("create secret tls wants a certificate and its own key", async (t) => {
  const fake = await startFake(t);
  const path = (name: string) => join(fake.folder, name);
  for (const name of ["one", "two"]) {
    const flags = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x"];
    execFileSync("openssl", ["req", ...flags, "-keyout", path(`${name}.key`), "-out", path(`${name}.crt`)], {
      stdio: "ignore",
    });
  }
  const create = (cert: string, key: string) =>
    runCommand(fake, ["create", "secret", "tls", "web", `--cert=${path(cert)}`, `--key=${path(key)}`]);
  said(t, await create("one.crt", "two.key"), { code: 1, stderr: /is not that of the certificate/ });
  said(t, await create("one.key", "one.key"), { code: 1, stderr: /holds no certificate in PEM/ });
  said(t, await create("one.crt", "one.key"), { stdout: "secret/web created\n" });
  t.equal(kept(fake, "web").type, "kubernetes.io/tls");
});

t.test(
  "create secret with --dry-run=client -o yaml prints a manifest that apply takes, and creates nothing",
  async (t) => {
    const fake = await startFake(t);
    const argv = ["create", "secret", "generic", "key", "--from-literal=a=b", "--dry-run=client", "-o", "yaml"];
    const { stdout } = await runCommand(fake, argv);
    t.equal(
      stdout,
      "apiVersion: v1\ndata:\n  a: Yg==\nkind: Secret\nmetadata:\n  name: key\n  namespace: default\ntype: Opaque\n",
    );
    t.same(fake.objects.list("Secret"), []);
    said(t, await runCommand(fake, ["apply", "-f", "-"], { input: stdout }), { stdout: "secret/key created\n" });
  },
);

t.test("wrong flags of create secret are told without the values in them", async (t) => {
  const fake = await startFake(t);
  const create = (...argv: string[]) => runCommand(fake, ["create", "secret", ...argv]);
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /want create secret docker-registry\|generic\|tls NAME/],
    [["opaque", "a"], /not "opaque"/],
    [["generic"], /exactly one NAME/],
    [["generic", "a", "--from-literal=hunter2"], /expected KEY=VALUE/],
    [["generic", "a", "--from-literal=a b=hunter2"], /"a b" is not a valid key name/],
    [["generic", "a", "--from-literal=a=hunter2", "--from-literal=a=x"], /another key by that name/],
    [["generic", "a", "--from-file=/nonexistent"], /can't be read: ENOENT/],
    [["docker-registry", "a", "--docker-password=hunter2"], /either --from-file or the combination/],
    [["generic", "a", "--type=kubernetes.io/tls", "--from-literal=x=hunter2"], /data\["tls\.crt"\]: required/],
    [["tls", "a"], /--cert and --key/],
  ];
  for (const [argv, stderr] of wrong) {
    const result = await create(...argv);
    said(t, result, { code: 1, stdout: "", stderr });
    t.notMatch(result.stderr, /hunter2/, argv.join(" "));
  }
});

t.test("get secrets prints kubectl's columns, names, whole objects and what is missing", async (t) => {
  const fake = await startFake(t);
  const get = (...argv: string[]) => runCommand(fake, ["get", ...argv]);
  said(t, await get("secrets"), { stderr: "No resources found in default namespace.\n" });
  await runCommand(fake, ["apply", "-f", "-"], { input: `${SECRET("a")}---\n${SECRET("b")}` });
  await runCommand(fake, ["create", "ns", "other"]);
  await runCommand(fake, ["apply", "-n", "other", "-f", "-"], { input: SECRET("c") });
  said(t, await get("secrets"), {
    stdout: /^NAME {3}TYPE {5}DATA {3}AGE\na {6}Opaque {3}1 {6}\d+s\nb {6}Opaque {3}1 {6}\d+s\n$/,
  });
  said(t, await get("secret", "-A", "--no-headers"), { stdout: /^default {3}a .*\ndefault {3}b .*\nother {5}c .*\n$/ });
  said(t, await get("secrets", "-o", "name"), { stdout: "secret/a\nsecret/b\n" });
  said(t, await get("secret/a", "-o", "jsonpath={.data.key}"), { stdout: base64("1") });
  said(t, await get("secret", "a", "gone"), {
    code: 1,
    stdout: /\na /,
    stderr: 'Error from server (NotFound): secrets "gone" not found\n',
  });
  said(t, await get("secret/a", "pod/web"), { code: 1, stdout: /a /, stderr: /pods "web" not found/ });
  said(t, await get("endpoints"), {
    code: 1,
    stderr:
      /the server doesn't have a resource type "endpoints": it knows namespaces \(namespace, ns\), .*configmaps \(configmap, cm\), secrets \(secret\), .*pods \(pod, po\)/,
  });
});

t.test("describe secret shows how long its values are, and not what they are", async (t) => {
  const fake = await startFake(t);
  await runCommand(fake, ["apply", "-f", "-"], { input: SECRET("a", "hunter2ü") });
  const result = await runCommand(fake, ["describe", "secret", "a"]);
  said(t, result, {
    stdout: /^Name: +a\nNamespace: +default\n[\s\S]*\n\nType: {2}Opaque\n\nData\n====\nkey: {2}9 bytes\n$/,
  });
  t.notMatch(result.stdout, /hunter2|aHVudGVy/);
});

t.test("apply creates Secrets before the pods that name them, and tells what has changed", async (t) => {
  const fake = await startFake(t);
  const apply = (input: string) => runCommand(fake, ["apply", "-f", "-"], { input });
  const files = (value: string) => `${manifest("web")}---\n${SECRET("web", value)}`;
  said(t, await apply(files("1")), { stdout: "secret/web created\npod/web created\n" });
  said(t, await apply(files("1")), { stdout: "secret/web unchanged\npod/web unchanged\n" });
  said(t, await apply(files("2")), { stdout: "secret/web configured\npod/web unchanged\n" });
  said(t, await apply(`${SECRET("x")}---\n${SECRET("x")}`), { code: 1, stderr: /secret "x" is there twice/ });
});

t.test("a Secret that can't be changed keeps everything of its manifest from being applied", async (t) => {
  const fake = await startFake(t);
  const fixed = (value: string) => `${SECRET("fixed", value)}immutable: true\n`;
  await runCommand(fake, ["create", "-f", "-"], { input: fixed("1") });
  const input = `${SECRET("another")}---\n${fixed("2")}`;
  said(t, await runCommand(fake, ["apply", "-f", "-"], { input }), {
    code: 1,
    stdout: "",
    stderr: /Invalid.*the Secret is immutable/,
  });
  t.equal(fake.objects.list("Secret").length, 1);
});

t.test("delete takes Secrets by name, by label and by manifest, pods first", async (t) => {
  const fake = await startFake(t);
  const input = `${SECRET("web")}---\n${manifest("web")}`;
  await runCommand(fake, ["apply", "-f", "-"], { input });
  said(t, await runCommand(fake, ["delete", "-f", "-"], { input }), {
    stdout: /^pod "web" deleted\nsecret "web" deleted\n$/,
  });
  t.same(fake.objects.list("Secret"), []);
  await runCommand(fake, ["apply", "-f", "-"], { input: `${SECRET("a")}---\n${SECRET("b")}` });
  said(t, await runCommand(fake, ["delete", "secret", "a", "gone"]), {
    code: 1,
    stdout: 'secret "a" deleted\n',
    stderr: 'Error from server (NotFound): secrets "gone" not found\n',
  });
  said(t, await runCommand(fake, ["delete", "secrets", "--all", "-o", "name"]), { stdout: "secret/b\n" });
  t.same(fake.objects.list("Secret"), []);
});

t.test("commands on pods refuse Secrets by name", async (t) => {
  const fake = await startFake(t);
  said(t, await runCommand(fake, ["logs", "secret/a"]), {
    code: 1,
    stderr: /this command is not for "secret": it takes pods/,
  });
  const planned = await runCommand(fake, ["plan", "-f", "-"], { input: SECRET("a") });
  said(t, planned, { code: 1, stderr: /only pods have a plan/ });
});
