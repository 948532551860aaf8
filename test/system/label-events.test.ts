// Labels and events through the daemon: what one command changes, another one finds and a watcher sees.
import t from "tap";
import { makeManifest, startInstance, until } from "./support/podrun.ts";

t.test(
  "a label that is set while the pod runs is found by selectors, survives the daemon, and restarts nothing",
  async (t) => {
    const podrun = startInstance(t);
    await podrun.start(makeManifest("one"), makeManifest("two"));
    const before = await podrun.pod("one");
    t.equal(await podrun.ok("label", "pod", "one", "tier=front"), "pod/one labeled\n");
    t.equal(await podrun.ok("annotate", "pods", "--all", "note=a b"), "pod/one annotated\npod/two annotated\n");
    t.equal(await podrun.ok("get", "pods", "-l", "tier=front", "-o", "name"), "pod/one\n");
    await podrun.killDaemon();
    t.equal(await podrun.ok("get", "pods", "-l", "tier in (front)", "-o", "name"), "pod/one\n");
    const after = await podrun.pod("one");
    t.same(after.metadata.annotations, { note: "a b" });
    t.equal(after.status.containerStatuses?.[0]?.containerID, before.status.containerStatuses?.[0]?.containerID);
    const raced = ["label", "pod", "one", "x=y", `--resource-version=${before.metadata.resourceVersion}`];
    t.match(await podrun.podrun(...raced), { code: 1, stderr: /modified|Conflict/ });
  },
);

t.test("events -w tells a pod's start, and events lists it", async (t) => {
  const podrun = startInstance(t);
  await podrun.pods();
  const stop = new AbortController();
  const watching = podrun.run(["events", "-w", "--for", "pod/web", "-o", "jsonpath={.reason} "], {
    signal: stop.signal,
  });
  watching.catch(() => undefined);
  await podrun.start(makeManifest("web"));
  let text = "";
  await until(async () => {
    text = await podrun.ok("events", "--for=pod/web", "--no-headers");
    return text.includes("Started container main");
  });
  t.match(text, /Scheduled[\s\S]*Pulled[\s\S]*Created[\s\S]*Started/);
  t.equal((await podrun.podrun("events", "--for=pod/web", "--types=Warning")).stdout, "");
  stop.abort();
});

t.test("events outlive the daemon, however it ends", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("web"));
  await until(async () => (await podrun.ok("events")).includes("Started container main"));
  await podrun.killDaemon();
  t.match(await podrun.ok("events"), /Scheduled.*Started container main/s);
  t.match(await podrun.ok("describe", "pod", "web"), /Events:.*Started container main/s);
});
