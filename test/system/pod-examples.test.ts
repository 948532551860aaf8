import { join } from "node:path";
import t from "tap";
import { isReady, startInstance } from "./support/podrun.ts";

const example = (name: string): string => join(import.meta.dirname, "../../examples", `${name}.yaml`);

t.test("the examples of a pod's life do what they say", async (t) => {
  const podrun = startInstance(t);
  for (const name of ["init-containers", "sidecar", "hooks", "probes", "restart-all"])
    await podrun.ok("apply", "-f", example(name));
  await podrun.untilPod("init-containers", isReady);
  t.equal(await podrun.ok("logs", "init-containers", "-c", "page"), "writing the page\n");
  await podrun.untilPod("hooks", isReady);
  t.equal(await podrun.ok("exec", "hooks", "--", "cat", "/tmp/hooks"), "started\n");
  await podrun.untilPod("probes", isReady);
  await podrun.ok("exec", "probes", "--", "rm", "/www/ready");
  await podrun.untilPod("probes", (pod) => !isReady(pod));
  await podrun.ok("exec", "probes", "--", "rm", "/www/live");
  await podrun.untilPod("probes", (pod) => pod.status.containerStatuses?.[0]?.restartCount === 1);
  await podrun.untilPod("restart-all", ({ status }) => status.phase === "Succeeded");
  t.equal(await podrun.ok("logs", "restart-all", "-c", "fetch"), "item 2\n");
  const { status } = await podrun.pod("restart-all");
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  t.same(
    all.map(({ name, restartCount }) => `${name} ${restartCount}`),
    ["fetch 1", "helper 1", "work 1"],
  );
  t.match(
    status.conditions?.find(({ type }) => type === "AllContainersRestarting"),
    { reason: "PodCompleted" },
  );
  await podrun.untilPod("sidecar", ({ status }) => status.phase === "Succeeded");
  t.equal(await podrun.ok("logs", "sidecar", "-c", "journal"), "step 1\nstep 2\nstep 3\n");
});
