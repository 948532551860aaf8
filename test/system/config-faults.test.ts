// Volumes of configuration when the daemon is killed, or an operation fails, in the middle of a write.
import t from "tap";
import { type Instance, isAlive, makeManifest, startInstance, until } from "./support/podrun.ts";

const configMap = (data: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "web" }, data });
const POD = makeManifest("victim", [{ name: "main", volumeMounts: [{ name: "cm", mountPath: "/cm" }] }], {
  volumes: [{ name: "cm", configMap: { name: "web" } }],
});
const see = (podrun: Instance, script: string): Promise<string> =>
  podrun.ok("exec", "victim", "--", "sh", "-c", `cd /cm; ${script}`);

async function killAt(podrun: Instance, step: string, command: () => Promise<unknown>): Promise<void> {
  const pid = podrun.daemonPid() as number;
  podrun.fault(`${step}:kill`);
  const done = command().catch(() => undefined);
  const last = (): string => `(the daemon did not come to ${step})`;
  await until(async () => !isAlive(pid), 30_000, last);
  podrun.fault("");
  await done;
}

for (const step of ["volume.write-intent", "volume.written"]) {
  t.test(`a daemon killed at ${step} of a start leaves a pod that starts whole`, async (t) => {
    const podrun = startInstance(t, { faults: true });
    await podrun.apply(configMap({ a: "1" }));
    await killAt(podrun, step, () => podrun.apply(POD));
    await podrun.ok("get", "pods");
    await podrun.untilPod("victim", ({ status }) => status.phase === "Running");
    t.equal(await see(podrun, "cat a; ls -A | wc -l"), "13\n");
  });

  t.test(`a daemon killed at ${step} of a change leaves one content, and the next one brings the new`, async (t) => {
    const podrun = startInstance(t, { faults: true });
    await podrun.apply(configMap({ a: "1", gone: "1", back: "1" }));
    await podrun.start(POD);
    await killAt(podrun, step, () => podrun.apply(configMap({ a: "2", new: "2" })));
    await podrun.ok("get", "pods");
    await until(async () => (await see(podrun, "cat a; ls; ls -A | wc -l")) === "2a\nnew\n4\n");
    // What had a link before it was killed has one again.
    await podrun.apply(configMap({ a: "3", back: "3" }));
    await until(async () => (await see(podrun, "cat a back 2>/dev/null; ls; ls -A | wc -l")) === "33a\nback\n4\n");
  });
}

t.test("a change whose operations fail or stop leaves the old content whole, and is tried again", async (t) => {
  const podrun = startInstance(t, { faults: true });
  await podrun.apply(configMap({ a: "0", b: "0" }));
  await podrun.start(POD);
  // The operations of a change: 0 clone … 4 setns, 5 open, 6 mkdir, 7 and 8 files, 9 symlink, 10 rename, 11 keep_only.
  for (const operation of [0, 4, 6, 8, 9, 10, 11]) {
    const value = "abcdefghijklm"[operation] as string;
    podrun.fault(`plan:volume:${operation}:ENOSPC`);
    await podrun.apply(configMap({ a: value, b: value }));
    await until(async () =>
      (await podrun.ok("describe", "pod", "victim")).includes(`ENOSPC (operation ${operation + 1} of`),
    );
    const seen = await see(podrun, "cat a b");
    t.equal(seen[0], seen[1], `whole after operation ${operation}`);
    podrun.fault("");
    await until(async () => (await see(podrun, "cat a b")) === `${value}${value}`);
  }
  // When it is told that the last one failed, the content was swapped already: what is old goes with the next try.
  await until(async () => (await see(podrun, "ls -A | wc -l")) === "4\n");
});
