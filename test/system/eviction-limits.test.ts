import { existsSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Pod } from "../../src/spec/index.ts";
import { type Instance, isAlive, isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const isFailed = ({ status }: Pod): boolean => status.phase === "Failed";

const write = (megabytes: number, file: string): string => `dd if=/dev/zero of=${file} bs=1M count=${megabytes} 2>&1`;

/** A container that does this, and goes on; `limit`: of ephemeral-storage. */
const does = (name: string, script: string, limit?: string, mounts: readonly object[] = []) => ({
  name,
  command: ["sh", "-c", `${script}; sleep 100000`],
  volumeMounts: mounts,
  ...(limit !== undefined && { resources: { limits: { "ephemeral-storage": limit } } }),
});

const isGone = (podrun: Instance, { metadata }: Pod): boolean =>
  !existsSync(join(podrun.config.root, "pods", metadata.uid));

t.test(
  "who takes more of the disk than it may is evicted, in the kubelet's words; who stays below is not",
  async (t) => {
    const podrun = startInstance(t, { env: { PODRUN_EVICTION_PERIOD: "200ms" } });
    const scratch = join(import.meta.dirname, "../../examples/ephemeral-storage.yaml");
    await podrun.ok("apply", "-f", scratch);
    const mounts = [{ name: "v", mountPath: "/v" }];
    const volumes = { volumes: [{ name: "v", emptyDir: {} }] };
    await podrun.apply(
      makeManifest("layer", [does("small", write(1, "/file"), "4Mi"), does("large", write(6, "/file"), "4Mi")]),
      // Within what each may take, but not together with the volume.
      makeManifest(
        "together",
        [does("a", write(3, "/file"), "4Mi", mounts), does("b", write(6, "/v/file"), "4Mi", mounts)],
        volumes,
      ),
      makeManifest("flood", [does("main", "yes 'what it has to say' | dd bs=1k count=3000", "1Mi")]),
      makeManifest("modest", [does("main", write(3, "/file"), "4Mi")]),
    );
    const message = async (name: string) => (await podrun.untilPod(name, isFailed)).status.message;
    t.equal(await message("layer"), 'Container large exceeded its local ephemeral storage limit "4Mi". ');
    t.equal(await message("together"), "Pod ephemeral local storage usage exceeds the total limit of containers 8Mi. ");
    t.equal(await message("flood"), "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ");
    await podrun.untilPod("scratch", isReady);
    await podrun.podrun("exec", "scratch", "--", "sh", "-c", write(6, "/scratch/file"));
    t.equal(await message("scratch"), 'Usage of EmptyDir volume "scratch" exceeds the limit "4Mi". ');
    t.ok(isReady(await podrun.pod("modest")));
    const table = await podrun.ok("get", "pods");
    for (const line of [/^layer +0\/2 +Evicted /m, /^modest +1\/1 +Running /m]) t.match(table, line);
    const gone = await podrun.pod("scratch");
    await until(async () => isGone(podrun, gone));
    t.match(await podrun.ok("get", "events"), /Warning +Evicted .*Usage of EmptyDir volume "scratch" exceeds/);
    t.match(await podrun.ok("logs", "flood"), /what it has to say/, "the log stays while there is room");
  },
);

t.test("a daemon that is killed in the course of an eviction is followed by one that ends it", async (t) => {
  const podrun = startInstance(t, { faults: true, env: { PODRUN_EVICTION_PERIOD: "200ms" } });
  const volumes = { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Mi" } }] };
  const script = `until test -e /v/go; do sleep 0.05; done; ${write(3, "/v/file")}`;
  for (const step of ["pod.record-eviction", "pod.eviction-recorded", "pod.remains-removed"]) {
    const name = step.slice("pod.".length);
    await podrun.start(
      makeManifest(name, [does("main", script, undefined, [{ name: "v", mountPath: "/v" }])], volumes),
    );
    const pid = podrun.daemonPid() as number;
    podrun.fault(`${step}:kill`);
    await podrun.podrun("exec", name, "--", "touch", "/v/go");
    await until(async () => !isAlive(pid));
    podrun.fault("");
    const pod = await podrun.untilPod(name, isFailed);
    t.match(pod.status, { reason: "Evicted", message: /^Usage of EmptyDir volume "v"/ }, step);
    await until(async () => isGone(podrun, pod));
    t.equal(await podrun.findings(), "", step);
  }
});
