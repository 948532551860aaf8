// In-place resize against the kernel: what the cgroups have, before and after.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { detectCgroups } from "../../src/linux/cgroup/index.ts";
import type { Pod } from "../../src/spec/index.ts";
import { type Instance, isAlive, isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const layout = detectCgroups();
const isV2 = layout.mode === "v2";
const MIB = 1024 * 1024;

/** What the kernel limits a cgroup to: `quota` in microseconds of 100 ms, `memory` in MiB; "max": to nothing. */
function limitsOf(cgroup: string): { quota: string; memory: string } {
  const read = (controller: string, v1: string, v2: string): string => {
    const mount = isV2 ? layout.unified : layout.hierarchies.get(controller);
    return readFileSync(join(mount ?? "", cgroup, isV2 ? v2 : v1), "utf8").trim();
  };
  const quota = read("cpu", "cpu.cfs_quota_us", "cpu.max").split(" ")[0] ?? "";
  const bytes = Number(read("memory", "memory.limit_in_bytes", "memory.max"));
  return { quota: quota === "-1" ? "max" : quota, memory: bytes > 0 && bytes < 2 ** 62 ? `${bytes / MIB}` : "max" };
}

function cgroupsOf(podrun: Instance, pod: Pod) {
  const { uid } = pod.metadata;
  const qos = pod.status.qosClass === "Guaranteed" ? "" : (pod.status.qosClass ?? "").toLowerCase();
  const own = join(podrun.config.cgroup, qos, `pod${uid}`);
  const id = pod.status.containerStatuses?.[0]?.containerID?.replace("podrun://", "") ?? "";
  return { pod: limitsOf(own), container: limitsOf(join(own, id)) };
}

const patchOf = (resources: object, name = "main"): string =>
  JSON.stringify({ spec: { containers: [{ name, resources }] } });

const resize = (podrun: Instance, pod: string, resources: object) =>
  podrun.podrun("patch", "pod", pod, "--subresource=resize", "-p", patchOf(resources));

const isSettled = ({ status }: Pod): boolean =>
  !status.conditions?.some(({ type }) => type === "PodResizeInProgress" || type === "PodResizePending");

/** A process that has 40 MB. */
const hold40 = (podrun: Instance) =>
  podrun.podrun("exec", "web", "--", "sh", "-c", "head -c 40000000 /dev/zero | tail -c 40000000 > /dev/null");

const limited = (name: string, spec: Readonly<Record<string, unknown>> = {}) => {
  const resources = { requests: { cpu: "50m", memory: "16Mi" }, limits: { cpu: "100m", memory: "64Mi" } };
  return makeManifest(name, [{ name: "main", resources }], spec);
};

t.test("limits of a pod that runs are written where they count, and nothing starts again", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(limited("web"));
  const before = await podrun.pod("web");
  t.same(cgroupsOf(podrun, before), {
    pod: { quota: "10000", memory: "64" },
    container: { quota: "10000", memory: "64" },
  });
  const wider = { requests: { cpu: "200m" }, limits: { cpu: "300m", memory: "96Mi" } };
  t.match(await resize(podrun, "web", wider), { code: 0, stdout: "pod/web patched\n" });
  const isGiven = ({ status }: Pod) => status.containerStatuses?.[0]?.resources?.limits?.memory === "96Mi";
  const after = await podrun.untilPod("web", (pod) => isGiven(pod) && isSettled(pod));
  t.same(cgroupsOf(podrun, after), {
    pod: { quota: "30000", memory: "96" },
    container: { quota: "30000", memory: "96" },
  });
  t.match(after.status.containerStatuses?.[0], {
    restartCount: 0,
    containerID: before.status.containerStatuses?.[0]?.containerID,
    allocatedResources: { cpu: "200m", memory: "16Mi" },
    resources: { requests: { cpu: "200m", memory: "16Mi" }, limits: { cpu: "300m", memory: "96Mi" } },
  });
  t.match(await podrun.ok("events", "--for=pod/web"), /ResizeStarted[\s\S]*ResizeCompleted/);

  t.equal((await hold40(podrun)).code, 0);

  // What it holds is more than it is to have.
  await podrun.ok("exec", "web", "--", "sh", "-c", "head -c 40000000 /dev/zero > /dev/shm/ballast");
  await resize(podrun, "web", { limits: { memory: "24Mi" } });
  const refused = await podrun.untilPod("web", ({ status }) =>
    Boolean(status.conditions?.some(({ type, reason }) => type === "PodResizeInProgress" && reason === "Error")),
  );
  t.match(
    refused.status.conditions?.find(({ type }) => type === "PodResizeInProgress")?.message,
    /attempting to set container "main" memory limit \(25165824\) below current usage \(\d{8}\)/,
  );
  t.equal(cgroupsOf(podrun, refused).container.memory, "96");
  t.equal(
    refused.status.containerStatuses?.[0]?.resources?.limits?.memory,
    "96Mi",
    "the status tells what is in force",
  );
  await podrun.ok("exec", "web", "--", "rm", "/dev/shm/ballast");
  const lowered = await podrun.untilPod("web", isSettled);
  t.same(cgroupsOf(podrun, lowered).container, { quota: "30000", memory: "24" });
  t.same(cgroupsOf(podrun, lowered).pod, { quota: "30000", memory: "24" });

  t.not((await hold40(podrun)).code, 0, "what needs more than the limit is killed");
  t.match(await podrun.apply(limited("web")), {
    code: 1,
    stderr: /pod updates may not change fields other than .*podrun patch pod web --subresource resize/,
  });
  t.match(await resize(podrun, "web", { limits: { cpu: null } }), {
    code: 1,
    stderr: /resource limits cannot be removed/,
  });
  const rename = JSON.stringify({ spec: { hostname: "other" } });
  t.match(await podrun.podrun("patch", "pod", "web", "--subresource=resize", "-p", rename), {
    code: 1,
    stderr: /spec.hostname: only cpu and memory resources are mutable/,
  });
});

t.test("the example: cpu changes in place, memory by a new start, and its volume tells", async (t) => {
  const podrun = startInstance(t);
  const file = join(import.meta.dirname, "../../examples/resize.yaml");
  await podrun.ok("apply", "-f", file);
  const before = await podrun.untilPod("resize", isReady);
  const command = /'(\{.*\})'/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
  t.equal(await podrun.ok("patch", "pod", "resize", "--subresource", "resize", "-p", command), "pod/resize patched\n");
  await until(async () => (await podrun.ok("exec", "resize", "--", "cat", "/etc/limits/cpu")) === "500");
  t.equal((await podrun.pod("resize")).status.containerStatuses?.[0]?.restartCount, 0);
  await podrun.ok(
    "patch",
    "pod/resize",
    "--subresource=resize",
    "-p",
    patchOf({ limits: { memory: "32Mi" } }, "worker"),
  );
  const after = await podrun.untilPod(
    "resize",
    (pod) => isReady(pod) && isSettled(pod) && pod.status.containerStatuses?.[0]?.restartCount === 1,
  );
  t.not(after.status.containerStatuses?.[0]?.containerID, before.status.containerStatuses?.[0]?.containerID);
  t.same(cgroupsOf(podrun, after), {
    pod: { quota: "50000", memory: "32" },
    container: { quota: "50000", memory: "32" },
  });
});

t.test("a daemon that is killed at any step of a resize leaves it to the next one", async (t) => {
  const podrun = startInstance(t, { faults: true });
  await podrun.start(limited("web", { restartPolicy: "OnFailure" }));
  let millis = 100;
  for (const step of ["intent-recorded", "written"]) {
    podrun.fault(`resize.${step}:kill`);
    millis += 100;
    const pid = podrun.daemonPid() ?? 0;
    await resize(podrun, "web", { limits: { cpu: `${millis}m` } });
    await until(async () => !isAlive(pid));
    podrun.fault("");
    const wanted = `${millis}m`;
    const after = await podrun.untilPod(
      "web",
      (pod) => isSettled(pod) && pod.status.containerStatuses?.[0]?.resources?.limits?.cpu === wanted,
    );
    t.same(cgroupsOf(podrun, after).container.quota, `${millis * 100}`, step);
    t.same(cgroupsOf(podrun, after).pod.quota, `${millis * 100}`, step);
    t.equal(after.status.containerStatuses?.[0]?.restartCount, 0);
  }
  podrun.fault("plan:resize#1:6:EIO");
  await resize(podrun, "web", { limits: { cpu: "150m" } });
  const after = await podrun.untilPod(
    "web",
    (pod) => isSettled(pod) && pod.status.containerStatuses?.[0]?.resources?.limits?.cpu === "150m",
  );
  t.equal(cgroupsOf(podrun, after).container.quota, "15000", "what fails is tried again");
});
