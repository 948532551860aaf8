// Small things that a kubectl user's fingers and scripts expect.
import t from "tap";
import { HttpClient } from "../../../src/api/client-http.ts";
import { parseManifests } from "../../../src/spec/manifest.ts";
import { makePod, runCommand, runningPod, startFake } from "../api/fake.ts";
import { manifest, said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

t.test("get shows labels as columns, names with their type, what a file names, and any path", async (t) => {
  const fake = await startFake(t);
  for (const name of ["web", "db"]) {
    const pod = runningPod(name);
    pod.metadata.labels = { app: name, ...(name === "web" && { "example.com/tier": "front" }) };
    await fake.pods.create(pod);
  }
  const get = (...argv: string[]) => runCommand(fake, ["get", ...argv]);
  said(t, await get("pods", "-L", "app,example.com/tier"), {
    stdout: /^NAME .* AGE +APP +TIER\nweb .* web +front\ndb .* db *\n$/,
  });
  said(t, await get("pods", "-L", "app", "-l", "app=db", "--show-labels"), {
    stdout: / APP +LABELS\ndb .* db +app=db\n$/,
  });
  said(t, await get("nodes", "-L", "disk"), { stdout: / DISK\nnode .* ssd\n$/ });
  said(t, await get("pods", "--show-kind", "--no-headers"), { stdout: /^pod\/web .*\npod\/db .*\n$/ });
  said(t, await runCommand(fake, ["get", "-f", "-", "-o", "name"], { input: manifest("db") }), { stdout: "pod/db\n" });
  said(t, await get("--raw", "/healthz"), { stdout: "ok" });
  said(t, await get("--raw", "/nowhere"), { code: 1, stderr: /NotFound/ });
  said(t, await get("--raw", "healthz"), { code: 1, stderr: /path that begins with \// });
  said(t, await get("things"), { code: 1, stderr: /^error: the server doesn't have a resource type "things"/ });
});

t.test("YAML is written so that kubectl, which reads YAML 1.1, reads the same, without what is empty", async (t) => {
  const fake = await startFake(t);
  const words = ["yes", "off", "1_000", "1:30", "2020-01-01", "null", "~", "012", "0o7", "1e3", "plain", "<<"];
  const flags = words.map((word, index) => `--from-literal=k${index}=${word}`);
  const { stdout } = await runCommand(fake, ["create", "cm", "x", ...flags, "--dry-run=client", "-o", "yaml"]);
  for (const [index, word] of words.entries())
    t.match(stdout, word === "plain" ? `k${index}: plain\n` : `k${index}: "${word}"\n`);
  const [document] = parseManifests(stdout, "out");
  t.match(document?.object, { data: Object.fromEntries(words.map((word, index) => [`k${index}`, word])) });
  await fake.pods.create(makePod("web"));
  const yaml = (await runCommand(fake, ["get", "pod", "web", "-o", "yaml"])).stdout;
  t.notMatch(yaml, /labels|annotations|managedFields/);
});

t.test("delete says what it would do, and does nothing", async (t) => {
  const fake = await startFake(t);
  await fake.pods.create(makePod("web"));
  fake.objects.ensureNamespaces(["default"]);
  said(t, await runCommand(fake, ["create", "cm", "cm"]), { stdout: "configmap/cm created\n" });
  const remove = (...argv: string[]) => runCommand(fake, ["delete", ...argv]);
  said(t, await remove("pod", "web", "--dry-run=client"), { stdout: 'pod "web" deleted (dry run)\n' });
  said(t, await remove("pod/web", "cm/cm", "--dry-run=server"), {
    stdout: 'pod "web" deleted (server dry run)\nconfigmap "cm" deleted (server dry run)\n',
  });
  said(t, await remove("pods", "--all", "--dry-run=client", "-o", "name"), { stdout: "pod/web\n" });
  said(t, await remove("pod", "gone", "--dry-run=client"), { code: 1, stderr: /pods "gone" not found/ });
  said(t, await remove("ns", "default", "--dry-run=server"), { code: 1, stderr: /\(Forbidden\)/ });
  t.same(fake.pods.deletions, []);
  t.ok(fake.objects.find("ConfigMap", "default", "cm"));
});

t.test("api-resources and api-versions name what there is", async (t) => {
  const fake = await startFake(t);
  const run = (...argv: string[]) => runCommand(fake, argv);
  said(t, await run("api-resources", "--namespaced=false", "-o", "name"), {
    stdout: "namespaces\nnodes\npersistentvolumes\npriorityclasses.scheduling.k8s.io\nstorageclasses.storage.k8s.io\n",
  });
  said(t, await run("api-resources", "-o", "wide"), {
    stdout: / VERBS +CATEGORIES\n.*^nodes .* get,list,patch,update,watch *$.*^pods .* all$/ms,
  });
  said(t, await run("api-resources", "--namespaced=maybe"), { code: 1, stderr: /want true or false/ });
  said(t, await run("api-versions"), { stdout: "scheduling.k8s.io/v1\nstorage.k8s.io/v1\nv1\n" });
  said(t, await run("explain", "pod.spec.nodeName"), {
    stdout: /^FIELD: nodeName <string>\n\nDESCRIPTION:\n {4}.*\n$/m,
  });
});

t.test("a deletion's DeleteOptions are read of the body too: a client's dry run deletes nothing", async (t) => {
  const fake = await startFake(t);
  await fake.pods.create(makePod("web"));
  fake.objects.ensureNamespaces(["default"]);
  await runCommand(fake, ["create", "cm", "cm"]);
  const http = new HttpClient(fake.config, { start: false });
  const at = "/api/v1/namespaces/default";
  for (const path of ["pods/web", "configmaps/cm"])
    await http.json("DELETE", `${at}/${path}`, {}, { kind: "DeleteOptions", apiVersion: "v1", dryRun: ["All"] });
  t.same(fake.pods.deletions, []);
  t.ok(fake.objects.find("ConfigMap", "default", "cm"));
  await t.rejects(http.json("DELETE", `${at}/pods/web`, {}, { gracePeriodSeconds: -1 }), { code: "BadRequest" });
  fake.pods.holdDeletes = true;
  await http.json("DELETE", `${at}/pods/web`, {}, { gracePeriodSeconds: 3 });
  t.same(fake.pods.deletions, [3]);
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "web" } };
  const evict = (more: object) => http.json("POST", `${at}/pods/web/eviction`, {}, { ...eviction, ...more });
  await evict({ deleteOptions: { dryRun: ["All"], gracePeriodSeconds: 5 } });
  t.same(fake.pods.evictions, [{ name: "web", gracePeriodSeconds: 5, dryRun: true }]);
  await t.rejects(evict({ metadata: { name: "db" } }), { code: "BadRequest" });
  await t.rejects(evict({ kind: "Pod" }), { code: "BadRequest" });
});
