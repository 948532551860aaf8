import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Pod } from "../../src/spec/index.ts";
import { type Instance, isAlive, isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const sh = (script: string) => ["sh", "-c", script];
const mount = { volumeMounts: [{ name: "data", mountPath: "/data" }] };

/** A pod with a row of containers, each of which writes its name down; the first one waits for the file `go`. */
function row(folder: string) {
  const image = "podrun.local/base";
  const note = (word: string) => `echo ${word} >> /data/log`;
  const stay = `trap 'exit 0' TERM; while :; do sleep 0.05; done`;
  const hook = (word: string) => ({ exec: { command: sh(note(word)) } });
  const lifecycle = { postStart: hook("postStart"), preStop: hook("preStop") };
  return makeManifest("row", [{ name: "main", command: sh(`${note("main")}; ${stay}`), lifecycle, ...mount }], {
    volumes: [{ name: "data", hostPath: { path: folder } }],
    terminationGracePeriodSeconds: 60,
    initContainers: [
      { name: "wait", image, command: sh("while [ ! -e /data/go ]; do sleep 0.05; done"), ...mount },
      { name: "side", image, command: sh(`${note("side")}; ${stay}`), restartPolicy: "Always", ...mount },
      { name: "two", image, command: sh(note("two")), ...mount },
    ],
  });
}

/** Lets something happen in whose course the daemon comes to the step and is killed there; the next one is there then. */
async function killAt(podrun: Instance, step: string, act: () => void): Promise<void> {
  const pid = podrun.daemonPid() as number;
  podrun.fault(`${step}:kill`);
  act();
  await until(
    async () => !isAlive(pid),
    30_000,
    () => `(the daemon did not come to ${step})`,
  );
  podrun.fault("");
  await podrun.ok("get", "pods");
}

/** Steps in the middle of the row, all behind the first init container. */
const STEPS = [
  "pod.create-container",
  "container.record-intent",
  "pod.start-container",
  "container.start-intent",
  "container.plan-done",
  "pod.container-started",
  "pod.post-start",
  "pod.post-started",
];

t.test("a daemon killed at any step of a row of containers is followed by one that goes on with it", async (t) => {
  const podrun = startInstance(t, { faults: true });
  for (const step of STEPS) {
    const folder = join(podrun.folder, step);
    mkdirSync(folder);
    await podrun.apply(row(folder));
    await podrun.untilPod("row", ({ status }) => status.initContainerStatuses?.[0]?.state.running !== undefined);
    await killAt(podrun, step, () => writeFileSync(join(folder, "go"), ""));
    const { status } = await podrun.untilPod("row", isReady);
    const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    t.same(new Set(all.map(({ restartCount }) => restartCount)), new Set([0]), `${step}: nothing was restarted`);
    const words = readFileSync(join(folder, "log"), "utf8").trimEnd().split("\n");
    // A hook runs at least once.
    t.same([...new Set(words)].sort(), ["main", "postStart", "side", "two"], step);
    t.equal(words.filter((word) => word !== "postStart").length, 3, `${step}: each ran once`);
    t.ok(words.indexOf("two") < words.indexOf("main"), `${step}: in their order`);
    await podrun.ok("delete", "pod", "row");
  }
});

t.test("a daemon killed around a preStop hook is followed by one that ends the pod", async (t) => {
  const podrun = startInstance(t, { faults: true });
  for (const step of ["pod.pre-stop", "pod.pre-stopped"]) {
    const folder = join(podrun.folder, step);
    mkdirSync(folder);
    writeFileSync(join(folder, "go"), "");
    await podrun.start(row(folder));
    await killAt(podrun, step, () => void podrun.podrun("delete", "pod", "row", "--wait=false"));
    await until(async () => (await podrun.pods()).length === 0);
    t.match(readFileSync(join(folder, "log"), "utf8"), /preStop/);
    t.ok(existsSync(folder));
  }
});

t.test("a daemon killed while a pod starts over is followed by one that finishes it, and counts it once", async (t) => {
  const podrun = startInstance(t, { faults: true });
  for (const step of ["pod.restart-all", "pod.restart-all-recorded"]) {
    const folder = join(podrun.folder, step);
    mkdirSync(folder);
    const pod = row(folder);
    const [main, ...others] = pod.spec.containers;
    const asks = "echo main >> /data/log; while [ ! -e /data/ask ]; do sleep 0.05; done; rm /data/ask; exit 42";
    const exitCodes = { operator: "In", values: [42] };
    const rules = { restartPolicy: "Never", restartPolicyRules: [{ action: "RestartAllContainers", exitCodes }] };
    const containers = [{ ...main, command: sh(asks), lifecycle: {}, ...rules }, ...others];
    writeFileSync(join(folder, "go"), "");
    await podrun.start({ ...pod, spec: { ...pod.spec, restartPolicy: "Never", containers } } as typeof pod);
    const { uid } = (await podrun.pod("row")).metadata;
    await killAt(podrun, step, () => writeFileSync(join(folder, "ask"), ""));
    const isAgain = (one: Pod): boolean => isReady(one) && one.status.containerStatuses?.[0]?.restartCount !== 0;
    const { metadata, status } = await podrun.untilPod("row", isAgain);
    t.equal(metadata.uid, uid);
    const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    t.same(new Set(all.map(({ restartCount }) => restartCount)), new Set([1]), step);
    const words = readFileSync(join(folder, "log"), "utf8").trimEnd().split("\n");
    t.same(words, ["side", "two", "main", "side", "two", "main"], step);
    await podrun.ok("delete", "pod", "row", "--force");
  }
});
