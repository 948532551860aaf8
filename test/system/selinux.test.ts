// SELinux on kernels that have it and a policy (npm run test:vm -- selinux: scripts/vm/selinux-policy.ts), and what is said on
// those that have not.
import { chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { call } from "../../src/linux/libc.ts";
import { readSeLinux } from "../../src/linux/selinux.ts";
import { makeManifest, startInstance, stateOf } from "./support/podrun.ts";

t.setTimeout(900_000);

const machine = readSeLinux();
const skip = !machine.enabled && machine.lack;

const podrun = startInstance(t);

const see = (pod: string, script: string, container = "main") =>
  podrun.podrun("exec", pod, "-c", container, "--", "sh", "-c", script);
const labelOf = async (pod: string, container = "main"): Promise<string> =>
  (await podrun.ok("exec", pod, "-c", container, "--", "cat", "/proc/self/attr/current")).replace(/\0?\n?$/, "");

/** The label that a file has on its file system. */
function fileLabel(path: string): string {
  const value = Buffer.alloc(256);
  const length = call("lgetxattr", path, "security.selinux", value, value.length);
  return value.toString("utf8", 0, length).replace(/\0$/, "");
}

const withOptions = (name: string, seLinuxOptions: object, more: object = {}) =>
  makeManifest(name, [{ name: "main", securityContext: { ...more, seLinuxOptions } }]);

const POD_LEVEL = /^system_u:system_r:container_t:(s0:c\d+,c\d+)$/;

t.test(
  "the containers of a pod share a label that no other pod has; privileged ones have none",
  { skip },
  async (t) => {
    const shown = { command: ["sh", "-c", "cat /proc/self/attr/current; echo; exec sleep 100000"] };
    const strict = { allowPrivilegeEscalation: false, runAsUser: 1000, capabilities: { drop: ["ALL"] } };
    await podrun.start(
      makeManifest("a", [
        { name: "main", ...shown },
        { name: "other", ...shown, securityContext: strict },
      ]),
      makeManifest("b", [
        { name: "main", livenessProbe: { exec: { command: ["grep", "container_t", "/proc/self/attr/current"] } } },
      ]),
      makeManifest("privileged", [{ name: "main", securityContext: { privileged: true } }]),
      makeManifest("host-pid", [{ name: "main" }], { hostPID: true }),
    );
    const label = await labelOf("a");
    t.match(label, POD_LEVEL);
    t.equal(await labelOf("a", "other"), label);
    for (const name of ["main", "other"]) t.match(await podrun.ok("logs", "a", "-c", name), label);
    t.match(await labelOf("b"), POD_LEVEL);
    t.not(await labelOf("b"), label);
    t.equal(stateOf(await podrun.pod("b"), "main").running !== undefined, true, "a probe runs under the label, too");
    for (const name of ["privileged", "host-pid"]) t.equal(await labelOf(name), "system_u:system_r:spc_t:s0", name);
    // What is mounted has the pod's label, whatever its type.
    const level = POD_LEVEL.exec(label)?.[1];
    const mounts = (await podrun.ok("exec", "a", "--", "cat", "/proc/mounts")).split("\n");
    for (const place of ["/", "/dev", "/dev/pts", "/dev/shm"]) {
      const line = mounts.find((one) => one.split(" ")[1] === place) ?? "";
      t.match(line, `context="system_u:object_r:container_file_t:${level}"`, place);
    }
  },
);

t.test("a container writes what is its own, and neither the host's files nor another pod's", { skip }, async (t) => {
  const host = join(podrun.folder, "host");
  mkdirSync(host);
  writeFileSync(join(host, "secret"), "secret");
  const mountPath = (name: string) => ({ name, mountPath: `/${name}` });
  const places = ["disk", "memory", "config"].map(mountPath);
  const config = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "config" }, data: { key: "value" } };
  const volumes = [
    { name: "disk", emptyDir: {} },
    { name: "memory", emptyDir: { medium: "Memory" } },
    { name: "config", configMap: { name: "config" } },
    { name: "host", hostPath: { path: host } },
  ];
  const message = { terminationMessagePath: "/dev/termination-log" };
  const containers = ["main", "second"].map((name) => ({
    name,
    ...message,
    volumeMounts: [...places, mountPath("host"), { name: "disk", mountPath: "/part", subPath: "deep/part" }],
  }));
  t.match(await podrun.apply(config), { code: 0 });
  await podrun.start(makeManifest("owner", containers, { volumes }));
  const write =
    "for f in /disk/a /memory/a /part/a /etc/a /dev/shm/a /dev/termination-log /etc/hosts; do echo a >> $f; done";
  t.match(await see("owner", `set -e; ${write}; cat /config/key /etc/resolv.conf; ls -d /dev/mqueue`), { code: 0 });
  t.match(await see("owner", "cat /disk/a /memory/a /part/a /config/key", "second"), {
    code: 0,
    stdout: "a\na\na\nvalue",
  });
  for (const script of ["cat /host/secret", "echo a > /host/b"])
    t.match(await see("owner", script), { code: 1, stderr: /Permission denied/ }, script);
  // Another pod of the same type has the very folder of the first one's volume.
  const uid = (await podrun.pod("owner")).metadata.uid;
  const stolen = join(podrun.config.root, "pods", uid, "volumes/empty-dir/disk");
  const mount = [{ name: "main", volumeMounts: [mountPath("stolen")] }];
  await podrun.start(makeManifest("thief", mount, { volumes: [{ name: "stolen", hostPath: { path: stolen } }] }));
  t.match(await see("thief", "cat /stolen/a"), { code: 1, stderr: /Permission denied/ });
  await podrun.ok("delete", "pod", "owner", "thief", "a", "b", "privileged", "host-pid");
});

t.test("a pod's options are its containers', and a container's take the place of them all", { skip }, async (t) => {
  const options = { user: "other_u", role: "other_r", type: "reader_t", level: "s0:c5,c6" };
  const pod = makeManifest(
    "options",
    [
      { name: "main" },
      { name: "own", securityContext: { seLinuxOptions: { level: "s0:c7" } } },
      { name: "free", securityContext: { privileged: true, seLinuxOptions: { type: "container_t" } } },
    ].map((one) => ({ ...one, volumeMounts: [{ name: "disk", mountPath: "/disk" }] })),
    { securityContext: { seLinuxOptions: options }, volumes: [{ name: "disk", emptyDir: {} }] },
  );
  await podrun.start(pod);
  t.equal(await labelOf("options"), "other_u:other_r:reader_t:s0:c5,c6");
  t.equal(await labelOf("options", "own"), "system_u:system_r:container_t:s0:c7");
  t.equal(await labelOf("options", "free"), "system_u:system_r:container_t:s0:c5,c6");
  t.match(await see("options", "ls /disk"), { code: 0 });
  t.match(await see("options", "echo a > /tmp/a"), { code: 1, stderr: /Permission denied/ }, "the type holds");
  t.match(await see("options", "ls /disk", "own"), { code: 1, stderr: /Permission denied/ }, "labelled for the first");
});

t.test("a local volume gets the pod's label, all that is in it, whatever leads out of it", { skip }, async (t) => {
  const [folder, outside] = [join(podrun.folder, "local"), join(podrun.folder, "outside")];
  mkdirSync(join(folder, "x/y/z"), { recursive: true });
  for (const path of [outside, join(folder, "a"), join(folder, "x/y/z/deep")]) writeFileSync(path, "text");
  symlinkSync(outside, join(folder, "link"));
  chownSync(join(folder, "a"), 1000, 1000);
  const objects = ["PersistentVolume", "PersistentVolumeClaim"].map((kind) => ({
    apiVersion: "v1",
    kind,
    metadata: { name: "local" },
    spec: {
      accessModes: ["ReadWriteOnce"],
      storageClassName: "",
      ...(kind === "PersistentVolume"
        ? { capacity: { storage: "1Gi" }, local: { path: folder }, claimRef: { namespace: "default", name: "local" } }
        : { volumeName: "local", resources: { requests: { storage: "1Gi" } } }),
    },
  }));
  t.match(await podrun.apply(...objects), { code: 0 });
  const before = fileLabel(outside);
  const pod = makeManifest("local", [{ name: "main", volumeMounts: [{ name: "data", mountPath: "/data" }] }], {
    securityContext: { seLinuxOptions: { level: "s0:c1,c2" }, seLinuxChangePolicy: "Recursive" },
    volumes: [{ name: "data", persistentVolumeClaim: { claimName: "local" } }],
  });
  await podrun.start(pod);
  t.match(await see("local", "cat /data/a /data/x/y/z/deep; echo a > /data/new"), { code: 0, stdout: "texttext" });
  for (const name of ["", "a", "x/y/z/deep", "link", "new"])
    t.equal(fileLabel(join(folder, name)), "system_u:object_r:container_file_t:s0:c1,c2", name);
  t.equal(fileLabel(outside), before);
  t.equal(readFileSync(join(folder, "new"), "utf8"), "a\n");
});

t.test(
  "a label that the policy has not, or does not give to podrun, keeps its container from starting",
  { skip },
  async (t) => {
    const cases: readonly [string, object, RegExp][] = [
      [
        "unknown",
        { type: "nothing_t" },
        /seLinuxOptions: the policy of this machine has no label "system_u:system_r:nothing_t:s0:c\d+,c\d+"/,
      ],
      [
        "forbidden",
        { type: "forbidden_t" },
        /lets no process labelled system_u:system_r:kernel_t:s0, as podrun's is, become .*forbidden_t/,
      ],
    ];
    await podrun.apply(
      ...cases.map(([name, options]) => withOptions(name, options)),
      withOptions("privileges", { type: "reader_t" }, { allowPrivilegeEscalation: false }),
    );
    for (const [name, , message] of [
      ...cases,
      ["privileges", {}, /allowPrivilegeEscalation: false the policy lets no process/] as const,
    ]) {
      const pod = await podrun.untilPod(name, (one) => stateOf(one, "main").waiting?.message !== undefined);
      t.match(stateOf(pod, "main").waiting, { reason: /^CreateContainer(Config)?Error$/, message }, name);
    }
  },
);

t.test(
  "without SELinux a label that is asked for is refused by its field",
  { skip: machine.enabled && "this machine has SELinux" },
  async (t) => {
    const said = /seLinuxOptions: SELinux is not enabled in the kernel of this machine.*remove the field/;
    t.match(await podrun.apply(withOptions("a", { level: "s0:c1,c2" })), { code: 1, stderr: said });
    t.match(
      await podrun.apply(withOptions("b", { level: "" })),
      { code: 0 },
      "what asks for nothing is had everywhere",
    );
  },
);
