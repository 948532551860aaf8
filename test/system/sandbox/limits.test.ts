import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { cgroupFolders, containerCgroup, controllerFolder, podCgroup } from "../../../src/linux/cgroup/index.ts";
import type { ContainerConfig, QosClass, Resources } from "../../../src/sandbox/types.ts";
import { buildProgram } from "../support/programs.ts";
import { execText, runToEnd, security, startOne, startRuntime, untilExited } from "./runtime.ts";

const made = await startRuntime("lim");
t.teardown(() => made.close());
const { runtime, cgroups } = made;
const v2 = cgroups.mode === "v2";
const MiB = 1024 * 1024;

const probe = {
  source: { kind: "host", path: buildProgram("probe") },
  target: "/bin/probe",
  readOnly: true,
} as const;
const limited = (name: string, script: string, resources: Resources, change: Partial<ContainerConfig> = {}) =>
  made.container(name, script, { resources, mounts: [probe], ...change });

/** The text of a file of a cgroup, by its names on v2 and v1. */
function read(cgroup: string, controller: string, [second, first]: readonly [string, string]): string {
  const folder = controllerFolder(cgroups, cgroup, controller) ?? "";
  return readFileSync(join(folder, v2 ? second : first), "utf8").trim();
}

t.test(
  "limits land in the files of the pod's and the container's cgroup, in the tree of the QoS classes",
  async (t) => {
    const tree: Record<QosClass, string> = { Guaranteed: "", Burstable: "/burstable", BestEffort: "/besteffort" };
    for (const [qos, folder] of Object.entries(tree) as [QosClass, string][]) {
      const resources = { cpuRequestMillis: 500, cpuLimitMillis: 1500, memoryLimitBytes: 64 * MiB, pidsLimit: 50 };
      const config = made.sandbox({
        qos,
        resources: { ...resources, pidsLimit: 100, hugepageLimitBytes: { "2Mi": 4 * MiB } },
      });
      const { id } = await runtime.runSandbox(config);
      const pod = podCgroup(made.config.cgroup, qos, config.metadata.uid);
      t.equal(pod, `${made.config.cgroup}${folder}/pod${config.metadata.uid}`);
      const main = await startOne(runtime, id, limited("main", "exec sleep 1000", resources));
      const own = containerCgroup(pod, main);
      for (const cgroup of [pod, own]) {
        t.equal(read(cgroup, "cpu", ["cpu.max", "cpu.cfs_quota_us"]), v2 ? "150000 100000" : "150000");
        t.equal(read(cgroup, "cpu", ["cpu.weight", "cpu.shares"]), v2 ? "20" : "512");
        t.equal(read(cgroup, "memory", ["memory.max", "memory.limit_in_bytes"]), String(64 * MiB));
        t.equal(read(cgroup, "pids", ["pids.max", "pids.max"]), cgroup === pod ? "100" : "50");
      }
      const huge = `${controllerFolder(cgroups, pod, "hugetlb") ?? "/none"}/hugetlb.2MB.${v2 ? "max" : "limit_in_bytes"}`;
      // Not every kernel has the controller.
      if (existsSync(huge)) t.equal(readFileSync(huge, "utf8").trim(), String(4 * MiB));
      const { pid } = runtime.containerStatus(main);
      for (const path of cgroupFolders(cgroups, own))
        t.match(readFileSync(join(path, "cgroup.procs"), "utf8").split("\n"), [String(pid)], path);
      const exec = runtime.exec(main, {
        command: ["sleep", "1000"],
        tty: false,
        stdin: false,
        stdout: true,
        stderr: true,
      });
      await exec;
      for (const path of cgroupFolders(cgroups, own))
        t.equal(readFileSync(join(path, "cgroup.procs"), "utf8").trim().split("\n").length, 2, `exec is in ${path}`);
      await runtime.removeSandbox(id);
      for (const path of cgroupFolders(cgroups, pod)) t.notOk(existsSync(path), path);
    }
  },
);

t.test("without limits nothing is written", async (t) => {
  const config = made.sandbox();
  const { id } = await runtime.runSandbox(config);
  const main = await startOne(runtime, id, limited("main", "exec sleep 1000", {}));
  const own = containerCgroup(podCgroup(made.config.cgroup, "BestEffort", config.metadata.uid), main);
  t.match(read(own, "cpu", ["cpu.max", "cpu.cfs_quota_us"]), v2 ? /^max/ : /^-1$/);
  t.equal(read(own, "pids", ["pids.max", "pids.max"]), "max");
  await runtime.removeSandbox(id);
});

t.test("a memory hog is killed: OOMKilled, 137; also when a child of it is the victim", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const resources = { memoryLimitBytes: 16 * MiB };
  const own = await runToEnd(runtime, id, limited("own", `exec probe hog ${64 * MiB}`, resources));
  t.match(own.status, { exitCode: 137, signal: 9, reason: "OOMKilled" });
  t.equal(own.log, "");
  const child = await runToEnd(runtime, id, limited("child", `exec probe hog-child ${64 * MiB}`, resources));
  t.match(child.status, { exitCode: 137, reason: "OOMKilled" });
  const fits = await runToEnd(runtime, id, limited("fits", `exec probe hog ${4 * MiB}`, resources));
  t.match(fits.status, { exitCode: 0, reason: "Completed" });
  t.equal(fits.log, "had all of it");
  const killed = await startOne(runtime, id, limited("killed", "exec sleep 1000", resources));
  const exited = untilExited(runtime, killed);
  process.kill(runtime.containerStatus(killed).pid ?? 0, "SIGKILL");
  await exited;
  t.match(runtime.containerStatus(killed), { exitCode: 137, reason: "Error" }, "a kill that is no OOM is none");
  await runtime.removeSandbox(id);
});

t.test("set-up is not charged to the container: one starts with very little memory", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const config = limited("small", "", { memoryLimitBytes: MiB }, { command: ["/bin/busybox", "true"] });
  t.match((await runToEnd(runtime, id, config)).status, { exitCode: 0 });
  await runtime.removeSandbox(id);
});

t.test("a hog in exec is killed with its container's limit, and does not take the daemon's word for it", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const main = await startOne(runtime, id, limited("main", "exec sleep 1000", { memoryLimitBytes: 16 * MiB }));
  t.equal((await execText(runtime, main, ["probe", "hog", String(64 * MiB)])).code, 137);
  await runtime.removeSandbox(id);
});

t.test("a fork bomb ends at pidsLimit, and the pod's own limit holds all containers together", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox({ resources: { pidsLimit: 30 } }));
  const first = await runToEnd(runtime, id, limited("first", "exec probe forks 1000", { pidsLimit: 20 }));
  t.equal(first.log, "19 EAGAIN");
  const second = await runToEnd(runtime, id, limited("second", "exec probe forks 1000", {}));
  t.match(second.log, /^(2[89]|29) EAGAIN$/);
  const bomb = "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 0.2; echo survived";
  const script = `sh -c '${bomb}' 2>/dev/null; exit 5`;
  const third = await runToEnd(runtime, id, limited("third", script, { pidsLimit: 15 }));
  t.equal(third.code, 5);
  await runtime.removeSandbox(id);
});

t.test("cpu limits hold a busy container back", async (t) => {
  const config = made.sandbox();
  const { id } = await runtime.runSandbox(config);
  const main = await startOne(runtime, id, limited("main", "while :; do :; done", { cpuLimitMillis: 50 }));
  const own = containerCgroup(podCgroup(made.config.cgroup, "BestEffort", config.metadata.uid), main);
  const throttled = (): number =>
    Number(/nr_throttled (\d+)/.exec(read(own, "cpu", ["cpu.stat", "cpu.stat"]))?.[1] ?? 0);
  while (throttled() < 3) await new Promise(setImmediate);
  t.ok(throttled() >= 3);
  await runtime.removeSandbox(id);
});

t.test("oom_score_adj is set, as far as the machine lets us", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const adjusted = (name: string, oomScoreAdj: number) =>
    runToEnd(runtime, id, made.container(name, "cat /proc/self/oom_score_adj", { oomScoreAdj }));
  t.equal((await adjusted("high", 900)).log, "900");
  const main = await startOne(runtime, id, made.container("main", "exec sleep 1000", { oomScoreAdj: 777 }));
  t.equal((await execText(runtime, main, ["cat", "/proc/self/oom_score_adj"])).stdout, "777\n");
  // Lowering needs CAP_SYS_RESOURCE; without it the start must not fail.
  const low = await adjusted("low", -998);
  t.equal(low.log, made.facts.capabilities.has("CAP_SYS_RESOURCE") ? "-998" : low.log);
  t.equal(low.code, 0);
  await runtime.removeSandbox(id);
});

t.test("a privileged container keeps its limits", async (t) => {
  const { id } = await runtime.runSandbox(made.sandbox());
  const change = { security: { ...security, privileged: true } };
  const { log } = await runToEnd(runtime, id, limited("main", "exec probe forks 100", { pidsLimit: 10 }, change));
  t.equal(log, "9 EAGAIN");
  await runtime.removeSandbox(id);
});
