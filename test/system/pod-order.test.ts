import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isReady, makeManifest, startInstance, stateOf, until } from "./support/podrun.ts";

const image = "podrun.local/base";
const sh = (script: string) => ["sh", "-c", script];
const data = { volumes: [{ name: "data" }] };
const mount = { volumeMounts: [{ name: "data", mountPath: "/data" }] };
const init = (name: string, script: string, more: object = {}) => ({
  name,
  image,
  command: sh(script),
  ...mount,
  ...more,
});
const sidecar = (name: string, script: string, more: object = {}) =>
  init(name, script, { restartPolicy: "Always", ...more });

t.test("init containers run in turn before the pod's own, and sidecars beside them", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(
    makeManifest("row", [{ name: "main", ...mount }], {
      ...data,
      initContainers: [
        init("one", "echo one >> /data/log"),
        sidecar("side", "echo side >> /data/log; exec sleep 1000", {
          startupProbe: { exec: { command: ["test", "-s", "/data/log"] }, periodSeconds: 1 },
        }),
        init("two", "echo two >> /data/log"),
      ],
    }),
  );
  t.equal(await podrun.ok("exec", "row", "-c", "main", "--", "cat", "/data/log"), "one\nside\ntwo\n");
  t.match(await podrun.ok("get", "pods"), /row +2\/2 +Running +0/);
  t.match(
    await podrun.ok("describe", "pod", "row"),
    /Init Containers:\n {2}one:[\s\S]*Reason: +Completed[\s\S]*\nContainers:/,
  );
  t.equal(await podrun.ok("logs", "row", "-c", "two"), "");
});

t.test(
  "an init container that fails shows as Init:Error, then Init:CrashLoopBackOff; with Never the pod has Failed",
  async (t) => {
    const podrun = startInstance(t, { env: { PODRUN_RESTART_BACKOFF: "600" } });
    const spec = { ...data, initContainers: [init("bad", "echo broken; exit 3")] };
    await podrun.apply(
      makeManifest("again", undefined, spec),
      makeManifest("never", undefined, { ...spec, restartPolicy: "Never" }),
    );
    await podrun.untilPod("never", ({ status }) => status.phase === "Failed");
    await podrun.untilPod("again", ({ status }) => status.initContainerStatuses?.[0]?.restartCount === 1);
    await until(async () => /again +0\/1 +Init:CrashLoopBackOff +1/.test(await podrun.ok("get", "pods")));
    t.match(await podrun.ok("get", "pods"), /never +0\/1 +Init:Error +0/);
    t.equal(await podrun.ok("logs", "never", "-c", "bad"), "broken\n");
  },
);

t.test(
  "sidecars end after the pod's containers, in reverse order, and a killed daemon changes nothing of it",
  async (t) => {
    const podrun = startInstance(t);
    const folder = join(podrun.folder, "order");
    const hostPath = { volumes: [{ name: "data", hostPath: { path: folder, type: "DirectoryOrCreate" } }] };
    const last = (name: string) => `trap 'echo ${name} >> /data/log; exit 0' TERM; while :; do sleep 0.05; done`;
    await podrun.start(
      makeManifest("sides", [{ name: "main", command: sh(last("main")), ...mount }], {
        ...hostPath,
        terminationGracePeriodSeconds: 60,
        initContainers: [sidecar("first", last("first")), sidecar("second", last("second"))],
      }),
    );
    await podrun.killDaemon();
    await podrun.ok("delete", "pod", "sides");
    t.equal(readFileSync(join(folder, "log"), "utf8"), "main\nsecond\nfirst\n");
  },
);

t.test("a daemon that is killed in the middle of the row goes on where it was", async (t) => {
  const podrun = startInstance(t);
  await podrun.apply(
    makeManifest("killed", [{ name: "main", ...mount }], {
      ...data,
      initContainers: [
        init("one", "echo one >> /data/log"),
        init("two", "echo two >> /data/log; while [ ! -e /data/go ]; do sleep 0.05; done"),
        init("three", "echo three >> /data/log"),
      ],
    }),
  );
  await podrun.untilPod("killed", ({ status }) => status.initContainerStatuses?.[1]?.state.running !== undefined);
  t.match(await podrun.ok("get", "pods"), /killed +0\/1 +Init:1\/3/);
  await podrun.killDaemon();
  await podrun.ok("exec", "killed", "-c", "two", "--", "touch", "/data/go");
  const pod = await podrun.untilPod("killed", isReady);
  t.same(
    pod.status.initContainerStatuses?.map(({ restartCount }) => restartCount),
    [0, 0, 0],
  );
  t.equal(await podrun.ok("exec", "killed", "--", "cat", "/data/log"), "one\ntwo\nthree\n");
});

t.test("a job with sidecars is over when its work is", async (t) => {
  const podrun = startInstance(t);
  await podrun.apply(
    makeManifest("job", [{ name: "main", command: sh("exit 0") }], {
      ...data,
      restartPolicy: "Never",
      initContainers: [sidecar("side", "exec sleep 1000")],
    }),
  );
  await podrun.untilPod("job", ({ status }) => status.phase === "Succeeded");
  t.match(await podrun.ok("get", "pods"), /job +0\/2 +Completed/);
});

t.test("hooks run around a container's life, preStop within its grace", async (t) => {
  const podrun = startInstance(t);
  const folder = join(podrun.folder, "hooks");
  const hook = (word: string) => ({ exec: { command: sh(`echo ${word} >> /data/log`) } });
  const main = {
    name: "main",
    command: sh("trap 'echo TERM >> /data/log; exit 0' TERM; while :; do sleep 0.05; done"),
    lifecycle: { postStart: hook("postStart"), preStop: hook("preStop") },
    ...mount,
  };
  await podrun.start(
    makeManifest("hooked", [main], {
      volumes: [{ name: "data", hostPath: { path: folder, type: "DirectoryOrCreate" } }],
      terminationGracePeriodSeconds: 60,
    }),
  );
  await podrun.ok("delete", "pod", "hooked");
  t.equal(readFileSync(join(folder, "log"), "utf8"), "postStart\npreStop\nTERM\n");
});

t.test("hooks that never end keep no pod from running out its grace or from being deleted at once", async (t) => {
  const podrun = startInstance(t);
  const forever = { exec: { command: sh("sleep 1000; true") } };
  await podrun.start(
    makeManifest("stuck", [{ name: "main", lifecycle: { preStop: forever } }], { terminationGracePeriodSeconds: 600 }),
  );
  await podrun.apply(makeManifest("begins", [{ name: "main", lifecycle: { postStart: forever } }]));
  await until(async () => /begins +0\/1 +ContainerCreating/.test(await podrun.ok("get", "pods")));
  await podrun.ok("delete", "pod", "stuck", "--wait=false");
  await podrun.ok("delete", "pod", "stuck", "begins", "--grace-period=1");
  t.same(await podrun.pods(), []);
});

t.test("lifecycle.stopSignal goes before SIGTERM", async (t) => {
  const podrun = startInstance(t);
  const folder = join(podrun.folder, "signal");
  const main = {
    name: "main",
    command: sh("trap 'echo USR1 > /data/log; exit 0' USR1; trap '' TERM; while :; do sleep 0.05; done"),
    lifecycle: { stopSignal: "SIGUSR1" },
    ...mount,
  };
  await podrun.start(
    makeManifest("signal", [main], {
      volumes: [{ name: "data", hostPath: { path: folder, type: "DirectoryOrCreate" } }],
      os: { name: "linux" },
      terminationGracePeriodSeconds: 60,
    }),
  );
  await podrun.ok("delete", "pod", "signal");
  t.equal(readFileSync(join(folder, "log"), "utf8"), "USR1\n");
});

t.test("a pod fails at its activeDeadlineSeconds", async (t) => {
  const podrun = startInstance(t);
  await podrun.apply(makeManifest("late", undefined, { activeDeadlineSeconds: 1 }));
  const { status } = await podrun.untilPod("late", ({ status }) => status.phase === "Failed");
  t.match(status, { reason: "DeadlineExceeded" });
  t.match(await podrun.ok("get", "pods"), /late +0\/1 +(DeadlineExceeded|Error)/);
});

t.test("last words come from the message file, or from the log where that is asked for", async (t) => {
  const podrun = startInstance(t);
  const once = { restartPolicy: "Never" };
  await podrun.apply(
    makeManifest("file", [{ name: "main", command: sh("echo out; echo words > /dev/termination-log; exit 1") }], once),
    makeManifest(
      "path",
      [{ name: "main", terminationMessagePath: "/tmp/last", command: sh("echo -n well > /tmp/last") }],
      once,
    ),
    makeManifest(
      "log",
      [{ name: "main", terminationMessagePolicy: "FallbackToLogsOnError", command: sh("echo a; echo b >&2; exit 1") }],
      once,
    ),
  );
  for (const [name, message] of [
    ["file", "words\n"],
    ["path", "well"],
    ["log", "a\nb\n"],
  ] as const) {
    const pod = await podrun.untilPod(name, ({ status }) => status.phase !== "Running" && status.phase !== "Pending");
    t.equal(stateOf(pod, "main").terminated?.message, message, name);
  }
});

t.test("a container's own restart policy and rules go before the pod's", async (t) => {
  const podrun = startInstance(t, { env: { PODRUN_RESTART_BACKOFF: "0.1", PODRUN_RESTART_BACKOFF_MAX: "0.2" } });
  const rules = [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }];
  const count = "echo x >> /data/n; [ $(wc -l < /data/n) -lt 3 ] && exit 42; exit 1";
  await podrun.apply(
    makeManifest(
      "rules",
      [{ name: "main", command: sh(count), restartPolicy: "Never", restartPolicyRules: rules, ...mount }],
      data,
    ),
  );
  const pod = await podrun.untilPod("rules", ({ status }) => status.phase === "Failed");
  t.equal(pod.status.containerStatuses?.[0]?.restartCount, 2);
});
