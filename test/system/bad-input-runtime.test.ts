import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type Instance, makeManifest, startInstance, stateOf, until } from "./support/podrun.ts";

const NEVER = { restartPolicy: "Never" };

/** Applies a pod of one container and waits until its state says why it does not run. */
async function failOf(podrun: Instance, name: string, container: object, spec: object = NEVER) {
  const { code, stderr } = await podrun.apply(makeManifest(name, [{ name: "main", ...container }], { ...spec }));
  if (code !== 0) throw new Error(stderr);
  const pod = await podrun.untilPod(name, (pod) => {
    const { waiting, terminated } = stateOf(pod, "main");
    return terminated !== undefined || (waiting !== undefined && waiting.reason !== "ContainerCreating");
  });
  return { phase: pod.status.phase, ...stateOf(pod, "main") };
}

t.test("what can't run says why in the pod's status, beside a pod that runs", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("good"));

  t.match(await failOf(podrun, "no-image", { image: "127.0.0.1:1/none:1" }), {
    phase: "Pending",
    waiting: { reason: "ErrImagePull", message: /127\.0\.0\.1:1\/none:1/ },
  });
  t.match(await failOf(podrun, "never-pull", { image: "none:1", imagePullPolicy: "Never" }), {
    waiting: { reason: "ErrImageNeverPull", message: /"none:1" is not present with pull policy of Never/ },
  });
  t.match(await failOf(podrun, "no-command", { command: ["nope"] }), {
    phase: "Failed",
    terminated: { exitCode: 128, reason: "StartError", message: /nope.*not found/ },
  });
  t.match(await failOf(podrun, "no-path", { command: ["/bin/nope"] }), {
    terminated: { reason: "StartError", message: /\/bin\/nope/ },
  });
  t.match(await failOf(podrun, "not-executable", { command: ["/etc/passwd"] }), {
    terminated: { reason: "StartError", message: /\/etc\/passwd.*not executable|permission/i },
  });
  t.match(await failOf(podrun, "exits", { command: ["false"] }), {
    phase: "Failed",
    terminated: { exitCode: 1, reason: "Error" },
  });
  t.match(await failOf(podrun, "root-forbidden", { securityContext: { runAsNonRoot: true } }), {
    phase: "Pending",
    waiting: { reason: "CreateContainerConfigError", message: /runAsNonRoot/ },
  });
  t.match(await podrun.ok("get", "pods", "good"), /1\/1 +Running/);
  t.match(await podrun.ok("describe", "pod", "no-image"), /Warning +Failed .*127\.0\.0\.1:1\/none/);
});

t.test("a hostPath of the wrong type keeps the pod waiting, with an event that says what is there", async (t) => {
  const podrun = startInstance(t);
  const volumes = [{ name: "data", hostPath: { path: "/dev/null", type: "Directory" } }];
  await podrun.apply(makeManifest("wrong", [{ name: "main" }], { volumes }));
  await until(async () =>
    /FailedMount .*\/dev\/null is not a directory/.test(await podrun.ok("describe", "pod", "wrong")),
  );
});

t.test("exec says what is wrong: no such pod, container, command; a container that has ended", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("good"));
  await podrun.apply(makeManifest("ended", [{ name: "main", command: ["true"] }], NEVER));
  await podrun.untilPod("ended", ({ status }) => status.phase === "Succeeded");
  const fails = async (pattern: RegExp, ...args: string[]): Promise<void> => {
    const { code, stderr } = await podrun.podrun("exec", ...args);
    t.match(stderr, pattern);
    t.not(code, 0, args.join(" "));
  };
  await fails(/pods "nope" not found/, "nope", "--", "true");
  await fails(/no container "nope"; it has main/, "good", "-c", "nope", "--", "true");
  await fails(/nope.*not found/, "good", "--", "nope");
  await fails(/\/etc\/passwd/, "good", "--", "/etc/passwd");
  await fails(
    /container "main" of pod "ended" is not running: it ended with exit code 0 \(Completed\)/,
    "ended",
    "--",
    "true",
  );
  t.equal((await podrun.podrun("exec", "good", "--", "false")).code, 1);
});

t.test("when all addresses are taken the next pod waits and says so, and the others go on", async (t) => {
  const podrun = startInstance(t, { env: { PODRUN_CIDR4: "10.250.77.0/29", PODRUN_CIDR6: "fd77:250::/125" } });
  const five = Array.from({ length: 5 }, (_, index) => makeManifest(`pod-${index}`));
  await podrun.start(...five);
  await podrun.apply(makeManifest("sixth"), makeManifest("host", [{ name: "main" }], { hostNetwork: true }));
  await until(async () =>
    /FailedCreatePodSandBox .*all 5 pod addresses .* are taken/.test(await podrun.ok("describe", "pod", "sixth")),
  );
  t.equal((await podrun.pod("sixth")).status.phase, "Pending");
  await podrun.untilPod("host", ({ status }) => status.phase === "Running");
  await podrun.ok("exec", "pod-0", "--", "true");
});

/** A tmpfs at the state folder; it goes with the test, after the instance. */
function mountState(podrun: Instance, options: string): void {
  mkdirSync(podrun.config.root, { recursive: true, mode: 0o700 });
  mount("-t", "tmpfs", "-o", `${options},mode=0700`, "tmpfs", podrun.config.root);
  podrun.afterwards.push(() => spawnSync("umount", ["-l", podrun.config.root]));
}

function mount(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("mount", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`mount ${args.join(" ")}: ${stderr}`);
}

t.test("a full state folder: new pods are refused and say why, running ones go on, and room mends it", async (t) => {
  const podrun = startInstance(t);
  mountState(podrun, "size=24m");
  await podrun.start(makeManifest("before"));
  const filler = join(podrun.config.root, "filler");
  spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k"]);
  const { code, stderr } = await podrun.apply(makeManifest("refused"));
  t.equal(code, 1);
  t.match(stderr, /cannot be written: the file system is full; make room/);
  t.equal(await podrun.ok("exec", "before", "--", "hostname"), "before\n");
  rmSync(filler);
  await podrun.start(makeManifest("refused"));
});

t.test("a read-only state folder is named, and nothing is lost when it is writable again", async (t) => {
  const podrun = startInstance(t);
  mountState(podrun, "size=64m");
  await podrun.start(makeManifest("before"));
  await podrun.killDaemon();
  // The kernel may still be letting go of what the daemon had open for writing.
  await until(async () => spawnSync("mount", ["-o", "remount,ro", podrun.config.root]).status === 0);
  const { code, stderr } = await podrun.podrun("get", "pods");
  t.equal(code, 1);
  t.match(stderr, /read-only/);
  mount("-o", "remount,rw", podrun.config.root);
  t.match(await podrun.ok("get", "pods"), /before +1\/1 +Running +0/);
});

t.test("a state folder that other users may enter is refused, with what to do", async (t) => {
  const podrun = startInstance(t);
  mkdirSync(podrun.config.root, { recursive: true, mode: 0o755 });
  chmodSync(podrun.config.root, 0o755);
  t.match(await podrun.podrun("get", "pods"), { code: 1, stderr: /open to other users \(mode 755\).*chmod 700/ });
  chmodSync(podrun.config.root, 0o700);
  chownSync(podrun.config.root, 1000, 0);
  t.match(await podrun.podrun("get", "pods"), { code: 1, stderr: /belongs to user 1000/ });
  chownSync(podrun.config.root, 0, 0);
  t.equal((await podrun.podrun("get", "pods")).code, 0);
});

t.test("a hostPath below /proc that is not there is told, and holds nothing up", async (t) => {
  const podrun = startInstance(t);
  const volumes = [{ name: "v", hostPath: { path: "/proc/nope/x" } }];
  await podrun.apply(
    makeManifest("bad", [{ name: "main", volumeMounts: [{ name: "v", mountPath: "/v" }] }], { volumes }),
  );
  await until(async () => /FailedMount.*\/proc\/nope/.test(await podrun.ok("events")));
  await podrun.start(makeManifest("good"));
});

t.test("a damaged database is named with what to do, and left as it is", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("before"));
  await podrun.killDaemon();
  const file = join(podrun.config.root, "state.db");
  for (const part of ["", "-wal", "-shm"]) copyFileSync(file + part, join(podrun.folder, `saved${part}`));
  for (const part of ["-wal", "-shm"]) truncateSync(file + part);
  writeFileSync(file, "this is no database ".repeat(400));
  const { code, stderr } = await podrun.podrun("get", "pods");
  t.equal(code, 1);
  t.match(stderr, /state\.db is damaged .*move it away/);
  t.match(readFileSync(file, "utf8"), /^this is no database/);
  for (const part of ["", "-wal", "-shm"]) copyFileSync(join(podrun.folder, `saved${part}`), file + part);
  t.match(await podrun.ok("get", "pods"), /before +1\/1 +Running +0/);
});

t.test("the socket of a dead daemon, or a file in its place, is no obstacle", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("before"));
  await podrun.killDaemon();
  t.match(await podrun.ok("get", "pods"), /before/);
  await podrun.killDaemon();
  const socket = join(podrun.config.run, "podrun.sock");
  rmSync(socket);
  writeFileSync(socket, "");
  t.match(await podrun.ok("get", "pods"), /before/);
});

t.test("whoever is not root is told so", async (t) => {
  const podrun = startInstance(t);
  const { code, stderr } = await podrun.run(["get", "pods"], { uid: 65534 });
  t.equal(code, 1);
  t.match(stderr, /must run as root/);
});
