import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { mayBeTried } from "../../../src/cli/manifests.ts";
import { decodeKubeObject, decodePod, type Pod } from "../../../src/spec/index.ts";
import { makePod, runCommand, runningPod, startFake } from "../api/fake.ts";
import { manifest, said } from "./said.ts";

const bare = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "x" },
  spec: { containers: [{ name: "main", image: "podrun.local/base" }] },
};

// Each command is a process of its own.
t.setTimeout(120_000);

t.test("apply creates, leaves unchanged what is the same, and changes what differs", async (t) => {
  const fake = await startFake(t);
  const file = join(fake.folder, "pod.yaml");
  writeFileSync(file, manifest("hello"));
  said(t, await runCommand(fake, ["apply", "-f", file]), { stdout: "pod/hello created\n", stderr: "" });
  said(t, await runCommand(fake, ["apply", "-f", file]), { stdout: "pod/hello unchanged\n" });
  const changed = manifest("hello").replace("  name: hello", "  name: hello\n  labels: {a: b}");
  said(t, await runCommand(fake, ["apply", "-f", "-"], { input: changed }), { stdout: "pod/hello configured\n" });
  t.same(fake.pods.get("default", "hello").metadata.labels, { a: "b" });
});

t.test("apply takes away what its manifest has no longer, and leaves what others have put there", async (t) => {
  const fake = await startFake(t);
  const configMap = (data: object, labels: object) =>
    JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web", labels }, data });
  const apply = (input: string, ...flags: string[]) => runCommand(fake, ["apply", "-f", "-", ...flags], { input });
  said(t, await apply(configMap({ a: "1", b: "2" }, { app: "web" })), { stdout: "configmap/web created\n" });
  await runCommand(fake, ["patch", "cm", "web", "-p", '{"data":{"own":"3"},"metadata":{"labels":{"own":"y"}}}']);
  said(t, await apply(configMap({ a: "1", b: "2" }, { app: "web" })), { stdout: "configmap/web unchanged\n" });
  const dry = await apply(configMap({ a: "4" }, {}), "--dry-run=server", "-o", "json");
  t.same(JSON.parse(dry.stdout).data, { a: "4", own: "3" });
  t.same(
    fake.objects.get("ConfigMap", "default", "web").data,
    { a: "1", b: "2", own: "3" },
    "a dry run changes nothing",
  );
  said(t, await apply(configMap({ a: "4" }, {})), { stdout: "configmap/web configured\n" });
  t.match(fake.objects.get("ConfigMap", "default", "web"), { metadata: { labels: { own: "y" } } });
  t.same(fake.objects.get("ConfigMap", "default", "web").data, { a: "4", own: "3" });
  const flags = ["--server-side", "--force-conflicts"];
  said(t, await apply(configMap({ a: "5" }, {}), ...flags), { stdout: "configmap/web configured\n" });
  said(t, await apply(configMap({ a: "4" }, {}), ...flags, "--dry-run"), {
    code: 1,
    stderr: /doesn't work with --server-side/,
  });
  said(t, await apply(configMap({ a: "4" }, {}), "--force-conflicts"), {
    code: 1,
    stderr: /only works with --server-side/,
  });

  said(t, await apply(manifest("hello")), { stdout: "pod/hello created\n" });
  said(t, await runCommand(fake, ["label", "pod", "hello", "own=y"]), { stdout: "pod/hello labeled\n" });
  said(t, await apply(manifest("hello")), { stdout: "pod/hello unchanged\n" });
  const labelled = manifest("hello").replace("  name: hello", "  name: hello\n  labels: {a: b}");
  await apply(labelled);
  t.same(fake.pods.get("default", "hello").metadata.labels, { own: "y", a: "b" });
  await apply(manifest("hello"));
  t.same(fake.pods.get("default", "hello").metadata.labels, { own: "y" });
  said(t, await runCommand(fake, ["get", "pod", "hello", "-o", "yaml"]), { stdout: /^(?!.*managedFields)/s });
});

t.test("apply of a Secret keeps no value on record, and forgets a key that was in stringData", async (t) => {
  const fake = await startFake(t);
  const secret = (stringData: object) =>
    JSON.stringify({ apiVersion: "v1", kind: "Secret", metadata: { name: "db" }, stringData });
  await runCommand(fake, ["apply", "-f", "-"], { input: secret({ user: "geheim", old: "geheim" }) });
  await runCommand(fake, ["apply", "-f", "-"], { input: secret({ user: "neu" }) });
  const { data, metadata } = fake.objects.get("Secret", "default", "db");
  t.same(data, { user: Buffer.from("neu").toString("base64") });
  t.notMatch(JSON.stringify(metadata), /geheim|neu|bmV1/);
});

t.test("apply of several documents, files and a folder: one bad document, and nothing is applied", async (t) => {
  const fake = await startFake(t);
  const folder = join(fake.folder, "pods");
  mkdirSync(folder);
  writeFileSync(join(folder, "a.yaml"), `${manifest("one")}---\n${manifest("two")}`);
  writeFileSync(join(folder, "b.yml"), manifest("three", "  hostNetwrok: true\n"));
  writeFileSync(join(folder, "README"), "not a manifest");
  const bad = await runCommand(fake, ["apply", "-f", folder]);
  said(t, bad, { code: 1, stdout: "", stderr: /^error: .*b\.yml:6: spec\.hostNetwrok: .*hostNetwork/ });
  t.equal(fake.pods.pods.size, 0);
  writeFileSync(join(folder, "b.yml"), manifest("three"));
  said(t, await runCommand(fake, ["apply", "-f", folder]), {
    stdout: "pod/one created\npod/two created\npod/three created\n",
  });
});

t.test("a folder's links to files are manifests, too; one to nowhere and a URL are told", async (t) => {
  const fake = await startFake(t);
  const folder = join(fake.folder, "pods");
  mkdirSync(folder);
  mkdirSync(join(folder, "folder.yaml"));
  writeFileSync(join(fake.folder, "one.yaml"), manifest("one"));
  symlinkSync("../one.yaml", join(folder, "a.yaml"));
  said(t, await runCommand(fake, ["apply", "-f", folder]), { stdout: "pod/one created\n" });
  symlinkSync("../none.yaml", join(folder, "b.yaml"));
  said(t, await runCommand(fake, ["apply", "-f", folder]), { code: 1, stderr: /b\.yaml" does not exist/ });
  said(t, await runCommand(fake, ["apply", "-f", "https://example.com/x.yaml"]), {
    code: 1,
    stderr: /curl -sSfL https:/,
  });
});

t.test("a pod may name the priority class that its manifest brings along", async (t) => {
  const made = decodeKubeObject({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: "high" },
    value: 5,
  });
  const [first, second] = ["high", "other"].map((priorityClassName) =>
    decodePod({ ...bare, spec: { ...bare.spec, priorityClassName } }),
  ) as [Pod, Pod];
  const mayTry = mayBeTried([made, first, second]);
  t.same([made, first, second].map(mayTry), [true, false, true]);
});

t.test("apply refuses what is no manifest, naming file and line, and starts no daemon for it", async (t) => {
  const fake = await startFake(t);
  await fake.close();
  for (const [text, want] of [
    ["a: b: c\n", /standard input:1: /],
    ["a:\n\t- b\n", /standard input:2: .*tab/],
    ["\x00\x01", /binary/],
    ["", /no objects in -/],
    ["kind: Pod\napiVersion: v1\nmetadata: {name: UPPER}\nspec: {containers: []}\n", /metadata\.name/],
    [`${manifest("x")}---\n${manifest("x")}`, /pod "x" is there twice/],
  ] as const) {
    const result = await runCommand(fake, ["apply", "-f", "-"], { input: text });
    said(t, result, { code: 1, stdout: "", stderr: want });
    t.match(result.stderr, /^error: /);
  }
  said(t, await runCommand(fake, ["apply", "-f", "/nonexistent.yaml"]), {
    code: 1,
    stderr: 'error: the path "/nonexistent.yaml" does not exist\n',
  });
  said(t, await runCommand(fake, ["apply"]), { code: 1, stderr: /must specify -f/ });
  const other = await runCommand(fake, ["apply", "-n", "b", "-f", "-"], {
    input: manifest("x").replace("name: x", "name: x\n  namespace: a"),
  });
  said(t, other, { code: 1, stderr: /does not match the namespace "b"/ });
});

t.test("create refuses a pod that exists, in kubectl's words", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(makePod("hello"));
  said(t, await runCommand(fake, ["create", "-f", "-"], { input: manifest("hello") }), {
    code: 1,
    stdout: "",
    stderr: 'Error from server (AlreadyExists): pods "hello" already exists\n',
  });
});

t.test("run makes the pod that kubectl run makes", async (t) => {
  const fake = await startFake(t);
  const dry = await runCommand(fake, [
    ...["run", "web", "--image=podrun.local/base", "--dry-run=client", "-o", "json", "--env=A=b=c", "--port=80"],
    ...["--labels=x=y,z=w", "--restart=Never", "--command", "--", "sleep", "9"],
  ]);
  const pod = JSON.parse(dry.stdout);
  t.match(pod, {
    metadata: { name: "web", labels: { x: "y", z: "w" } },
    spec: {
      restartPolicy: "Never",
      containers: [
        { name: "web", command: ["sleep", "9"], env: [{ name: "A", value: "b=c" }], ports: [{ containerPort: 80 }] },
      ],
    },
  });
  t.notOk("uid" in pod.metadata);
  t.equal(fake.pods.pods.size, 0);
  said(t, await runCommand(fake, ["run", "podrun.local/base:latest", "--", "a"]), { stdout: "pod/base created\n" });
  t.match(fake.pods.get("default", "base").spec.containers[0], { image: "podrun.local/base:latest", args: ["a"] });
  for (const argv of [[], ["x", "--image=a", "--rm"], ["x", "--image=a", "-t"], ["x", "--image=a", "--port=http"]])
    said(t, await runCommand(fake, ["run", ...argv]), { code: 1, stderr: /^error: / });
});

t.test("run -i --rm --restart=Never attaches, exits as the container did, and deletes the pod", async (t) => {
  const fake = await startFake(t);
  fake.pods.programs["attach"] = (session) => {
    session.events.on("endStdin", () => {
      session.onStdout(Buffer.concat(session.input));
      const pod = runningPod("sh", ["sh"]);
      pod.spec.restartPolicy = "Never";
      pod.status.phase = "Failed";
      const [status] = pod.status.containerStatuses ?? [];
      if (status !== undefined) status.state = { terminated: { exitCode: 5 } };
      fake.pods.put(pod);
      session.end(0);
    });
  };
  const argv = ["run", "-i", "--rm", "sh", "--image=podrun.local/base", "--restart=Never"];
  const running = runCommand(fake, argv, { input: "typed" });
  while (fake.pods.pods.size === 0) await fake.client.version();
  fake.pods.put(runningPod("sh", ["sh"]));
  said(t, await running, { code: 5, stdout: "typed", stderr: 'pod "sh" deleted\n' });
});

t.test("what a short command wrote before run -i was attached is shown out of its log", async (t) => {
  const fake = await startFake(t);
  const path = join(t.testdir(), "0.log");
  writeFileSync(path, "2026-11-21T12:00:00.000000001Z stdout F too early\n");
  fake.pods.logs = { path, running: () => false, onEnd: () => () => undefined };
  fake.pods.programs["attach"] = (session) => {
    const pod = runningPod("sh", ["sh"]);
    pod.spec.restartPolicy = "Never";
    pod.status.phase = "Succeeded";
    const [status] = pod.status.containerStatuses ?? [];
    if (status !== undefined) status.state = { terminated: { exitCode: 0 } };
    fake.pods.put(pod);
    session.end(0);
  };
  const running = runCommand(fake, ["run", "-i", "sh", "--image=podrun.local/base", "--restart=Never"]);
  while (fake.pods.pods.size === 0) await fake.client.version();
  fake.pods.put(runningPod("sh", ["sh"]));
  said(t, await running, { code: 0, stdout: "too early\n" });
});

t.test("plan is grouped by sandbox and container, with reasons; -o json is the data", async (t) => {
  const fake = await startFake(t);
  const why = "pod.yaml:7 spec.hostNetwork";
  fake.pods.operations = [
    { index: 0, part: "sandbox", actor: "monitor", op: "unshare", text: "ipc", why },
    { index: 1, part: "web", actor: "stage", op: "mount", text: "mount proc on /proc", why: "default" },
  ];
  const { stdout } = await runCommand(fake, ["plan", "-f", "-"], { input: manifest("web") });
  t.equal(
    stdout,
    "sandbox\n  0  monitor  unshare ipc          # pod.yaml:7 spec.hostNetwork\n\ncontainer web\n" +
      "  1  stage    mount proc on /proc  # default\n\n2 operations; nothing was executed.\n",
  );
  t.match(fake.pods.planned?.sources?.[0], {
    "metadata.name": "standard input:4",
    "spec.containers[0].image": "standard input:8",
  });
  const json = await runCommand(fake, ["plan", "-f", "-", "-o", "json"], { input: manifest("web") });
  t.same(JSON.parse(json.stdout), { operations: fake.pods.operations });
  t.equal(fake.pods.pods.size, 0);
});

t.test("trace draws bars, a picture, and data", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web"));
  const operation = { part: "sandbox", actor: "monitor", op: "open", text: 'a<b>&"c"', why: "" };
  fake.pods.traced = [
    { ...operation, index: 0, start: 1000n, end: 501_000n },
    { ...operation, index: 1, start: 501_000n, end: 1_001_000n, errno: "ENOENT" },
    { ...operation, index: 2, start: 0n, end: 0n },
  ];
  const { stdout } = await runCommand(fake, ["trace", "web"]);
  t.match(
    stdout,
    /^sandbox\n +0 +monitor +open a<b>&"c" +500 µs █+\n +1 +monitor +ENOENT: open .* 500 µs +█+\n\n2 operations in 1\.00 ms\.\n$/,
  );
  const svg = (await runCommand(fake, ["trace", "web", "-o", "svg"])).stdout;
  t.match(svg, /^<svg [\s\S]*open a&lt;b&gt;&amp;&quot;c&quot;[\s\S]*<\/svg>\n$/);
  t.equal(JSON.parse((await runCommand(fake, ["trace", "web", "-o", "json"])).stdout).operations.length, 3);
});
