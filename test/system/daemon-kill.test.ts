import t from "tap";
import { type Instance, isAlive, isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

/** Of this file's own, below the ephemeral ports. */
const hostPort = 26_000 + (process.pid % 3000);
const ports = ["TCP", "UDP"].map((protocol) => ({ containerPort: 80, hostPort, protocol }));
const POD = makeManifest("victim", [{ name: "a", ports }, { name: "b" }]);

/** Named steps of a pod's start at which the daemon is killed, in their order (src/base/fault.ts). */
const START = [
  "pod.record-intent",
  "pod.intent-recorded",
  "pod.run-sandbox",
  "sandbox.record-intent",
  "sandbox.leased",
  "sandbox.intent-recorded",
  "sandbox.monitor-spawned",
  "sandbox.nft-done",
  "sandbox.plan-done",
  "sandbox.record-ready",
  "pod.sandbox-made",
  "container.record-intent",
  "pod.start-container",
  "container.start-intent",
  "container.plan-done",
  "pod.container-started",
];

const DELETION = [
  "pod.record-deletion",
  "pod.deletion-recorded",
  "pod.stop-containers",
  "container.stop-intent",
  "container.kill",
  "pod.containers-stopped",
  "sandbox.remove-intent",
  "sandbox.stop-intent",
  "sandbox.monitor-gone",
  "container.remove-intent",
  "container.cgroup-removed",
  "container.folder-removed",
  "sandbox.containers-removed",
  "sandbox.cgroup-removed",
  "sandbox.nft-removed",
  "sandbox.folder-removed",
  "pod.sandbox-removed",
  "pod.volumes-removed",
  "pod.logs-removed",
  "pod.removed",
];

/** Runs a command in whose course the daemon comes to the step and is killed there. */
async function killAt(podrun: Instance, step: string, command: () => Promise<unknown>): Promise<void> {
  const pid = podrun.daemonPid() as number;
  podrun.fault(`${step}:kill`);
  const done = command().catch(() => undefined);
  await until(
    async () => !isAlive(pid),
    30_000,
    () => `(the daemon did not come to ${step})`,
  );
  podrun.fault("");
  await done;
}

/** When the container's first process started (field 22 of proc_pid_stat(5)): another one has another time. */
async function startOf(podrun: Instance, name: string, container: string): Promise<string | undefined> {
  const stat = await podrun.ok("exec", name, "-c", container, "--", "cat", "/proc/1/stat");
  return stat.slice(stat.lastIndexOf(")")).split(" ")[20];
}

async function isGone(podrun: Instance, name: string): Promise<boolean> {
  return !(await podrun.pods()).some(({ metadata }) => metadata.name === name);
}

t.test("a daemon killed at any step of a pod's start is followed by one that finishes it, once", async (t) => {
  const podrun = startInstance(t, { faults: true });
  await podrun.start(makeManifest("bystander"));
  const before = await startOf(podrun, "bystander", "main");
  for (const step of START) {
    await killAt(podrun, step, () => podrun.apply(POD));
    // Killed before anything was recorded, the request was not accepted: nothing may be left of it.
    if (step === "pod.record-intent") t.ok(await isGone(podrun, "victim"), `${step}: no pod`);
    if (await isGone(podrun, "victim")) await podrun.apply(POD);
    const pod = await podrun.untilPod("victim", isReady);
    t.same(
      pod.status.containerStatuses?.map(({ restartCount }) => restartCount),
      [0, 0],
      `${step}: nothing ran twice`,
    );
    t.equal(await podrun.ok("exec", "victim", "-c", "a", "--", "hostname"), "victim\n", `${step}: exec`);
    await podrun.ok("delete", "pod", "victim");
    t.equal(await podrun.findings(), "", `${step}: clean`);
  }
  t.equal(await startOf(podrun, "bystander", "main"), before, "the running pod ran on");
});

t.test("a daemon killed at any step of a deletion is followed by one that finishes it", async (t) => {
  const podrun = startInstance(t, { faults: true });
  await podrun.start(makeManifest("bystander"));
  const before = await startOf(podrun, "bystander", "main");
  for (const step of DELETION) {
    await podrun.start(POD);
    // Containers are asked to end only when they have time for it; sleep, as process 1, does not heed SIGTERM.
    const grace = step.startsWith("container.stop") || step === "container.kill" ? 1 : 0;
    await killAt(podrun, step, () => podrun.podrun("delete", "pod", "victim", `--grace-period=${grace}`));
    if (step === "pod.record-deletion") await podrun.ok("delete", "pod", "victim");
    await until(() => isGone(podrun, "victim"));
    t.equal(await podrun.findings(), "", `${step}: clean`);
  }
  t.equal(await startOf(podrun, "bystander", "main"), before, "the running pod ran on");
});

t.test("a daemon killed while it restarts a container is followed by one that counts the restart once", async (t) => {
  const env = { PODRUN_RESTART_BACKOFF: "0.1", PODRUN_RESTART_BACKOFF_MAX: "0.1" };
  const podrun = startInstance(t, { faults: true, env });
  const once = {
    name: "main",
    command: ["sh", "-c", "test -e /data/ran && exec sleep 100000; touch /data/ran; exit 3"],
  };
  for (const step of ["pod.restart-recorded", "container.remove-intent", "container.folder-removed"]) {
    const volumes = [{ name: "data" }];
    const manifest = makeManifest("victim", [{ ...once, volumeMounts: [{ name: "data", mountPath: "/data" }] }], {
      volumes,
    });
    await podrun.pods();
    await killAt(podrun, step, () => podrun.apply(manifest));
    const pod = await podrun.untilPod("victim", isReady);
    t.match(pod.status.containerStatuses, [{ restartCount: 1, lastState: { terminated: { exitCode: 3 } } }], step);
    await podrun.ok("delete", "pod", "victim");
  }
});

t.test("ten kills at random moments of start, exec and deletion lose nothing and leave nothing", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(
    makeManifest("bystander", [{ name: "main", command: ["sh", "-c", "while :; do echo x; sleep 0.05; done"] }]),
  );
  const before = await startOf(podrun, "bystander", "main");
  for (let kill = 0; kill < 10; kill++) {
    const work = workOn(podrun, `pod-${kill}`);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 800));
    await podrun.killDaemon();
    await work;
  }
  for (const { metadata } of await podrun.pods()) {
    if (metadata.deletionTimestamp === undefined) await podrun.untilPod(metadata.name, isReady);
    else await until(() => isGone(podrun, metadata.name));
  }
  t.equal(await startOf(podrun, "bystander", "main"), before, "the running pod ran on");
  t.equal((await podrun.pod("bystander")).status.containerStatuses?.[0]?.restartCount, 0);
  t.equal(await podrun.findings(), "");
});

/** A pod's whole life; each command may fail, for the daemon is being killed. */
async function workOn(podrun: Instance, name: string): Promise<void> {
  await podrun.apply(makeManifest(name));
  await podrun.podrun("exec", name, "--", "true");
  await podrun.podrun("exec", name, "--", "sleep", "0.1");
  await podrun.podrun("delete", "pod", name);
}
