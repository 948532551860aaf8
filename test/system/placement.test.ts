// Placement on the one node there is: who may not run here waits, says why, and starts when it may.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const EXAMPLE = { PODRUN_NODE_LABELS: "disk=ssd", PODRUN_NODE_TAINTS: "dedicated=db:NoSchedule" };
const TOLERATES = { tolerations: [{ key: "dedicated", operator: "Exists" }] };

t.test("pods that do not match the node wait, and say which rule it is", async (t) => {
  const podrun = startInstance(t, { env: EXAMPLE });
  await podrun.start(makeManifest("fits", undefined, { ...TOLERATES, nodeSelector: { disk: "ssd" } }));
  const waiting = {
    tainted: [{}, "had untolerated taint {dedicated: db}"],
    elsewhere: [{ ...TOLERATES, nodeSelector: { disk: "hdd" } }, "didn't match Pod's node affinity/selector"],
  } as const;
  for (const [name, [spec, words]] of Object.entries(waiting)) {
    t.match(await podrun.apply(makeManifest(name, undefined, spec)), { code: 0 });
    const { status } = await podrun.pod(name);
    t.match(status, {
      phase: "Pending",
      conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }],
    });
    t.ok(status.conditions?.[0]?.message?.includes(words), status.conditions?.[0]?.message ?? "");
    t.match(await podrun.ok("events", `--for=pod/${name}`, "--no-headers"), /Warning +FailedScheduling/);
  }
  await podrun.ok("delete", "pod", "tainted", "elsewhere");
});

t.test("a gate that is taken away lets the pod go, also after the daemon was killed", async (t) => {
  const podrun = startInstance(t);
  await podrun.apply(makeManifest("gated", undefined, { schedulingGates: [{ name: "example.com/wait" }] }));
  t.match(await podrun.ok("get", "pod", "gated", "--no-headers"), /^gated +0\/1 +SchedulingGated +0 /);
  await podrun.killDaemon();
  t.match(await podrun.ok("get", "pod", "gated", "--no-headers"), /SchedulingGated/);
  t.match(await podrun.apply(makeManifest("gated")), { code: 0, stdout: "pod/gated configured\n" });
  await podrun.untilPod("gated", isReady);
});

t.test("pods that can't stand each other run one after the other", async (t) => {
  const podrun = startInstance(t);
  const term = { labelSelector: { matchLabels: { app: "lone" } }, topologyKey: "kubernetes.io/hostname" };
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
  const lone = (name: string) => {
    const pod = makeManifest(name, undefined, { affinity });
    return { ...pod, metadata: { ...pod.metadata, labels: { app: "lone" } } };
  };
  await podrun.start(lone("one"));
  await podrun.apply(lone("two"));
  t.match((await podrun.pod("two")).status.conditions?.[0]?.message, /didn't match pod anti-affinity rules/);
  await podrun.ok("delete", "pod", "one");
  await podrun.untilPod("two", isReady);
});

t.test(
  "a NoExecute taint ends who does not tolerate it when the daemon starts with it, or when their time is over",
  async (t) => {
    const podrun = startInstance(t);
    const tolerating = (more: object) => ({
      tolerations: [{ key: "broken", operator: "Exists", effect: "NoExecute", ...more }],
    });
    await podrun.start(
      makeManifest("leaves"),
      makeManifest("stays", undefined, tolerating({})),
      makeManifest("for-a-while", undefined, tolerating({ tolerationSeconds: 1 })),
    );
    await podrun.killDaemon();
    podrun.env["PODRUN_NODE_TAINTS"] = "broken:NoExecute";
    await until(async () => (await podrun.pods()).length === 1);
    t.same(
      (await podrun.pods()).map(({ metadata }) => metadata.name),
      ["stays"],
    );
    t.match(
      await podrun.ok("events", "--for=pod/leaves", "--no-headers"),
      /Normal +TaintManagerEviction .*Marking for deletion Pod default\/leaves/,
    );
    t.match(await podrun.apply(makeManifest("late")), { code: 0 });
    t.match((await podrun.pod("late")).status, { phase: "Pending" });
  },
);

t.test("labels and taints that can't be read are told", async (t) => {
  const podrun = startInstance(t, { env: { PODRUN_NODE_TAINTS: "a=b:Never" } });
  podrun.skipCheck = true;
  t.match(await podrun.podrun("get", "pods"), {
    code: 1,
    stderr: /PODRUN_NODE_TAINTS has "a=b:Never": its effect must be/,
  });
});

t.test("examples/placement.yaml keeps a second one of its kind waiting, and says so", async (t) => {
  const podrun = startInstance(t);
  const text = readFileSync(join(import.meta.dirname, "../../examples/placement.yaml"), "utf8");
  await podrun.apply(text);
  await podrun.untilPod("placement", isReady);
  await podrun.apply(text.replaceAll("name: placement", "name: second"));
  t.match(await podrun.ok("describe", "pod", "second"), /FailedScheduling .*didn't match pod anti-affinity rules/);
  await podrun.ok("delete", "pod", "placement");
  await podrun.untilPod("second", isReady);
});
