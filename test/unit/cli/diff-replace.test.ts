import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { runCommand, runningPod, startFake } from "../api/fake.ts";
import { manifest, said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

const configMap = (data: object) =>
  JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" }, data });

t.test("diff shows what apply would change, tells it by its exit code, and changes nothing", async (t) => {
  const fake = await startFake(t);
  const diff = (input: string, env: NodeJS.ProcessEnv = {}) => runCommand(fake, ["diff", "-f", "-"], { input, env });
  said(t, await diff(configMap({ a: "1" })), { code: 1, stdout: /^\+ {2}a: "1"$/m });
  t.equal(fake.objects.find("ConfigMap", "default", "web"), undefined);
  await runCommand(fake, ["apply", "-f", "-"], { input: configMap({ a: "1", b: "1" }) });
  said(t, await diff(configMap({ a: "1", b: "1" })), { code: 0, stdout: "", stderr: "" });
  const changed = await diff(configMap({ a: "2" }));
  said(t, changed, { code: 1, stdout: /^- {2}a: "1"$\n^- {2}b: "1"$\n^\+ {2}a: "2"$/m });
  t.notMatch(changed.stdout, /managedFields|f:a/);
  t.same(fake.objects.get("ConfigMap", "default", "web").data, { a: "1", b: "1" });
  said(t, await diff(configMap({ a: "2" }), { KUBECTL_EXTERNAL_DIFF: "ls -d" }), {
    code: 0,
    stdout: /LIVE-.*MERGED-/s,
  });
  said(t, await diff("nonsense"), { code: 2, stdout: "" });
  said(t, await diff(configMap({}), { KUBECTL_EXTERNAL_DIFF: "no-such-program" }), { code: 2, stderr: /can't be run/ });
  fake.pods.put(runningPod("hello"));
  said(t, await diff(manifest("hello").replace("name: hello", "name: hello\n  labels: {a: b}")), {
    code: 1,
    stdout: /^\+ {4}a: b$/m,
  });
});

t.test("diff shows no value of a Secret, but which one is another", async (t) => {
  const fake = await startFake(t);
  const secret = (stringData: object) =>
    JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name: "db" }, stringData });
  await runCommand(fake, ["apply", "-f", "-"], { input: secret({ user: "admin", password: "geheim" }) });
  const { stdout } = await runCommand(fake, ["diff", "-f", "-"], { input: secret({ user: "admin", password: "neu" }) });
  t.match(stdout, /^- {2}password: "\*\*\* \(before\)"$\n^\+ {2}password: "\*\*\* \(after\)"$/m);
  t.match(stdout, /^ {3}user: "\*\*\*"$/m);
  t.notMatch(stdout, /geheim|neu|Z2VoZWlt|bmV1/);
});

t.test("replace makes an object exactly what its manifest says, and refuses one that is not there", async (t) => {
  const fake = await startFake(t);
  const replace = (input: string, ...flags: string[]) => runCommand(fake, ["replace", "-f", "-", ...flags], { input });
  said(t, await replace(configMap({})), {
    code: 1,
    stderr: /^Error from server \(NotFound\): configmaps "web" not found/,
  });
  await runCommand(fake, ["create", "-f", "-"], { input: configMap({ a: "1", b: "1" }) });
  said(t, await replace(configMap({ a: "2" }), "--dry-run=server"), {
    stdout: "configmap/web replaced (server dry run)\n",
  });
  t.same(fake.objects.get("ConfigMap", "default", "web").data, { a: "1", b: "1" });
  said(t, await replace(configMap({ a: "2" })), { stdout: "configmap/web replaced\n" });
  t.same(fake.objects.get("ConfigMap", "default", "web").data, { a: "2" });
  said(t, await replace(configMap({}), "--timeout=1s"), { code: 1, stderr: /--timeout must have --force specified/ });
});

t.test(
  "replace --force deletes a pod, waits for its end and creates it anew; one that is not there is created",
  async (t) => {
    const fake = await startFake(t);
    const file = join(fake.folder, "pod.yaml");
    writeFileSync(file, manifest("hello", "  hostNetwork: true\n"));
    const argv = ["replace", "--force", "--grace-period=3", "-f", file];
    said(t, await runCommand(fake, argv), { stdout: "pod/hello replaced\n" });
    const { uid } = fake.pods.get("default", "hello").metadata;
    said(t, await runCommand(fake, argv), { stdout: 'pod "hello" deleted\npod/hello replaced\n' });
    t.not(fake.pods.get("default", "hello").metadata.uid, uid);
    t.same(fake.pods.deletions, [3]);
    fake.pods.holdDeletes = true;
    said(t, await runCommand(fake, [...argv, "--timeout=10ms"]), {
      code: 1,
      stderr: /timed out waiting for Pod "hello"/,
    });
  },
);

t.test("replace --force refuses wrong flags and the node before anything is deleted", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("hello"));
  const node = "---\napiVersion: v1\nkind: Node\nmetadata: {name: here}\n";
  const replace = (input: string, ...argv: string[]) =>
    runCommand(fake, ["replace", "--force", "-f", "-", ...argv], { input });
  const config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n---\n";
  said(t, await runCommand(fake, ["apply", "-f", "-"], { input: config }), { code: 0 });
  const { uid } = fake.objects.get("ConfigMap", "default", "web").metadata;
  said(t, await replace(`${config}${manifest("hello")}`, "--grace-period=x"), { code: 1, stderr: /--grace-period/ });
  t.equal(fake.objects.get("ConfigMap", "default", "web").metadata.uid, uid);
  said(t, await replace(`${manifest("hello")}${node}`), { code: 1, stderr: /the node can't be made anew/ });
  t.same(fake.pods.deletions, []);
});

t.test("a dry run of a pod's replacement changes nothing", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("hello"));
  const input = manifest("hello").replace("name: hello", "name: hello\n  labels: {a: b}");
  said(t, await runCommand(fake, ["replace", "-f", "-", "--dry-run=server"], { input }), { code: 0 });
  t.notMatch(fake.pods.get("default", "hello").metadata.labels, { a: "b" });
});

t.test("wait takes files, and has nothing to wait for where nothing is left to go", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("hello"));
  const file = join(fake.folder, "pod.yaml");
  writeFileSync(file, manifest("hello"));
  const wait = (...argv: string[]) => runCommand(fake, ["wait", ...argv, "--timeout=1s"]);
  said(t, await wait("-f", file, "--for=create"), { stdout: "pod/hello condition met\n" });
  said(t, await wait("pods", "-l", "app=none", "--for=delete"), { code: 0, stdout: "", stderr: "" });
  said(t, await wait("pods", "-l", "app=none", "--for=create"), { code: 1, stderr: /no matching resources found/ });
  said(t, await wait("-f", file, "pod", "x", "--for=create"), { code: 1, stderr: /when -f is given/ });
});
