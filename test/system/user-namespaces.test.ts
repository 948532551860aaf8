// hostUsers: false through the daemon: what a manifest asks for, what a kubelet does around containers, and failures.
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { isAlive, isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

// A tmpfs, as /tmp may be one, takes idmapped mounts since Linux 6.3 only.
process.env["TMPDIR"] = "/var/tmp";

const BASE = { image: "podrun.local/base", command: ["sleep", "100000"] };

const podrun = startInstance(t, { faults: true, env: { PODRUN_USER_IDS: "1000000-1196607" } });

const sh = (pod: string, script: string, container = "main"): Promise<string> =>
  podrun.ok("exec", pod, "-c", container, "--", "sh", "-ec", script);

/** First id outside of a pod's users. */
const firstId = async (pod: string, container = "main"): Promise<number> =>
  Number((await sh(pod, "cat /proc/self/uid_map", container)).trim().split(/\s+/)[1]);

async function said(word: RegExp): Promise<void> {
  let events = "";
  const ask = async (): Promise<boolean> => {
    events = await podrun.ok("events");
    return word.test(events);
  };
  await until(ask, 60_000, () => events);
}

t.test("with hostUsers: false all that a kubelet does for a pod is done with the pod's own users", async (t) => {
  const data = join(podrun.folder, "data");
  mkdirSync(data);
  await podrun.ok("create", "secret", "generic", "login", "--from-literal=user=me");
  const volumes = [
    { name: "host", hostPath: { path: data } },
    { name: "disk", emptyDir: {} },
    { name: "memory", emptyDir: { medium: "Memory" } },
    { name: "login", secret: { secretName: "login", defaultMode: 0o400 } },
    { name: "image", image: { reference: "podrun.local/base" } },
  ];
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
  const first = { ...BASE, name: "first", command: ["sh", "-c", "echo one > /disk/first"], volumeMounts };
  const sidecar = { ...BASE, name: "sidecar", restartPolicy: "Always" };
  const main = {
    ...BASE,
    name: "main",
    volumeMounts,
    lifecycle: {
      postStart: { exec: { command: ["sh", "-c", "id -u > /tmp/hook"] } },
      preStop: { exec: { command: ["sh", "-c", "id -u > /host/stopped"] } },
    },
    readinessProbe: { exec: { command: ["test", "-s", "/tmp/hook"] }, periodSeconds: 1 },
  };
  const spec = {
    hostUsers: false,
    securityContext: { fsGroup: 3000, supplementalGroups: [4000] },
    initContainers: [first, sidecar],
    volumes,
  };
  const manifest = makeManifest("own", [main], spec);
  await podrun.start(manifest);
  const users = await firstId("own");
  t.ok(users >= 65_536, String(users));
  t.equal(await firstId("own", "sidecar"), users);
  t.equal(await sh("own", "id -G; cat /tmp/hook /disk/first /login/user"), "0 3000 4000\n0\none\nme");
  t.equal(
    await sh(
      "own",
      "touch /host/x /disk/x /memory/x; stat -c '%u:%g' /host/x /disk/x /memory/x /login/user /image/bin",
    ),
    "0:0\n0:3000\n0:3000\n0:3000\n0:0\n".replace("/login", ""),
  );
  t.equal(statSync(join(data, "x")).uid, 0);
  const file = join(podrun.folder, "file");
  writeFileSync(file, "copied");
  await podrun.ok("cp", file, "own:/tmp/file", "-c", "main");
  t.equal(await sh("own", "cat /tmp/file; stat -c %u /tmp/file"), "copied0\n");
  await podrun.ok("cp", "own:/login/user", join(podrun.folder, "user"), "-c", "main");
  t.equal(readFileSync(join(podrun.folder, "user"), "utf8"), "me");
  const debug = await podrun.run([
    "debug",
    "own",
    "--image=podrun.local/base",
    "--target=main",
    "--",
    "sh",
    "-c",
    "cat /proc/self/uid_map; ps",
  ]);
  await until(async () => {
    const all = (await podrun.pod("own")).status.ephemeralContainerStatuses ?? [];
    return all.some(({ state }) => state?.terminated !== undefined);
  });
  t.equal(debug.code, 0, debug.stderr);
  const [name = ""] = ((await podrun.pod("own")).spec.ephemeralContainers ?? []).map((one) => one.name);
  t.match(await podrun.ok("logs", "own", "-c", name), new RegExp(`0 +${users} +65536[^]*sleep 100000`));
  await podrun.ok("delete", "pod", "own", "--grace-period=1");
  t.equal(readFileSync(join(data, "stopped"), "utf8"), "0\n");
});

t.test(
  "pods have other users each, also those of a daemon that was killed and of the next, until there are no more",
  async (t) => {
    const own = (name: string) => makeManifest(name, [{ name: "main" }], { hostUsers: false });
    await podrun.start(own("a"), own("b"));
    const before = [await firstId("a"), await firstId("b")];
    const pid = podrun.daemonPid() as number;
    podrun.fault("sandbox.intent-recorded:kill");
    await podrun.apply(own("c"));
    await until(async () => !isAlive(pid));
    podrun.fault("");
    await podrun.untilPod("c", isReady);
    const all = [await firstId("a"), await firstId("b"), await firstId("c")];
    t.same(all.slice(0, 2), before);
    t.same(all.toSorted(), [1_000_000, 1_065_536, 1_131_072], "the killed one's was taken up or given back");
    await podrun.apply(own("d"));
    await said(/FailedCreatePodSandBox .*all 3 ranges of user ids in 1000000-1196607 are taken: 3 by pods/);
    await podrun.ok("delete", "pod", "b");
    await podrun.untilPod("d", isReady);
    t.equal(await firstId("d"), before[1]);
    await podrun.ok("delete", "pod", "a", "c", "d");
  },
);

t.test("a volume that can't have the pod's users is told of as FailedMount", async (t) => {
  const volumes = [{ name: "kernel", hostPath: { path: "/sys/kernel" } }];
  const mounting = [{ name: "main", volumeMounts: [{ name: "kernel", mountPath: "/k" }] }];
  await podrun.apply(makeManifest("mounting", mounting, { hostUsers: false, volumes }));
  await said(
    /FailedMount .*MountVolume\.SetUp failed for volume "kernel" : \/sys\/kernel is on a file system \(sysfs\) that can't/,
  );
  t.notOk(isReady(await podrun.pod("mounting")));
  await podrun.ok("delete", "pod", "mounting");
});

t.test("the example of user namespaces does what it says, and its plan says how", async (t) => {
  const path = join(import.meta.dirname, "../../examples/user-namespace.yaml");
  const plan = await podrun.ok("plan", "-f", path);
  t.match(plan, /make a user namespace of the ids \d+ to \d+ .*user-namespace\.yaml:\d+ spec\.hostUsers/);
  t.match(plan, /change the mount \S+ \(idmap\)/);
  await podrun.ok("apply", "-f", path);
  await podrun.untilPod("user-namespace", isReady);
  t.match(await podrun.ok("exec", "user-namespace", "--", "wget", "-qO-", "http://127.0.0.1/page"), /hello/);
  await until(async () => (await sh("user-namespace", "cat /tmp/inner || true", "builder")).includes(" ps"));
  t.match(await sh("user-namespace", "cat /tmp/inner", "builder"), /^0\nPID +COMMAND\n +1 .*sh -c/);
});
