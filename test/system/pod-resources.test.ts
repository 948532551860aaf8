// What pods ask for and are limited to, held against the one node that there is.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import t from "tap";
import { isReady, makeManifest, startInstance } from "./support/podrun.ts";

const example = (name: string): string => join(import.meta.dirname, "../../examples", `${name}.yaml`);

/** More than half of the machine: there can be one of them. */
const MOST = { requests: { cpu: `${availableParallelism() * 600}m` } };
const greedy = (name: string) => makeManifest(name, [{ name: "main", resources: MOST }]);

t.test(
  "a pod that does not fit says what is short, keeps waiting over a new daemon, and starts when it fits",
  async (t) => {
    const podrun = startInstance(t);
    await podrun.start(greedy("first"));
    await podrun.apply(greedy("second"));
    const [condition] = (await podrun.pod("second")).status.conditions ?? [];
    t.match(condition, { type: "PodScheduled", status: "False", reason: "Unschedulable" });
    t.match(condition?.message, /^0\/1 nodes are available: 1 Insufficient cpu\./);
    t.match(
      await podrun.ok("events", "--for=pod/second", "--no-headers"),
      /Warning +FailedScheduling .*Insufficient cpu/,
    );
    const cpus = Number(await podrun.ok("get", "nodes", "-o", "jsonpath={.items[0].status.allocatable.cpu}"));
    t.equal(cpus, availableParallelism());
    t.match(await podrun.ok("describe", "node"), /\n {2}cpu +[\dm]+ \(60%\) +0 \(0%\)\n/, "of who has its place");
    await podrun.killDaemon();
    t.match(await podrun.ok("get", "pods", "--no-headers"), /^first +1\/1 +Running .*\nsecond +0\/1 +Pending /);
    await podrun.ok("delete", "pod", "first");
    await podrun.untilPod("second", isReady);
  },
);

t.test("as many pods as the node is set to have, and no one more", async (t) => {
  const podrun = startInstance(t, { env: { PODRUN_MAX_PODS: "1" } });
  // What a pod says of itself as a whole its containers are held to.
  await podrun.ok("apply", "-f", example("pod-level-resources"));
  await podrun.untilPod("pod-level-resources", isReady);
  t.equal(await podrun.ok("logs", "pod-level-resources", "-c", "helper"), `${64 * 2 ** 20}\n`);
  t.equal((await podrun.pod("pod-level-resources")).status.qosClass, "Guaranteed");
  await podrun.apply(makeManifest("late"));
  t.match((await podrun.pod("late")).status.conditions?.[0]?.message, /1 Too many pods\. preemption: /);
  // Who is more important takes the place of who is there.
  const manifest = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name: "mine" }, value: 7 };
  t.match(await podrun.apply(manifest), { stdout: "priorityclass/mine created\n" });
  t.match(
    await podrun.ok("get", "pc", "--no-headers"),
    /^mine +7 +false +\w+ +PreemptLowerPriority\nsystem-cluster-critical +2000000000 /,
  );
  await podrun.ok("apply", "-f", example("priority"));
  await podrun.untilPod("priority", isReady);
  t.match(
    await podrun.ok("events", "--for=pod/pod-level-resources", "--no-headers"),
    /Normal +Preempted .*Preempted by pod default\/priority on node /,
  );
  t.match(await podrun.ok("get", "pods", "--no-headers"), /^late +0\/1 +Pending .*\npriority +1\/1 +Running .*\n$/);
  t.match(
    await podrun.ok("describe", "pod", "priority"),
    /^Priority: +2000000000\nPriority Class Name: +system-cluster-critical\n/m,
  );
});
