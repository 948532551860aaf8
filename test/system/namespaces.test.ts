// Namespaces: what is in one goes with it, whatever happens to the daemon meanwhile.
import t from "tap";
import { type Instance, isAlive, makeManifest, startInstance, until } from "./support/podrun.ts";

const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", namespace: "team" }, stringData: { a: "b" } };
const inTeam = (name: string, spec: object = {}) => {
  const pod = makeManifest(name, undefined, { ...spec });
  return { ...pod, metadata: { ...pod.metadata, namespace: "team" } };
};

async function startTeam(instance: Instance): Promise<void> {
  await instance.ok("create", "namespace", "team");
  const { code, stderr } = await instance.apply(secret, inTeam("one"), inTeam("two"));
  if (code !== 0) throw new Error(stderr);
  await instance.ok("wait", "-n", "team", "--for=condition=Ready", "pod/one", "pod/two");
}

const isGone = async (instance: Instance): Promise<boolean> =>
  (await instance.podrun("get", "ns", "team")).stderr.includes("not found");

t.test("a pod needs its namespace, and goes with it", async (t) => {
  const instance = startInstance(t);
  const refused = await instance.apply(inTeam("one"));
  t.match(refused, { code: 1, stderr: 'Error from server (NotFound): namespaces "team" not found\n' });
  await startTeam(instance);
  t.match(await instance.ok("get", "ns", "--no-headers"), /^default .*\nkube-system .*\nteam +Active/);
  t.equal(await instance.ok("delete", "namespace", "team"), 'namespace "team" deleted\n');
  t.same(await instance.pods(), []);
  t.ok(await isGone(instance));
  t.match(await instance.podrun("get", "secret", "s", "-n", "team"), { code: 1, stderr: /not found/ });
  t.match(await instance.podrun("delete", "ns", "kube-system"), {
    code: 1,
    stderr: 'Error from server (Forbidden): namespaces "kube-system" is forbidden: this namespace may not be deleted\n',
  });
});

for (const point of [
  "namespace.empty",
  "pod.deletion-recorded",
  "namespace.pods-told",
  "pod.removed",
  "namespace.emptied",
  "namespace.removed",
])
  t.test(`a namespace goes although the daemon is killed at ${point}`, async (t) => {
    const instance = startInstance(t, { faults: true });
    await startTeam(instance);
    const pid = instance.daemonPid() ?? 0;
    instance.fault(`${point}:kill`);
    // It may be cut off by the daemon's death; then the next one goes on all the same.
    await instance.podrun("delete", "ns", "team", "--wait=false");
    await until(async () => !isAlive(pid));
    instance.fault("");
    await until(() => isGone(instance));
    t.same(await instance.pods(), []);
    t.match(await instance.podrun("get", "secret", "s", "-n", "team"), { code: 1, stderr: /not found/ });
  });

t.test("new pods are refused while a namespace waits for a slow one", async (t) => {
  const instance = startInstance(t);
  await instance.ok("create", "namespace", "team");
  const stubborn = inTeam("slow", { terminationGracePeriodSeconds: 600 });
  await instance.apply(stubborn);
  await instance.ok("wait", "-n", "team", "--for=condition=Ready", "pod/slow");
  await instance.ok("delete", "ns", "team", "--wait=false");
  t.match(await instance.ok("get", "ns", "team", "--no-headers"), /^team +Terminating/);
  t.match(await instance.apply(inTeam("late")), {
    code: 1,
    stderr: /Forbidden\): unable to create new content in namespace team because it is being terminated/,
  });
  await instance.ok("delete", "pod", "slow", "-n", "team", "--force");
  await until(() => isGone(instance));
  t.pass("it went with its last pod");
});
