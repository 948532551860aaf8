import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { makeManifest, startInstance, stateOf, until } from "./support/podrun.ts";

t.test("a pod with two containers runs, is seen, is entered, and is gone after deletion", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(
    makeManifest("two", [{ name: "web", command: ["sh", "-c", "echo hello; exec sleep 1000"] }, { name: "side" }]),
  );
  const pod = await podrun.pod("two");
  t.match(pod.status, {
    phase: "Running",
    podIP: /^10\./,
    podIPs: [{ ip: /^10\./ }, { ip: /^fd77:/ }],
    qosClass: "BestEffort",
  });
  t.match(await podrun.ok("get", "pods"), /two +2\/2 +Running +0/);
  await until(async () => (await podrun.ok("logs", "two", "-c", "web")) === "hello\n");
  t.equal(await podrun.ok("exec", "two", "-c", "side", "--", "hostname"), "two\n");
  const exec = await podrun.podrun("exec", "two", "-c", "side", "--", "sh", "-c", "exit 42");
  t.equal(exec.code, 42);
  await podrun.ok("delete", "pod", "two");
  t.same(await podrun.pods(), []);
  t.equal(await podrun.findings(), "");
});

t.test("a plan names the manifest's lines as its reasons, and nothing is made", async (t) => {
  const podrun = startInstance(t);
  const file = join(podrun.folder, "pod.yaml");
  writeFileSync(
    file,
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: planned\nspec:\n  hostname: other\n  containers:\n  - name: main\n    image: podrun.local/base\n    command: [sh]\n",
  );
  const plan = await podrun.ok("plan", "-f", file);
  t.match(plan, /sethostname.*other/);
  t.match(plan, /pod\.yaml:6/);
  t.same(await podrun.pods(), []);
});

t.test("restartPolicy Always restarts what ends, with back-off; Never leaves it", async (t) => {
  const podrun = startInstance(t, { env: { PODRUN_RESTART_BACKOFF: "0.2", PODRUN_RESTART_BACKOFF_MAX: "1" } });
  const ends = [{ name: "main", command: ["sh", "-c", "echo run; exit 3"] }];
  await podrun.apply(makeManifest("always", ends), makeManifest("never", ends, { restartPolicy: "Never" }));
  const always = await podrun.untilPod(
    "always",
    ({ status }) => (status.containerStatuses?.[0]?.restartCount ?? 0) >= 3,
  );
  t.match(always.status, {
    phase: "Running",
    containerStatuses: [{ lastState: { terminated: { exitCode: 3, reason: "Error" } } }],
  });
  await podrun.untilPod("always", (pod) => stateOf(pod, "main").waiting?.reason === "CrashLoopBackOff");
  const never = await podrun.untilPod("never", ({ status }) => status.phase === "Failed");
  t.match(stateOf(never, "main"), { terminated: { exitCode: 3, reason: "Error" } });
  t.equal(never.status.containerStatuses?.[0]?.restartCount, 0);
  // A pod that is over needs no address; it keeps showing the one that it had.
  await until(async () => JSON.parse(await podrun.ok("system", "info", "-o", "json")).counts.leases === 1);
  t.match((await podrun.pod("never")).status.podIP, /^10\./);
  t.match(await podrun.ok("describe", "pod", "always"), /BackOff .*Back-off restarting failed container main/);
  t.equal(await podrun.ok("logs", "always", "--previous"), "run\n");
});

t.test("a container over its memory limit reads OOMKilled, 137", async (t) => {
  const podrun = startInstance(t);
  const hog = {
    name: "main",
    command: ["sh", "-c", "x=0123456789abcdef; while :; do x=$x$x; done"],
    resources: { limits: { memory: "32Mi" } },
  };
  await podrun.apply(makeManifest("hog", [hog], { restartPolicy: "Never" }));
  const pod = await podrun.untilPod("hog", ({ status }) => status.phase === "Failed");
  t.match(stateOf(pod, "main"), { terminated: { exitCode: 137, reason: "OOMKilled" } });
});

t.test("emptyDir is shared by the pod's containers and goes with the pod, hostPath stays", async (t) => {
  const podrun = startInstance(t);
  const volumes = [
    { name: "scratch" },
    { name: "memory", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
    { name: "host", hostPath: { path: join(podrun.folder, "shared"), type: "DirectoryOrCreate" } },
  ];
  const mounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
  const readOnly = mounts.map((mount) => ({ ...mount, readOnly: true }));
  await podrun.start(
    makeManifest(
      "shared",
      [
        { name: "a", volumeMounts: mounts },
        { name: "b", volumeMounts: readOnly },
      ],
      { volumes },
    ),
  );
  for (const { name } of volumes) {
    await podrun.ok("exec", "shared", "-c", "a", "--", "sh", "-c", `echo ${name} > /${name}/file`);
    t.equal(await podrun.ok("exec", "shared", "-c", "b", "--", "cat", `/${name}/file`), `${name}\n`);
    const denied = await podrun.podrun("exec", "shared", "-c", "b", "--", "touch", `/${name}/other`);
    t.match(denied.stderr, /Read-only file system/);
  }
  const full = await podrun.podrun(
    "exec",
    "shared",
    "-c",
    "a",
    "--",
    "dd",
    "if=/dev/zero",
    "of=/memory/big",
    "bs=1M",
    "count=2",
  );
  t.match(full.stderr, /No space left/);
  await podrun.ok("delete", "pod", "shared");
  t.equal(readFileSync(join(podrun.folder, "shared/file"), "utf8"), "host\n");
  t.same(existsSync(join(podrun.config.root, "pods")) ? readdirSync(join(podrun.config.root, "pods")) : [], []);
});

t.test("a process that does not heed SIGTERM has its grace, then ends; deleting again makes it sooner", async (t) => {
  const podrun = startInstance(t);
  const stubborn = [{ name: "main", command: ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"] }];
  await podrun.start(makeManifest("stubborn", stubborn, { terminationGracePeriodSeconds: 600 }));
  await podrun.ok("delete", "pod", "stubborn", "--wait=false");
  const pod = await podrun.pod("stubborn");
  t.match(pod.metadata, { deletionTimestamp: /^20/, deletionGracePeriodSeconds: 600 });
  t.match(await podrun.ok("get", "pods"), /Terminating/);
  await podrun.ok("delete", "pod", "stubborn", "--grace-period=0", "--force");
  t.same(await podrun.pods(), []);
});

t.test("a process that heeds SIGTERM ends with its own exit code, long before its grace is over", async (t) => {
  const podrun = startInstance(t);
  const polite = [{ name: "main", command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"] }];
  await podrun.start(makeManifest("polite", polite, { terminationGracePeriodSeconds: 600 }));
  await podrun.ok("delete", "pod", "polite");
  t.same(await podrun.pods(), []);
});

t.test("a pod with the longest name that there may be runs, tells its log, and goes", async (t) => {
  const podrun = startInstance(t);
  const name = "a".repeat(253);
  await podrun.start(makeManifest(name, [{ name: "main", command: ["sh", "-c", "echo here; sleep 1000"] }]));
  await until(async () => (await podrun.ok("logs", name)) === "here\n");
  await podrun.ok("delete", "pod", name);
  t.same(await podrun.pods(), []);
});
