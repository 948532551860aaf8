// The node's owner changes its labels and taints while pods run and wait; what he has said lasts.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { Pod } from "../../src/spec/index.ts";
import { isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const NODE = hostname();

t.test("taints, labels and cordon act at once, last, and a drain leaves only static pods", async (t) => {
  const podrun = startInstance(t, { faults: true, env: { PODRUN_NODE_LABELS: "disk=ssd" } });
  // Before the daemon starts: then it need not look for the folder from time to time.
  mkdirSync(podrun.config.manifests, { recursive: true });
  const names = async () => {
    const { body } = await podrun.request("GET", "/api/v1/pods");
    return (body as { items: readonly Pod[] }).items.map(({ metadata }) => metadata.name);
  };
  const label = async (key: string) => podrun.ok("get", "node", NODE, "-o", `jsonpath={.metadata.labels.${key}}`);
  const bears = (more: object) => ({ tolerations: [{ key: "broken", operator: "Exists", ...more }] });

  // A NoExecute taint ends who does not bear it, at once or when the time is over.
  await podrun.start(
    makeManifest("leaves"),
    makeManifest("stays", undefined, bears({})),
    makeManifest("for-a-while", undefined, bears({ effect: "NoExecute", tolerationSeconds: 1 })),
  );
  t.equal(await podrun.ok("taint", "nodes", NODE, "broken=disk:NoExecute"), `node/${NODE} tainted\n`);
  await until(async () => (await names()).length === 1);
  t.same(await names(), ["stays"]);
  t.match(await podrun.ok("describe", "node", NODE), /^Taints: +broken=disk:NoExecute$/m);

  // Who waits starts when the taint goes, or the label comes.
  await podrun.apply(makeManifest("tainted"), makeManifest("labelled", undefined, { nodeSelector: { gpu: "yes" } }));
  t.match((await podrun.pod("tainted")).status, { phase: "Pending" });
  await podrun.ok("taint", "node", NODE, "broken-");
  await podrun.untilPod("tainted", isReady);
  t.match((await podrun.pod("labelled")).status, { phase: "Pending" });
  await podrun.ok("label", "node", NODE, "gpu=yes");
  await podrun.untilPod("labelled", isReady);

  // A daemon that is killed before the record has changed nothing, and one that is killed after it has.
  podrun.fault("node.record:kill");
  t.match(await podrun.podrun("label", "node", NODE, "before=1"), { code: 1 });
  podrun.fault("");
  t.equal(await label("before"), "");
  podrun.fault("node.recorded:kill");
  t.match(await podrun.podrun("cordon", NODE), { code: 1 });
  podrun.fault("");
  t.match(await podrun.ok("get", "nodes"), /Ready,SchedulingDisabled/);

  // The environment's labels are taken over as far as they have changed.
  await podrun.ok("label", "node", NODE, "disk=nvme", "--overwrite");
  await podrun.killDaemon();
  t.equal(await label("disk"), "nvme");
  await podrun.killDaemon();
  podrun.env["PODRUN_NODE_LABELS"] = "disk=hdd";
  t.equal(await label("disk"), "hdd");

  // Cordoned: who comes waits, but a static pod.
  await podrun.apply(makeManifest("late"));
  t.match((await podrun.pod("late")).status.conditions?.[0]?.message, /1 node\(s\) were unschedulable/);
  const file = join(podrun.config.manifests, "static.json");
  writeFileSync(file, JSON.stringify(makeManifest("static")));
  await until(async () => (await names()).includes(`static-${NODE}`));
  t.match(await podrun.podrun("drain", NODE), { code: 1, stderr: /cannot delete Pods that declare no controller/ });
  t.match(await podrun.ok("drain", NODE, "--force"), /^pod\/stays evicted$.*^node\/\S+ drained$/ms);
  t.same(await names(), ["late", `static-${NODE}`]);
  await podrun.ok("uncordon", NODE);
  await podrun.untilPod("late", isReady);
  t.match(await podrun.podrun("set", "env", "pod/late", "A=b"), { code: 1, stderr: /\(Invalid\): spec/ });
  t.match(await podrun.ok("events", `--for=node/${NODE}`, "--no-headers"), / NodeSchedulable /);
  rmSync(file);
  await until(async () => (await names()).length === 1);
});
