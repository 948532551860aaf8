import t from "tap";
import { choosePods } from "../../../src/cli/node/drain-choice.ts";
import { changeTaints, parseTaints } from "../../../src/cli/node/taint-words.ts";
import { makePod, runCommand, runningPod, startFake } from "../api/fake.ts";
import { said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

t.test("taints are read as kubectl reads them", (t) => {
  t.same(parseTaints(["a=b:NoSchedule", "c:NoExecute", "d-", "e:PreferNoSchedule-"]), {
    set: [
      { key: "a", value: "b", effect: "NoSchedule" },
      { key: "c", effect: "NoExecute" },
    ],
    remove: [
      { key: "d", effect: undefined },
      { key: "e", effect: "PreferNoSchedule" },
    ],
  });
  for (const [words, message] of [
    [[], /at least one taint update is required/],
    [["a=b"], /invalid taint spec: a=b, it has no effect/],
    [["a=b:Never"], /invalid taint effect: Never, unsupported taint effect/],
    [["a=b=c:NoSchedule"], /invalid taint spec: a=b=c:NoSchedule/],
    [["a b:NoSchedule"], /invalid taint spec: .*is not a label key/],
    [["a=-x:NoSchedule"], /invalid taint spec: .*is not a label value/],
    [["a:NoSchedule", "a=b:NoSchedule"], /duplicated taints with the same key and effect: a:NoSchedule/],
    [
      ["a:NoSchedule", "a-"],
      /can not both modify and remove the following taint\(s\) in the same command: a:NoSchedule/,
    ],
  ] as const)
    t.throws(() => parseTaints(words), { message });
  t.same(parseTaints(["a:NoSchedule", "a:NoExecute-"]).remove, [{ key: "a", effect: "NoExecute" }]);
  t.end();
});

t.test("taints are set and taken away by key and effect", (t) => {
  const have = [
    { key: "a", effect: "NoSchedule" },
    { key: "a", effect: "NoExecute" },
    { key: "b", value: "1", effect: "NoSchedule" },
  ] as const;
  const change = (words: readonly string[], overwrite = false) =>
    changeTaints("n", have, parseTaints(words), overwrite).map(
      ({ key, value = "", effect }) => `${key}${value && `=${value}`}:${effect}`,
    );
  t.same(change(["a-"]), ["b=1:NoSchedule"]);
  t.same(change(["a:NoExecute-", "c:NoSchedule"]), ["a:NoSchedule", "b=1:NoSchedule", "c:NoSchedule"]);
  t.same(change(["b=2:NoSchedule"], true), ["a:NoSchedule", "a:NoExecute", "b=2:NoSchedule"]);
  t.throws(() => change(["b=2:NoSchedule"]), {
    message: "node n already has b taint(s) with same effect(s) and --overwrite is false",
  });
  t.throws(() => change(["c-"]), { message: 'taint "c" not found' });
  t.throws(() => change(["b:NoExecute-"]), { message: 'taint "b:NoExecute" not found' });
  t.end();
});

t.test("label, annotate, taint and patch change the node, and say so in kubectl's words", async (t) => {
  const fake = await startFake(t);
  const run = (...argv: string[]) => runCommand(fake, argv);
  said(t, await run("label", "node", "node", "gpu=yes", "disk-"), { stdout: "node/node labeled\n" });
  said(t, await run("label", "nodes", "--all", "gpu=no"), { code: 1, stderr: /'gpu' already has a value \(yes\)/ });
  said(t, await run("annotate", "no/node", "who=me"), { stdout: "node/node annotated\n" });
  t.same(fake.node.node.metadata.labels, { "node-role.kubernetes.io/worker": "", gpu: "yes" });
  t.same(fake.node.node.metadata.annotations, { who: "me" });
  const keys = () => fake.node.node.spec.taints?.map(({ key, effect }) => `${key}:${effect}`);
  said(t, await run("taint", "nodes", "node", "a=b:NoSchedule"), { stdout: "node/node tainted\n" });
  t.same(keys(), ["dedicated:NoSchedule", "a:NoSchedule"]);
  said(t, await run("taint", "node/node", "a-", "c:NoExecute"), { stdout: "node/node modified\n" });
  said(t, await run("taint", "nodes", "--all", "c-"), { stdout: "node/node untainted\n" });
  said(t, await run("taint", "nodes", "node", "d:NoSchedule", "--dry-run=client"), {
    stdout: "node/node tainted (dry run)\n",
  });
  t.same(keys(), ["dedicated:NoSchedule"]);
  said(t, await run("taint", "nodes", "node", "dedicated=x:NoSchedule"), {
    code: 1,
    stderr: /^error: node node already has dedicated taint\(s\) with same effect\(s\) and --overwrite is false\n/,
  });
  said(t, await run("taint", "nodes", "node", "dedicated=x:NoSchedule", "--overwrite"), {
    stdout: "node/node tainted\n",
  });
  said(t, await run("taint", "nodes", "other", "a:NoSchedule"), {
    code: 1,
    stderr: 'Error from server (NotFound): nodes "other" not found\n',
  });
  said(t, await run("taint", "pods", "x", "a:NoSchedule"), { code: 1, stderr: /only "node" is supported/ });
  said(t, await run("taint", "nodes", "a:NoSchedule"), { code: 1, stderr: /'all' parameter is not set/ });
  said(t, await run("patch", "node", "node", "-p", '{"spec":{"unschedulable":true}}'), {
    stdout: "node/node patched\n",
  });
  said(t, await run("get", "nodes"), { stdout: /^node +Ready,SchedulingDisabled +worker /m });
  said(t, await run("describe", "node", "node"), { stdout: /^Annotations: +who: me\n.*^Unschedulable: +true$/ms });
});

t.test("a node's manifest is applied onto what it says; a node is neither made nor deleted", async (t) => {
  const fake = await startFake(t);
  const run = (argv: string[], metadata: object = { name: "node", labels: { rack: "7" } }) =>
    runCommand(fake, argv, { input: JSON.stringify({ apiVersion: "v1", kind: "Node", metadata }) });
  said(t, await run(["apply", "-f", "-"]), { stdout: "node/node configured\n" });
  t.same(fake.node.node.metadata.labels, { disk: "ssd", "node-role.kubernetes.io/worker": "", rack: "7" });
  t.equal(fake.node.node.spec.taints?.length, 1);
  said(t, await run(["apply", "-f", "-"]), { stdout: "node/node unchanged\n" });
  const whole = await runCommand(fake, ["get", "node", "node", "-o", "json"]);
  said(t, await runCommand(fake, ["apply", "-f", "-"], { input: whole.stdout }), { stdout: "node/node unchanged\n" });
  said(t, await run(["create", "-f", "-"]), { code: 1, stderr: /\(AlreadyExists\): nodes "node" already exists/ });
  said(t, await run(["apply", "-f", "-"], { name: "two" }), {
    code: 1,
    stderr: /\(Forbidden\).*there is one node, and it is "node"/,
  });
  said(t, await run(["delete", "node", "node"]), {
    code: 1,
    stderr: /\(Forbidden\): nodes "node" is forbidden: it is this machine/,
  });
});

t.test("cordon and uncordon say what they did, or that there was nothing to do", async (t) => {
  const fake = await startFake(t);
  const run = (...argv: string[]) => runCommand(fake, argv);
  said(t, await run("cordon", "node", "--dry-run=server"), { stdout: "node/node cordoned (server dry run)\n" });
  t.equal(fake.node.node.spec.unschedulable, undefined);
  said(t, await run("cordon", "node"), { stdout: "node/node cordoned\n" });
  t.equal(fake.node.node.spec.unschedulable, true);
  said(t, await run("cordon", "node/node"), { stdout: "node/node already cordoned\n" });
  said(t, await run("uncordon", "node"), { stdout: "node/node uncordoned\n" });
  said(t, await run("uncordon", "-l", "disk=ssd"), { stdout: "node/node already uncordoned\n" });
  said(t, await run("cordon"), { code: 1, stderr: /want the name of a node/ });
  said(t, await run("cordon", "other"), { code: 1, stderr: /nodes "other" not found/ });
});

t.test("a drain ends whom it is allowed to, and leaves static pods", (t) => {
  const emptyDir = runningPod("cache");
  emptyDir.spec.volumes = [{ name: "v", emptyDir: {} }];
  const over = runningPod("over");
  over.status.phase = "Succeeded";
  const mirror = runningPod("static");
  mirror.metadata.annotations["kubernetes.io/config.mirror"] = "x";
  const names = (pods: readonly { metadata: { name: string } }[]) => pods.map(({ metadata }) => metadata.name);
  const all = [runningPod("web"), emptyDir, over, mirror, runningPod("db")];
  t.same(choosePods(all, { force: false, deleteEmptyDirData: false }).errors, [
    "cannot delete Pods that declare no controller (use --force to override): default/web, default/db",
    "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/cache",
  ]);
  t.match(choosePods(all, { force: true, deleteEmptyDirData: false }).errors, [/local storage.*default\/cache$/]);
  const chosen = choosePods(all, { force: true, deleteEmptyDirData: true });
  t.same(chosen.errors, []);
  t.same(names(chosen.pods), ["web", "cache", "over", "db"]);
  t.equal(chosen.warnings, "deleting Pods that declare no controller: default/web, default/cache, default/db");
  t.same(choosePods([over, mirror], { force: false, deleteEmptyDirData: false }).errors, []);
  t.end();
});

t.test("drain cordons the node, evicts its pods and waits until they are gone", async (t) => {
  const fake = await startFake(t);
  const run = (...argv: string[]) => runCommand(fake, ["drain", ...argv]);
  const placed = (name: string) => ({ ...makePod(name), spec: { ...makePod(name).spec, nodeName: "node" } });
  for (const name of ["one", "two"]) await fake.pods.create(placed(name));
  await fake.pods.create(makePod("waits"));
  said(t, await run("node"), {
    code: 1,
    stdout: "node/node cordoned\n",
    stderr:
      'error: unable to drain node "node" due to error: cannot delete Pods that declare no controller (use --force to override): default/one, default/two, continuing command...\n' +
      "There are pending nodes to be drained:\n node\n" +
      "cannot delete Pods that declare no controller (use --force to override): default/one, default/two\n",
  });
  said(t, await run("node", "--force", "--dry-run=client"), {
    stdout:
      "node/node already cordoned (dry run)\nevicting pod default/one (dry run)\nevicting pod default/two (dry run)\nnode/node drained (dry run)\n",
  });
  said(t, await run("node", "--force", "--ignore-daemonsets", "--grace-period=3", "--dry-run=server"), {
    stdout: /drained/,
  });
  t.same(fake.pods.evictions, [
    { name: "one", dryRun: true, gracePeriodSeconds: 3 },
    { name: "two", dryRun: true, gracePeriodSeconds: 3 },
  ]);
  const { stdout, stderr } = await run("node", "--force");
  t.match(
    stdout,
    /^node\/node already cordoned\nevicting pod default\/one\nevicting pod default\/two\n(pod\/(one|two) evicted\n){2}node\/node drained\n$/,
  );
  t.equal(stderr, "Warning: deleting Pods that declare no controller: default/one, default/two\n");
  t.same([...fake.pods.pods.keys()], ["default/waits"], "who has no place here is not touched");
  await fake.pods.create(placed("stuck"));
  fake.pods.holdDeletes = true;
  said(t, await run("node", "--force", "--timeout=50ms"), {
    code: 1,
    stderr:
      /error when waiting for pod "stuck" in namespace "default" to terminate: global timeout reached, continuing command/,
  });
  said(t, await run("node", "--grace-period=soon"), {
    code: 1,
    stderr: /invalid argument "soon" for "--grace-period" flag/,
  });
});
