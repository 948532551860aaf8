import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Pod } from "../../src/spec/index.ts";
import { type Instance, isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const isFailed = ({ status }: Pod): boolean => status.phase === "Failed";

const TOLERANT = { tolerations: [{ key: "node.kubernetes.io/memory-pressure", operator: "Exists" }] };

/** Uses so many megabytes of memory, and has asked for so much of it. */
function user(name: string, megabytes: number, resources: object = {}) {
  const script = `dd if=/dev/zero of=/dev/shm/file bs=1M count=${megabytes} && touch /dev/shm/ready; sleep 100000`;
  const probe = { exec: { command: ["test", "-e", "/dev/shm/ready"] }, periodSeconds: 1, failureThreshold: 100 };
  return makeManifest(
    name,
    [{ name: "main", command: ["sh", "-c", script], resources, startupProbe: probe }],
    TOLERANT,
  );
}

t.test(
  "without memory pods go one by one: who is above its requests first, by how much; static ones stay",
  async (t) => {
    const env = { PODRUN_EVICTION_PERIOD: "200ms" };
    const podrun = startInstance(t, { env });
    mkdirSync(podrun.config.manifests, { recursive: true });
    writeFileSync(join(podrun.config.manifests, "static.json"), JSON.stringify(makeManifest("static")));
    const guaranteed = { limits: { cpu: "1", memory: "64Mi" } };
    await podrun.start(
      user("best-effort", 20),
      user("above", 50, { requests: { memory: "10Mi" } }),
      user("below", 1, { requests: { memory: "32Mi" } }),
      user("guaranteed", 1, guaranteed),
    );
    const goesOn =
      (await podrun.pods()).find(({ metadata }) => metadata.name.startsWith("static"))?.metadata.name ?? "";
    await podrun.killDaemon();
    podrun.env["PODRUN_EVICTION_HARD"] = "memory.available<1000Ti";
    for (const name of ["best-effort", "above", "below", "guaranteed"]) await podrun.untilPod(name, isFailed);
    const events = (await podrun.request("GET", "/api/v1/events")).body as {
      items: { reason: string; involvedObject: { name: string } }[];
    };
    t.same(
      events.items.filter(({ reason }) => reason === "Evicted").map(({ involvedObject }) => involvedObject.name),
      ["above", "best-effort", "below", "guaranteed"],
    );
    const { status } = await podrun.pod("above");
    t.match(
      status.message,
      /^The node was low on resource: memory\. Threshold quantity: 1000Ti, available: \d+(Ki|Mi|Gi)?\. Container main was using \d+Ki, request is 10Mi, has larger consumption of memory\. $/,
    );
    t.match(status.conditions?.find(({ type }) => type === "DisruptionTarget")?.reason, "TerminationByKubelet");
    t.ok(isReady(await podrun.pod(goesOn)));
    await podrun.apply(makeManifest("late"));
    t.match((await podrun.pod("late")).status.conditions?.[0]?.message, "{node.kubernetes.io/memory-pressure: }");
    await podrun.killDaemon();
    podrun.env["PODRUN_EVICTION_HARD"] = "";
    await podrun.untilPod("late", isReady);
  },
);

/** A small file system of its own for the state folder; it goes with the test, after the instance. */
function mountState(podrun: Instance, size: string): void {
  mkdirSync(podrun.config.root, { recursive: true, mode: 0o700 });
  const { status, stderr } = spawnSync("mount", [
    "-t",
    "tmpfs",
    "-o",
    `size=${size},mode=0700`,
    "tmpfs",
    podrun.config.root,
  ]);
  if (status !== 0) throw new Error(String(stderr));
  podrun.afterwards.push(() => spawnSync("umount", ["-l", podrun.config.root]));
}

t.test(
  "a full disk takes what is over first, then the pod that uses most of it; new ones wait till there is room",
  async (t) => {
    const podrun = startInstance(t, {
      env: {
        PODRUN_EVICTION_PERIOD: "200ms",
        PODRUN_EVICTION_HARD: "nodefs.available<50Mi",
        PODRUN_EVICTION_PRESSURE_TRANSITION_PERIOD: "1s",
      },
    });
    mountState(podrun, "200m");
    const fills = (name: string, megabytes: number, then: string, spec: object = {}) => {
      const script = `dd if=/dev/zero of=/v/file bs=1M count=${megabytes}; touch /v/ready; ${then}`;
      const volumes = [{ name: "v", emptyDir: {} }];
      const mounts = { volumeMounts: [{ name: "v", mountPath: "/v" }] };
      return makeManifest(name, [{ name: "main", command: ["sh", "-c", script], ...mounts }], { volumes, ...spec });
    };
    await podrun.apply(fills("done", 80, "exit 0", { restartPolicy: "Never" }));
    const done = await podrun.untilPod("done", ({ status }) => status.phase === "Succeeded");
    const folderOf = ({ metadata }: Pod): string => join(podrun.config.root, "pods", metadata.uid);
    t.ok(existsSync(folderOf(done)));
    await podrun.start(makeManifest("small"), fills("half", 90, "sleep 100000"));
    await until(async () => !existsSync(folderOf(done)));
    t.ok(isReady(await podrun.pod("half")), "that was enough");
    const ready = async (name: string) =>
      (await podrun.podrun("exec", name, "--", "test", "-e", "/v/ready")).code === 0;
    await until(async () => ready("half"));
    await podrun.podrun("exec", "half", "--", "dd", "if=/dev/zero", "of=/v/more", "bs=1M", "count=65");
    const { status } = await podrun.untilPod("half", isFailed);
    t.match(status.message, /^The node was low on resource: ephemeral-storage\. Threshold quantity: 50Mi, available: /);
    t.ok(isReady(await podrun.pod("small")));
    t.match(await podrun.ok("get", "pods"), /^half +0\/1 +Evicted /m);
    await podrun.start(makeManifest("next"));
  },
);
