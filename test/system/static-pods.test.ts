// Static pods on the real kernel: from files in a folder to pods, across edits, deletions, kills of the daemon, and a boot.
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t from "tap";
import type { Pod } from "../../src/spec/index.ts";
import { type Instance, isAlive, isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const NAME = `web-${hostname().toLowerCase()}`;

/** An instance whose daemon runs, and its folder of manifests. The test's end takes the files away before it looks for leaks. */
function startStatic(t: Parameters<typeof startInstance>[0], options: Parameters<typeof startInstance>[1] = {}) {
  const instance = startInstance(t, options);
  const folder = join(instance.folder, "manifests");
  mkdirSync(folder);
  t.teardown(async () => {
    rmSync(folder, { recursive: true, force: true });
    await until(async () => (await instance.pods()).length === 0);
  });
  /** As a careful editor does: a new file in the place of the old one. */
  const write = (name: string, manifest: object | string): void => {
    writeFileSync(join(folder, `.${name}`), typeof manifest === "string" ? manifest : JSON.stringify(manifest));
    renameSync(join(folder, `.${name}`), join(folder, name));
  };
  return { instance, folder, write };
}

async function untilOne(instance: Instance, condition: (pod: Pod) => boolean): Promise<Pod> {
  let pod: Pod | undefined;
  await until(async () => {
    pod = (await instance.pods()).find(({ metadata }) => metadata.name === NAME);
    return pod !== undefined && condition(pod);
  });
  return pod as Pod;
}

const containerOf = (pod: Pod) => pod.status.containerStatuses?.[0]?.containerID;

t.test(
  "a file in the folder runs at boot, follows its edits, comes back when deleted, and goes with its file",
  async (t) => {
    const { instance, folder, write } = startStatic(t);
    write("web.yaml", makeManifest("web"));
    // The daemon starts after the file was there, as at boot; nobody applies anything.
    await instance.pods();
    const first = await untilOne(instance, isReady);
    t.match(first.metadata.annotations["kubernetes.io/config.source"], "file");
    t.equal((await instance.ok("exec", NAME, "--", "hostname")).trim(), NAME);

    await instance.ok("delete", "pod", NAME);
    const second = await untilOne(instance, (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
    t.equal(second.metadata.uid, first.metadata.uid);
    t.not(containerOf(second), containerOf(first));

    write("web.yaml", makeManifest("web", [{ name: "main", env: [{ name: "EDITION", value: "2" }] }]));
    const third = await untilOne(instance, (pod) => isReady(pod) && pod.metadata.uid !== first.metadata.uid);
    t.equal((await instance.ok("exec", NAME, "--", "sh", "-c", "echo $EDITION")).trim(), "2");

    writeFileSync(join(folder, "web.yaml"), "apiVersion: v1\nkind: Po");
    await until(async () => instance.daemonLog().includes("static pods:"));
    t.equal(
      containerOf(await untilOne(instance, isReady)),
      containerOf(third),
      "a file that makes no sense ends nothing",
    );

    rmSync(join(folder, "web.yaml"));
    await until(async () => (await instance.pods()).length === 0);
  },
);

t.test(
  "a daemon that was killed is followed by one that knows its static pods, and what changed meanwhile",
  async (t) => {
    const { instance, folder, write } = startStatic(t);
    write("web.yaml", makeManifest("web"));
    write("other.yaml", makeManifest("other"));
    await instance.pods();
    const before = await untilOne(instance, isReady);
    await until(async () => (await instance.pods()).filter(isReady).length === 2);
    await instance.killDaemon();
    rmSync(join(folder, "other.yaml"));
    await until(async () => (await instance.pods()).length === 1);
    const after = await untilOne(instance, isReady);
    t.equal(containerOf(after), containerOf(before), "the one that did not change was not touched");
  },
);

for (const point of [
  "pod.record-deletion",
  "pod.deletion-recorded",
  "pod.sandbox-removed",
  "pod.removed",
  "pod.record-intent",
  "pod.intent-recorded",
])
  t.test(`an edit is carried out although the daemon is killed at ${point}`, async (t) => {
    const { instance, write } = startStatic(t, { faults: true });
    write("web.yaml", makeManifest("web"));
    await instance.pods();
    const before = await untilOne(instance, isReady);
    const pid = instance.daemonPid();
    instance.fault(`${point}:kill`);
    write("web.yaml", makeManifest("web", [{ name: "main", env: [{ name: "EDITION", value: "2" }] }]));
    await until(async () => !isAlive(pid ?? 0));
    instance.fault("");
    const after = await untilOne(instance, (pod) => isReady(pod) && pod.metadata.uid !== before.metadata.uid);
    t.not(containerOf(after), containerOf(before));
  });
