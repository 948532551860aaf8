import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { Logger } from "../../../src/base/logger.ts";
import { isManifestName } from "../../../src/controllers/manifest-folder.ts";
import { readStaticPods } from "../../../src/controllers/static-pod.ts";
import { StaticPods } from "../../../src/controllers/static-pods.ts";
import { EventRecorder } from "../../../src/pod/events.ts";
import { makePod, makeWorld, settle, until } from "../pod/fixtures.ts";

const manifest = (name: string, more = ""): string =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n${more}spec:\n  terminationGracePeriodSeconds: 0\n  containers:\n  - name: web\n    image: podrun.local/base\n`;

function makeStatic(t: Test) {
  const root = t.testdir();
  const folder = join(root, "manifests");
  const world = makeWorld(root);
  const log: string[] = [];
  const events = new EventRecorder({ host: "node", now: () => world.timers.now() });
  const make = (pods = world.pods) =>
    new StaticPods({
      folder,
      node: "node",
      pods,
      events,
      log: new Logger({ write: (line) => log.push(line) }),
      timers: world.timers,
    });
  const controller = make();
  t.teardown(() => controller.stop());
  // Old enough not to be half written: the test's clock stands in the past.
  const write = (name: string, text: string): void => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), text);
    const then = new Date(world.timers.now() - 60_000);
    utimesSync(join(folder, name), then, then);
  };
  const look = async (): Promise<void> => {
    await controller.scan();
    await settle();
    await until(() => world.pods.list().every(({ metadata }) => metadata.deletionTimestamp === undefined));
    await controller.scan();
    await settle();
  };
  const names = () => world.pods.list().map(({ metadata }) => metadata.name);
  return { ...world, folder, controller, make, write, look, names, log, events };
}

t.test("each manifest has its pod, named after the node, with the kubelet's annotations", async (t) => {
  const { write, look, pods } = makeStatic(t);
  write("web.yaml", manifest("web"));
  write(
    "api.json",
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "api", namespace: "kube-system" },
      spec: { containers: [{ name: "main", image: "podrun.local/base" }] },
    }),
  );
  await look();
  t.same(
    pods.list().map(({ metadata }) => [metadata.namespace, metadata.name]),
    [
      ["default", "web-node"],
      ["kube-system", "api-node"],
    ],
  );
  const { metadata } = pods.get("default", "web-node");
  t.match(metadata.uid, /^[0-9a-f]{32}$/);
  t.match(metadata.annotations, {
    "kubernetes.io/config.source": "file",
    "kubernetes.io/config.hash": metadata.uid,
    "kubernetes.io/config.mirror": metadata.uid,
    "podrun.io/config.file": "web.yaml",
  });
});

t.test("the uid follows from file and content: comments leave it, an edit does not", async (t) => {
  const { write, look, pods, runtime } = makeStatic(t);
  write("web.yaml", manifest("web"));
  await look();
  const before = pods.get("default", "web-node").metadata;
  write("web.yaml", `# a comment\n${manifest("web")}`);
  await look();
  t.same(pods.get("default", "web-node").metadata, before, "nothing was touched");
  runtime.calls.length = 0;
  write("web.yaml", manifest("web", "  labels: {version: two}\n"));
  await look();
  const after = pods.get("default", "web-node").metadata;
  t.not(after.uid, before.uid);
  t.equal(after.labels["version"], "two");
  t.ok(
    runtime.calls.indexOf("removeSandbox") < runtime.calls.indexOf("runSandbox"),
    "the old one was gone before the new one began",
  );
});

t.test("a static pod that is deleted comes again, as the same one", async (t) => {
  const { write, look, pods, seen } = makeStatic(t);
  write("web.yaml", manifest("web"));
  await look();
  const { uid, resourceVersion } = pods.get("default", "web-node").metadata;
  await pods.delete("default", "web-node", { gracePeriodSeconds: 0 });
  await look();
  t.same(
    seen.map(({ type }) => type).filter((type) => type !== "MODIFIED"),
    ["ADDED", "DELETED", "ADDED"],
  );
  const again = pods.get("default", "web-node").metadata;
  t.equal(again.uid, uid);
  t.not(again.resourceVersion, resourceVersion);
  t.equal(again.deletionTimestamp, undefined);
});

t.test("a pod goes with its file, and no other pod goes", async (t) => {
  const { write, look, names, folder, pods } = makeStatic(t);
  write("web.yaml", manifest("web"));
  write("two.yaml", manifest("two"));
  await pods.create(makePod());
  await look();
  t.same(names(), ["hello", "two-node", "web-node"]);
  rmSync(join(folder, "web.yaml"));
  await look();
  t.same(names(), ["hello", "two-node"]);
  rmSync(folder, { recursive: true });
  await look();
  t.same(names(), ["hello"], "no folder is as an empty one");
});

t.test("a file that can't be read, or not yet, keeps its pod; it is told once", async (t) => {
  const { write, look, names, log, events, timers, folder } = makeStatic(t);
  write("web.yaml", manifest("web"));
  await look();
  write("web.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: [\n");
  await look();
  t.same(names(), ["web-node"]);
  const about = events.list().filter(({ reason }) => reason === "InvalidManifest");
  t.same(
    about.map(({ involvedObject, type }) => [involvedObject.kind, involvedObject.name, type]),
    [
      ["Node", "node", "Warning"],
      ["Pod", "web-node", "Warning"],
    ],
  );
  t.match(about[0]?.message, /web\.yaml:4/);
  t.equal(log.filter((line) => line.includes("web.yaml:4")).length, 1);
  write("web.yaml", "");
  await look();
  t.same(names(), ["web-node"], "an empty file is no deletion");
  writeFileSync(join(folder, "web.yaml"), manifest("other"));
  const now = new Date(timers.now());
  utimesSync(join(folder, "web.yaml"), now, now);
  await look();
  t.same(names(), ["web-node"], "it was written to this very moment");
  await timers.advance(200);
  await look();
  t.same(names(), ["other-node"]);
});

t.test("a broken file keeps the pod that an earlier daemon made of it", async (t) => {
  const { write, look, folder, reborn, make, controller, timers } = makeStatic(t);
  write("web.yaml", manifest("web"));
  write("gone.yaml", manifest("gone"));
  await look();
  controller.stop();
  write("web.yaml", "}");
  rmSync(join(folder, "gone.yaml"));
  const pods = reborn();
  pods.recover();
  const next = make(pods);
  t.teardown(() => next.stop());
  await next.scan();
  await timers.advance(100);
  await until(() => pods.list().length < 2);
  t.same(
    pods.list().map(({ metadata }) => metadata.name),
    ["web-node"],
  );
});

t.test("of two files with one pod the first by name has it, and the other one is told", async (t) => {
  const { write, look, pods, log, folder } = makeStatic(t);
  write("b.yaml", manifest("web"));
  write("a.yaml", manifest("web"));
  await look();
  t.equal(pods.get("default", "web-node").metadata.annotations["podrun.io/config.file"], "a.yaml");
  t.match(log.join("\n"), /b\.yaml: pod \\?"web-node\\?" is in a\.yaml already/);
  rmSync(join(folder, "a.yaml"));
  await look();
  t.equal(pods.get("default", "web-node").metadata.annotations["podrun.io/config.file"], "b.yaml");
});

t.test("what is wrong with a file is told with its line, and the others run", async (t) => {
  const { write, look, names, log } = makeStatic(t);
  write("good.yaml", manifest("good"));
  write("field.yaml", manifest("field").replace("image:", "imagge:"));
  write("kind.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n");
  write("generate.yaml", manifest("x").replace("name: x", "generateName: x"));
  write("long.yaml", manifest("a".repeat(251)));
  await look();
  t.same(names(), ["good-node"]);
  const text = log.join("\n");
  t.match(text, /field\.yaml:\d+: spec\.containers\[0\]\.imagge: unknown field/);
  t.match(text, /kind\.yaml:2: kind/);
  t.match(text, /generate\.yaml: metadata\.name: a static pod needs a name/);
  t.match(text, /long\.yaml:4: metadata\.name/);
});

t.test("a pod of the name that was made otherwise stays, until it goes", async (t) => {
  const { write, look, pods, log, names } = makeStatic(t);
  const { metadata } = await pods.create(makePod({}, { name: "web-node" }));
  write("web.yaml", manifest("web"));
  await look();
  t.equal(pods.get("default", "web-node").metadata.uid, metadata.uid);
  t.match(log.join("\n"), /web\.yaml: pods \\?"web-node\\?" already exists/);
  await pods.delete("default", "web-node", { gracePeriodSeconds: 0 });
  await look();
  t.same(names(), ["web-node"]);
  t.not(pods.get("default", "web-node").metadata.uid, metadata.uid);
});

t.test("folders, links to nowhere and special files are no pods, links to files are", async (t) => {
  const { write, look, names, folder } = makeStatic(t);
  write("real", manifest("real"));
  mkdirSync(join(folder, "sub"));
  writeFileSync(join(folder, "sub", "deep.yaml"), manifest("deep"));
  symlinkSync("nowhere", join(folder, "broken.yaml"));
  symlinkSync("real", join(folder, ".hidden"));
  const outside = join(folder, "..", "outside.yaml");
  writeFileSync(outside, manifest("linked"));
  utimesSync(outside, 0, 0);
  symlinkSync(outside, join(folder, "linked.yaml"));
  await look();
  t.same(names(), ["linked-node", "real-node"]);
});

t.test("editors' files are not manifests", async (t) => {
  for (const name of ["web.yaml", "web.yml", "web.json", "web", "web.swim.yaml"]) t.ok(isManifestName(name), name);
  for (const name of [
    ".web.yaml",
    ".web.yaml.swp",
    "web.yaml~",
    "#web.yaml#",
    "4913",
    "web.yaml.swx",
    "web.yaml.bak",
    "web.yaml.dpkg-new",
    "web.yaml.tmp",
  ])
    t.notOk(isManifestName(name), name);
});

t.test("a static pod is the node's own: named after it in lower case, and no taint keeps it away", async (t) => {
  const [one] = readStaticPods(Buffer.from(manifest("web")), "web.yaml", { node: "Host.A", folder: "/m", now: 0 });
  t.match(one?.pod, {
    metadata: { name: "web-host.a", annotations: { "kubernetes.io/config.seen": "1970-01-01T00:00:00Z" } },
    spec: { nodeName: "Host.A", tolerations: [{ operator: "Exists", effect: "NoExecute" }] },
  });
});
