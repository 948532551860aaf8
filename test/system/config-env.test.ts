// ConfigMaps and Secrets as objects, and as variables of containers.
import { join } from "node:path";
import t from "tap";
import type { Pod } from "../../src/spec/index.ts";
import { makeManifest, startInstance, stateOf, until } from "./support/podrun.ts";

// A tmpfs, as /tmp may be one, takes idmapped mounts since Linux 6.3 only.
process.env["TMPDIR"] = "/var/tmp";

const EXAMPLE = join(import.meta.dirname, "../../examples/env-file.yaml");

const object = (kind: string, name: string, fields: object) => ({
  apiVersion: "v1",
  kind,
  metadata: { name },
  ...fields,
});
const from = (name: string, valueFrom: object) => ({ name, valueFrom });

t.test("one manifest brings a ConfigMap, a Secret and the pod that has their values as variables", async (t) => {
  const podrun = startInstance(t);
  const env = [
    from("ONE", { configMapKeyRef: { name: "web", key: "a" } }),
    from("WORD", { secretKeyRef: { name: "login", key: "password" } }),
    from("NONE", { secretKeyRef: { name: "login", key: "none", optional: true } }),
    from("LABEL", { fieldRef: { fieldPath: "metadata.labels['app']" } }),
    from("IP", { fieldRef: { fieldPath: "status.podIP" } }),
    from("NODE", { fieldRef: { fieldPath: "spec.nodeName" } }),
    from("ACCOUNT", { fieldRef: { fieldPath: "spec.serviceAccountName" } }),
    from("CPU", { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } }),
    { name: "BOTH", value: "$(ONE)-$(P_b)" },
  ];
  const envFrom = [{ prefix: "P_", configMapRef: { name: "web" } }, { secretRef: { name: "none", optional: true } }];
  const pod = makeManifest("env", [{ name: "main", env, envFrom, resources: { limits: { cpu: "250m" } } }]);
  const labelled = { ...pod, metadata: { ...pod.metadata, labels: { app: "web" } } };
  // The pod comes first in the file, and yet after what it names.
  const applied = await podrun.apply(
    labelled,
    object("ConfigMap", "web", { data: { a: "1", b: "two words" } }),
    object("Secret", "login", { stringData: { password: "s3cr3t" } }),
  );
  t.equal(applied.stdout, "configmap/web created\nsecret/login created\npod/env created\n");
  await podrun.untilPod("env", ({ status }) => status.phase === "Running");
  const { status } = await podrun.pod("env");
  const script = 'echo "$ONE|$WORD|${NONE-unset}|$LABEL|$IP|$ACCOUNT|$CPU|$BOTH|$P_a|$P_b"; test -n "$NODE"';
  const words = await podrun.ok("exec", "env", "--", "sh", "-c", script);
  t.match(
    await podrun.ok("describe", "pod", "env"),
    /ONE: +<set to the key 'a' of config map 'web'> {2}Optional: false\n +WORD: +<set to the key 'password' in secret 'login'> /,
  );
  t.equal(words, `1|s3cr3t|unset|web|${status.podIP}|default|250|1-two words|1|two words\n`);
});

t.test("what is missing is a CreateContainerConfigError in the kubelet's words, and over when it comes", async (t) => {
  const podrun = startInstance(t);
  const env = [from("A", { configMapKeyRef: { name: "web", key: "a" } })];
  await podrun.apply(makeManifest("waits", [{ name: "main", env, envFrom: [{ secretRef: { name: "login" } }] }]));
  const untilMessage = (message: string) =>
    podrun.untilPod("waits", (pod) => {
      const waiting = stateOf(pod, "main").waiting;
      return waiting?.reason === "CreateContainerConfigError" && waiting.message === message;
    });
  await untilMessage('secret "login" not found');
  t.match(await podrun.ok("get", "pods"), /waits +0\/1 +CreateContainerConfigError +0/);
  t.match(await podrun.ok("describe", "pod", "waits"), /Warning +Failed .*Error: secret "login" not found/);
  await podrun.ok("create", "secret", "generic", "login", "--from-literal=user=me");
  await untilMessage('configmap "web" not found');
  await podrun.ok("create", "configmap", "web", "--from-literal=b=2");
  await untilMessage("couldn't find key a in ConfigMap default/web");
  await podrun.apply(object("ConfigMap", "web", { data: { a: "1" } }));
  await podrun.untilPod("waits", ({ status }) => status.phase === "Running");
  t.equal(await podrun.ok("exec", "waits", "--", "sh", "-c", "echo $A $user"), "1 me\n");
});

t.test("variables are as they were at the start: a change is there after the next one", async (t) => {
  const podrun = startInstance(t);
  await podrun.ok("create", "cm", "web", "--from-literal=a=1");
  const env = [from("A", { configMapKeyRef: { name: "web", key: "a" } })];
  const command = ["sh", "-c", "trap 'exit 0' TERM; while true; do sleep 0.05; done"];
  await podrun.start(makeManifest("again", [{ name: "main", env, command }]));
  const value = () => podrun.podrun("exec", "again", "--", "sh", "-c", "echo $A").then(({ stdout }) => stdout);
  await podrun.apply(object("ConfigMap", "web", { data: { a: "2" } }));
  t.equal(await value(), "1\n");
  await podrun.podrun("exec", "again", "--", "kill", "1");
  await until(async () => (await value()) === "2\n");
});

t.test("variables come from a file that an init container has written, and from no file of the host", async (t) => {
  const podrun = startInstance(t);
  await podrun.ok("apply", "-f", EXAMPLE);
  const script = [
    "for at in /disk /memory; do cd $at; echo \"A='in $at'\" > a.env",
    "ln -s /a.env link.env; ln -s /etc/passwd passwd; ln -s ../../.. up; mkfifo pipe; done",
  ].join("; ");
  const volumes = [{ name: "disk" }, { name: "memory", emptyDir: { medium: "Memory" } }];
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
  const key = (name: string, volumeName: string, path: string, more: object = {}) =>
    from(name, { fileKeyRef: { volumeName, path, key: "A", ...more } });
  const env = [
    ...["disk", "memory"].flatMap((volume) => [
      key(`${volume}_A`, volume, "a.env"),
      key(`${volume}_L`, volume, "link.env"),
    ]),
    ...["passwd", "up/etc/passwd", "none"].map((path, i) => key(`NONE${i}`, "disk", path, { optional: true })),
  ];
  const command = ["sh", "-c", "env | grep -E '_[AL]=|NONE' | sort"];
  const pod = (name: string, container: object, spec: object = {}) =>
    makeManifest(name, [{ name: "main", ...container }], {
      restartPolicy: "Never",
      volumes,
      initContainers: [{ name: "writes", image: "podrun.local/base", command: ["sh", "-c", script], volumeMounts }],
      ...spec,
    });
  await podrun.apply(
    pod("files", { command, env }),
    pod("mapped", { command, env }, { hostUsers: false }),
    pod("waits", { env: [key("A", "disk", "pipe")] }),
  );
  for (const name of ["files", "mapped"]) {
    await podrun.untilPod(name, ({ status }) => status.phase === "Succeeded");
    const words = ["disk_A=in /disk", "disk_L=in /disk", "memory_A=in /memory", "memory_L=in /memory", ""];
    t.same((await podrun.ok("logs", name)).split("\n"), words, name);
  }
  const refused = (p: Pod): boolean => stateOf(p, "main").waiting?.reason === "CreateContainerConfigError";
  t.equal(stateOf(await podrun.untilPod("waits", refused), "main").waiting?.message, 'file "pipe" is no plain file');
  await podrun.untilPod("env-file", ({ status }) => status.phase === "Running");
  await until(async () => (await podrun.ok("logs", "env-file")) === "10.0.0.1:5432: Hello, $USER\n");
  t.match(
    await podrun.ok("describe", "pod", "env-file"),
    /ADDRESS: +<set to the key 'ADDRESS' in file 'app\.env' of volume 'config'> {2}Optional: false\n/,
  );
  t.match(await podrun.ok("plan", "-f", EXAMPLE), /^container app$/m);
});

t.test("ConfigMaps are listed, shown, changed in place and deleted; those that are wrong are refused", async (t) => {
  const podrun = startInstance(t);
  await podrun.ok("create", "cm", "web", "--from-literal=a=1");
  t.match(await podrun.ok("get", "cm"), /^NAME +DATA +AGE\nweb +1 +/);
  t.equal(await podrun.ok("get", "configmap", "web", "-o", "jsonpath={.data.a}"), "1");
  const changed = await podrun.apply(object("ConfigMap", "web", { data: { a: "2" }, immutable: true }));
  t.equal(changed.stdout, "configmap/web configured\n");
  const refused = await podrun.apply(object("ConfigMap", "web", { data: { a: "3" }, immutable: true }));
  t.match(refused, { code: 1, stderr: /data: can't be changed, for the ConfigMap is immutable/ });
  t.match(await podrun.apply(object("ConfigMap", "bad", { data: { "a/b": "" } })), { code: 1, stderr: /is not a key/ });
  t.match(await podrun.ok("describe", "cm", "web"), /a:\n----\n2\n/);
  t.equal(await podrun.ok("delete", "cm", "web"), 'configmap "web" deleted\n');
  t.match(await podrun.podrun("get", "cm", "web"), { code: 1, stderr: /configmaps "web" not found/ });
});
