import { writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t from "tap";
import { type ConfigMap, decodeKubeObject } from "../../../src/spec/index.ts";
import { runCommand, runningPod, startFake } from "../api/fake.ts";
import { manifest, said } from "./said.ts";

// Each command is a process of its own.
t.setTimeout(120_000);

t.test("get prints tables, wide tables, names, YAML, JSON, templates and columns", async (t) => {
  const fake = await startFake(t);
  const pod = runningPod("web", ["a", "b"]);
  pod.metadata.labels = { app: "web" };
  fake.pods.put(pod);
  fake.pods.put(runningPod("other", ["a"], "elsewhere"));
  const get = (...argv: string[]) => runCommand(fake, ["get", ...argv]);
  said(t, await get("pods"), {
    stdout: /^NAME {3}READY {3}STATUS {4}RESTARTS {3}AGE\nweb {4}2\/2 {5}Running {3}0 {10}\d+s\n$/,
  });
  said(t, await get("po", "-A", "-o", "wide"), {
    stdout:
      /^NAMESPACE {3}NAME .* IP .*NODE .*NOMINATED NODE +READINESS GATES\ndefault .*10\.77\.0\.2.*\nelsewhere .*\n$/,
  });
  said(t, await get("pods", "-o", "name"), { stdout: "pod/web\n" });
  said(t, await get("pods", "--no-headers", "--show-labels"), { stdout: /^web .* app=web\n$/ });
  said(t, await get("pod", "web", "-o", "jsonpath={.status.podIP}"), { stdout: "10.77.0.2" });
  said(t, await get("pods", "-o", "jsonpath={range .items[*]}{.metadata.name}{'\\n'}{end}"), { stdout: "web\n" });
  said(t, await get("pods", "-o", "custom-columns=N:.metadata.name,X:.nothing"), { stdout: "N     X\nweb   <none>\n" });
  said(t, await get("pod/web", "-o", "yaml"), { stdout: /^apiVersion: v1\nkind: Pod\nmetadata:\n/ });
  t.equal(JSON.parse((await get("pods", "-o", "json")).stdout).kind, "List");
  said(t, await get("pods", "-l", "app!=web"), { stdout: "", stderr: "No resources found in default namespace.\n" });
});

t.test("get shows several types, each object with its own, and lists in the order of a field", async (t) => {
  const fake = await startFake(t);
  const [big, small] = [runningPod("big"), runningPod("small")];
  big.spec.containers[0]!.resources = { limits: { memory: "1Gi" } };
  small.spec.containers[0]!.resources = { limits: { memory: "900Mi" } };
  for (const pod of [runningPod("bare"), big, small]) fake.pods.put(pod);
  for (const name of ["z", "web"])
    fake.objects.create(decodeKubeObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } }) as ConfigMap);
  const get = (...argv: string[]) => runCommand(fake, ["get", ...argv]);
  said(t, await get("pods,cm", "--no-headers"), {
    stdout: /^pod\/bare .*\npod\/big .*\npod\/small .*\n\nconfigmap\/web .*\nconfigmap\/z .*\n$/,
  });
  said(t, await get("all", "-o", "name"), { stdout: "pod/bare\npod/big\npod/small\n" });
  said(t, await get("all", "--no-headers"), { stdout: /^pod\/bare / });
  said(t, await get("cm/web", "pod/big", "-o", "name"), { stdout: "configmap/web\npod/big\n" });
  said(t, await get("pod/big", "cm/none"), {
    code: 1,
    stdout: /^NAME .*\npod\/big /,
    stderr: 'Error from server (NotFound): configmaps "none" not found\n',
  });
  said(t, await get("cm,secrets", "-n", "elsewhere"), { stderr: "No resources found in elsewhere namespace.\n" });
  t.equal(JSON.parse((await get("pods,cm", "-o", "json")).stdout).items.length, 5);
  const byMemory = "--sort-by={.spec.containers[0].resources.limits.memory}";
  said(t, await get("pods", "-o", "name", byMemory), { stdout: "pod/bare\npod/small\npod/big\n" });
  said(t, await get("cm", "-o", "name", "--sort-by=.metadata.name"), { stdout: "configmap/web\nconfigmap/z\n" });
  said(t, await get("pods", "--sort-by=.spec.nothing"), { code: 1, stderr: /couldn't find any field with path/ });
  for (const argv of [["pods,cm", "-w"], ["pods", "-w", "--sort-by=.metadata.name"], ["pods,nothing"], ["pod/a", "b"]])
    said(t, await get(...argv), { code: 1, stdout: "", stderr: /^error: / });
});

t.test("pods are selected by their node and phase", async (t) => {
  const fake = await startFake(t);
  const [one, two] = [runningPod("one"), runningPod("two")];
  two.status.phase = "Failed";
  two.spec.nodeName = "elsewhere";
  one.status.conditions = [{ type: "PodScheduled", status: "True" }];
  for (const pod of [one, two]) fake.pods.put(pod);
  const get = async (selector: string) =>
    (await runCommand(fake, ["get", "pods", "-o", "name", "--field-selector", selector])).stdout;
  t.equal(await get(`spec.nodeName=${hostname()}`), "pod/one\n");
  t.equal(await get("spec.nodeName=elsewhere,status.phase=Failed"), "pod/two\n");
  t.equal(await get("status.phase!=Failed"), "pod/one\n");
});

t.test("delete takes several types, and what a selector finds", async (t) => {
  const fake = await startFake(t);
  const [web, failed] = [runningPod("web"), runningPod("failed")];
  failed.status.phase = "Failed";
  for (const pod of [web, failed]) fake.pods.put(pod);
  fake.objects.create(
    decodeKubeObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" } }) as ConfigMap,
  );
  const run = (...argv: string[]) => runCommand(fake, ["delete", "--wait=false", ...argv]);
  said(t, await run("pods", "--field-selector", "status.phase=Failed"), { stdout: 'pod "failed" deleted\n' });
  said(t, await run("cm/web", "pod/web"), { stdout: 'configmap "web" deleted\npod "web" deleted\n' });
  said(t, await run("cm,secrets", "--all"), { stdout: "No resources found\n" });
});

t.test("get of a pod that does not exist fails, and still shows the others", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web"));
  said(t, await runCommand(fake, ["get", "pod", "web", "gone"]), {
    code: 1,
    stdout: /^NAME[^\n]*\nweb /,
    stderr: 'Error from server (NotFound): pods "gone" not found\n',
  });
  said(t, await runCommand(fake, ["get", "pod", "gone", "--ignore-not-found"]), { stdout: "", stderr: "" });
  for (const argv of [
    ["get"],
    ["get", "deployments"],
    ["get", "pods", "-o", "xml"],
    ["get", "pod", "web", "-A"],
    ["get", "pods", "-o", "jsonpath={.a"],
    ["get", "pods", "-o", "jsonpath"],
  ])
    said(t, await runCommand(fake, argv), {
      code: 1,
      stdout: "",
      stderr: /^error: .*\nSee 'podrun get --help' for usage\.\n$/,
    });
});

t.test("get -w goes on with changes, and Ctrl-C ends it with 130 after whole lines", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web"));
  const result = await runCommand(fake, ["get", "pods", "-w"], {
    onChild: (child) => {
      let lines = 0;
      child.stdout?.on("data", (chunk: Buffer) => {
        const before = lines;
        lines += chunk.toString().split("\n").length - 1;
        if (before < 2 && lines >= 2) void fake.client.deletePod("default", "web");
        if (lines >= 4) child.kill("SIGINT");
      });
    },
  });
  t.equal(result.code, 130);
  t.match(result.stdout, /^NAME[^\n]*\nweb .*Running[^\n]*\nweb .*Terminating[^\n]*\nweb [^\n]*\n$/);
});

t.test("describe shows containers and events", async (t) => {
  const fake = await startFake(t);
  fake.pods.put(runningPod("web", ["one", "two"]));
  fake.pods.kubeEvents.push({
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: "web.1", namespace: "default", creationTimestamp: "2026-11-21T08:00:00Z", resourceVersion: "1" },
    involvedObject: { kind: "Pod", namespace: "default", name: "web", uid: "uid-web" },
    reason: "Started",
    message: "Started container one",
    type: "Normal",
    source: { component: "podrun" },
    firstTimestamp: "2026-11-21T08:00:00Z",
    lastTimestamp: "2026-11-21T08:00:00Z",
    count: 3,
  });
  const { stdout } = await runCommand(fake, ["describe", "pod", "web"]);
  t.match(stdout, /^Name: +web\nNamespace: +default\n/);
  t.match(stdout, /\n {2}two:\n {4}Container ID: /);
  t.match(stdout, /\n {4}State: +Running\n {6}Started: /);
  t.match(
    stdout,
    /\nEvents:\n {2}Type +Reason +Age +From +Message\n[^\n]+\n {2}Normal +Started .*\(x3 over .*podrun +Started container one\n$/,
  );
  said(t, await runCommand(fake, ["describe", "pod", "gone"]), { code: 1, stderr: /^Error from server \(NotFound\)/ });
});

t.test("delete waits until the pods are gone, and passes the grace period on", async (t) => {
  const fake = await startFake(t);
  const put = (...names: string[]) => names.map((name) => fake.pods.put(runningPod(name)));
  put("a", "b", "c", "d", "e");
  said(t, await runCommand(fake, ["delete", "pod", "a", "--grace-period=5"]), { stdout: 'pod "a" deleted\n' });
  said(t, await runCommand(fake, ["delete", "pod/b", "--now"]), { stdout: 'pod "b" deleted\n' });
  said(t, await runCommand(fake, ["delete", "pod", "c", "--force"]), { stdout: 'pod "c" force deleted\n' });
  said(t, await runCommand(fake, ["delete", "pods", "--all"]), { stdout: 'pod "d" deleted\npod "e" deleted\n' });
  t.same(fake.pods.deletions, [5, 1, 0, undefined, undefined]);
  t.equal(fake.pods.pods.size, 0);
  said(t, await runCommand(fake, ["delete", "-f", "-"], { input: manifest("a") }), {
    code: 1,
    stderr: 'Error from server (NotFound): pods "a" not found\n',
  });
  said(t, await runCommand(fake, ["delete", "pod", "a", "--ignore-not-found"]), { stdout: "" });
  for (const argv of [
    ["pods"],
    ["pod", "a", "--all"],
    ["pod", "a", "--now", "--force"],
    ["pod", "a", "--grace-period=x"],
  ])
    said(t, await runCommand(fake, ["delete", ...argv]), { code: 1, stderr: /^error: / });
});

t.test("delete with --wait=false comes back at once; with --timeout it gives up", async (t) => {
  const fake = await startFake(t);
  fake.pods.holdDeletes = true;
  fake.pods.put(runningPod("a"));
  said(t, await runCommand(fake, ["delete", "pod", "a", "--wait=false"]), { stdout: 'pod "a" deleted\n' });
  said(t, await runCommand(fake, ["delete", "pod", "a", "--timeout=50ms"]), { code: 1, stderr: /timed out waiting/ });
});

t.test("wait comes back when the condition, the path or the end is there, and times out with 1", async (t) => {
  const fake = await startFake(t);
  const pod = runningPod("web");
  pod.status.conditions = [];
  fake.pods.put(pod);
  const ready = runCommand(fake, ["wait", "--for=condition=Ready", "pod/web"]);
  await fake.client.version();
  fake.pods.put(runningPod("web"));
  said(t, await ready, { stdout: "pod/web condition met\n" });
  said(t, await runCommand(fake, ["wait", "--for=jsonpath={.status.phase}=Running", "pod", "web"]), {
    stdout: "pod/web condition met\n",
  });
  said(t, await runCommand(fake, ["wait", "--for=jsonpath={.status.phase}=Failed", "pod/web", "--timeout=10ms"]), {
    code: 1,
    stderr: "error: timed out waiting for the condition on pods/web\n",
  });
  const gone = runCommand(fake, ["wait", "--for=delete", "pod/web"]);
  await fake.client.deletePod("default", "web");
  said(t, await gone, { stdout: "pod/web condition met\n" });
  said(t, await runCommand(fake, ["wait", "--for=condition=Ready", "pod/web"]), {
    code: 1,
    stderr: 'Error from server (NotFound): pods "web" not found\n',
  });
  for (const goal of ["--for=ready", "--for=condition=", "--for=jsonpath={.a"])
    said(t, await runCommand(fake, ["wait", goal, "pod/web"]), { code: 1, stderr: /^error: / });
});

t.test("wait is for objects of every type", async (t) => {
  const fake = await startFake(t);
  const make = (name: string) =>
    fake.objects.create(decodeKubeObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } }) as ConfigMap);
  const wait = (...argv: string[]) => runCommand(fake, ["wait", ...argv]);
  const created = wait("--for=create", "cm/web");
  await fake.client.version();
  make("web");
  said(t, await created, { stdout: "configmap/web condition met\n" });
  said(t, await wait("--for=jsonpath={.metadata.name}=web", "cm", "--all"), {
    stdout: "configmap/web condition met\n",
  });
  said(t, await wait("--for=condition=Ready", "cm/web", "--timeout=10ms"), {
    code: 1,
    stderr: "error: timed out waiting for the condition on configmaps/web\n",
  });
  const gone = wait("--for=delete", "cm/web");
  await fake.client.version();
  fake.objects.delete("ConfigMap", "default", "web");
  said(t, await gone, { stdout: "configmap/web condition met\n" });
  said(t, await wait("--for=condition=Ready", "cm/web"), {
    code: 1,
    stderr: 'Error from server (NotFound): configmaps "web" not found\n',
  });
  said(t, await wait("--for=create", "secrets", "--all"), { code: 1, stderr: "error: no matching resources found\n" });
});

t.test(
  "Ctrl-C ends wait, delete and a followed log with 130, and a daemon that leaves ends a watch with an error",
  async (t) => {
    const fake = await startFake(t);
    fake.pods.holdDeletes = true;
    fake.pods.put(runningPod("web"));
    const path = join(fake.folder, "0.log");
    writeFileSync(path, "2026-11-21T07:47:01.0Z stdout F one\n");
    fake.pods.logs = { path, running: () => true, onEnd: () => () => undefined };
    const interrupt = (argv: readonly string[], isReady: () => boolean) =>
      runCommand(fake, argv, {
        onChild: async (child) => {
          while (!isReady()) await fake.client.version();
          child.kill("SIGINT");
        },
      });
    // The deletion has been asked for, and is waited for.
    const deleted = await interrupt(["delete", "pod", "web"], () => fake.pods.deletions.length > 0);
    t.equal(deleted.code, 130);
    const before = fake.pods.lists;
    const waited = await interrupt(["wait", "--for=delete", "pod/web"], () => fake.pods.lists > before);
    said(t, waited, { code: 130, stdout: "", stderr: "" });
    const followed = await runCommand(fake, ["logs", "-f", "web"], {
      onChild: (child) => child.stdout?.once("data", () => child.kill("SIGINT")),
    });
    said(t, followed, { code: 130, stdout: "one\n", stderr: "" });
    const watched = await runCommand(fake, ["get", "pods", "-w"], {
      onChild: (child) => {
        child.stdout?.once("data", () => {
          fake.pods.put(runningPod("other"));
          // What comes now comes by the watch.
          child.stdout?.once("data", () => void fake.close());
        });
      },
    });
    said(t, watched, { code: 1, stderr: /^error: the podrun daemon left/ });
  },
);

t.test("wait goes on with the next daemon when the one it asked dies", async (t) => {
  const fake = await startFake(t);
  const pod = runningPod("web");
  pod.status.conditions = [];
  fake.pods.put(pod);
  const waiting = runCommand(fake, ["wait", "--for=condition=Ready", "pod/web"], { onChild: () => undefined });
  while (fake.pods.lists === 0) await fake.client.version();
  t.equal((await fake.client.getPod("default", "web")).status.conditions?.length, 0);
  fake.breakConnections();
  fake.pods.put(runningPod("web"));
  said(t, await waiting, { stdout: "pod/web condition met\n" });
});
