// Volumes whose content podrun writes, as their containers see them.
import { readFileSync, statSync } from "node:fs";
import t from "tap";
import { type Instance, makeManifest, startInstance, stateOf, until } from "./support/podrun.ts";

const configMap = (name: string, data: object, more: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
  ...more,
});
const secret = (name: string, stringData: object) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  stringData,
});

/** One container that has every volume in the folder of its name. */
function mounting(
  name: string,
  volumes: readonly { readonly name: string }[],
  spec: object = {},
  metadata: object = {},
) {
  const volumeMounts = volumes.map((volume) => ({ name: volume.name, mountPath: `/${volume.name}` }));
  const pod = makeManifest(name, [{ name: "main", volumeMounts }], { volumes, ...spec });
  return { ...pod, metadata: { ...pod.metadata, ...metadata } };
}

const sh = (podrun: Instance, pod: string, script: string): Promise<string> =>
  podrun.ok("exec", pod, "--", "sh", "-c", script);

async function applyAll(podrun: Instance, ...objects: object[]): Promise<void> {
  const { code, stderr } = await podrun.apply(...objects);
  if (code !== 0) throw new Error(stderr);
}

t.test("configMap, secret, downwardAPI and projected volumes hold their files, in memory, read-only", async (t) => {
  const podrun = startInstance(t);
  await applyAll(
    podrun,
    configMap("web", { a: "one", "b.conf": "two\n" }, { binaryData: { bin: "AP8=" } }),
    secret("login", { user: "me", password: "s3cr3t" }),
  );
  const items = [
    { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
    { path: "in/cpu", resourceFieldRef: { containerName: "main", resource: "limits.cpu", divisor: "1m" } },
  ];
  await podrun.start(
    mounting(
      "all",
      [
        { name: "cm", configMap: { name: "web" } },
        {
          name: "sec",
          secret: { secretName: "login", defaultMode: 0o400, items: [{ key: "user", path: "a/b", mode: 0o440 }] },
        },
        { name: "down", downwardAPI: { items } },
        {
          name: "proj",
          projected: {
            sources: [
              { configMap: { name: "web", items: [{ key: "a", path: "x" }] } },
              { secret: { name: "login" } },
              { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
              { secret: { name: "none", optional: true } },
            ],
          },
        },
      ] as never,
      {},
      { labels: { tier: "front", app: "web" } },
    ),
  );
  const see = (script: string) => sh(podrun, "all", script);
  t.equal(await see("cd /cm; cat a b.conf; od -An -tx1 bin"), "onetwo\n 00 ff\n");
  t.equal(
    await see(
      "cd /cm; readlink a; ls -A | head -n1 | grep -cE '^\\.\\.[0-9_]{19}\\.[0-9]+$'; readlink ..data | cut -c1-4",
    ),
    "..data/a\n1\n..20\n",
  );
  t.equal(await see("stat -Lc '%a %u:%g' /cm/a /sec/a/b /cm /sec"), "644 0:0\n440 0:0\n777 0:0\n1777 0:0\n");
  t.equal(await see("cd /down; cat labels; echo; cat in/cpu"), `app="web"\ntier="front"\n${await cpus(podrun)}`);
  t.equal(await see("cd /proj; ls; cat x user name"), "name\npassword\nuser\nx\nonemeall");
  t.match(await see("touch /cm/new /sec/new 2>&1; true"), /cm\/new: Read-only.*sec\/new: Read-only/s);
  t.match(await see("grep -E ' /(cm|sec|down|proj) ' /proc/mounts"), /^(tmpfs \/\w+ tmpfs ro,nosuid,nodev.*\n){4}$/);
  t.notMatch(readFileSync("/proc/mounts", "utf8"), podrun.folder, "the host's mount table has nothing of it");
});

async function cpus(podrun: Instance): Promise<string> {
  return `${Number(await sh(podrun, "all", "grep -c ^processor /proc/cpuinfo")) * 1000}`;
}

t.test("a change is in the containers at once and whole, and leaves nothing of the old behind", async (t) => {
  const podrun = startInstance(t);
  await applyAll(podrun, configMap("web", { a: "1", gone: "x", stays: "s" }));
  await podrun.start(mounting("live", [{ name: "cm", configMap: { name: "web" } }] as never));
  // Both files say the same at every moment: a reader that sees a mixture ends the loop.
  await applyAll(podrun, configMap("web", { a: "0", b: "0", stays: "s" }));
  await until(async () => (await sh(podrun, "live", "cat /cm/b 2>/dev/null || true")) === "0");
  const reader = podrun.podrun(
    "exec",
    "live",
    "--",
    "sh",
    "-c",
    'cd /cm; n=0; while d=$(readlink ..data); do x=$(cat "$d/a" 2>/dev/null) && y=$(cat "$d/b" 2>/dev/null) && [ "$x" != "$y" ] && echo mixed $x $y && exit 1; [ "$(cat a)" = end ] && exit 0; done',
  );
  for (let i = 1; i <= 5; i++) await applyAll(podrun, configMap("web", { a: `${i}`, b: `${i}`, stays: "s" }));
  await applyAll(podrun, configMap("web", { a: "end", b: "end", stays: "s" }));
  t.match(await reader, { code: 0, stdout: "" });
  t.equal(await sh(podrun, "live", "cd /cm; ls; ls -A | wc -l; cat stays"), "a\nb\nstays\n5\ns");
});

t.test("labels and annotations that change are in the downwardAPI volume", async (t) => {
  const podrun = startInstance(t);
  const items = [
    { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
    { path: "note", fieldRef: { fieldPath: "metadata.annotations['note']" } },
  ];
  const pod = (labels: object, annotations: object) =>
    mounting("down", [{ name: "d", downwardAPI: { items } }] as never, {}, { labels, annotations });
  await podrun.start(pod({ a: "1" }, { note: "first" }));
  t.equal(await sh(podrun, "down", "cat /d/labels /d/note"), 'a="1"first');
  await applyAll(podrun, pod({ a: "2" }, { note: "two\nlines" }));
  await until(async () => (await sh(podrun, "down", "cat /d/labels /d/note")) === 'a="2"two\nlines');
});

t.test("a pod waits for a ConfigMap that is missing, says so, and goes on when it comes", async (t) => {
  const podrun = startInstance(t);
  await applyAll(podrun, mounting("waits", [{ name: "x", configMap: { name: "y" } }] as never));
  const described = async () => podrun.ok("describe", "pod", "waits");
  await until(async () =>
    (await described()).includes('MountVolume.SetUp failed for volume "x" : configmap "y" not found'),
  );
  const waiting = await podrun.pod("waits");
  t.match(stateOf(waiting, "main"), { waiting: { reason: "ContainerCreating" } });
  t.match(waiting.status.phase, "Pending");
  await applyAll(podrun, configMap("y", { k: "v" }));
  await podrun.untilPod("waits", ({ status }) => status.phase === "Running");
  t.equal(await sh(podrun, "waits", "cat /x/k"), "v");
});

t.test(
  "a ConfigMap that is deleted while it is mounted leaves its content; one that comes again replaces it",
  async (t) => {
    const podrun = startInstance(t);
    await applyAll(podrun, configMap("web", { a: "1" }));
    await podrun.start(mounting("keeps", [{ name: "cm", configMap: { name: "web" } }] as never));
    await podrun.ok("delete", "cm", "web");
    await until(async () => (await podrun.ok("describe", "pod", "keeps")).includes('configmap "web" not found'));
    t.equal(await sh(podrun, "keeps", "cat /cm/a"), "1");
    await applyAll(podrun, configMap("web", { b: "2" }));
    await until(async () => (await sh(podrun, "keeps", "cd /cm; ls; cat b 2>/dev/null || true")) === "b\n2");
  },
);

t.test("an immutable ConfigMap that is made anew does not change pods that run", async (t) => {
  const podrun = startInstance(t);
  await applyAll(podrun, configMap("web", { a: "1" }, { immutable: true }), configMap("other", { a: "1" }));
  await podrun.start(
    mounting("fixed", [
      { name: "cm", configMap: { name: "web" } },
      { name: "other", configMap: { name: "other" } },
    ] as never),
  );
  const changed = await podrun.apply(configMap("web", { a: "2" }, { immutable: true }));
  t.match(changed, { code: 1, stderr: /the ConfigMap is immutable/ });
  await podrun.ok("delete", "cm", "web");
  await applyAll(podrun, configMap("web", { a: "2" }, { immutable: true }), configMap("other", { a: "2" }));
  await until(async () => (await sh(podrun, "fixed", "cat /other/a")) === "2");
  t.equal(await sh(podrun, "fixed", "cat /cm/a"), "1");
});

t.test("a daemon that was killed finds its volumes, and what has changed meanwhile is written", async (t) => {
  const podrun = startInstance(t);
  await applyAll(podrun, configMap("web", { a: "1", b: "1" }));
  await podrun.start(mounting("lives", [{ name: "cm", configMap: { name: "web" } }] as never));
  const before = await sh(podrun, "lives", "readlink /cm/..data");
  await podrun.killDaemon();
  await podrun.ok("get", "pods");
  t.equal(await sh(podrun, "lives", "readlink /cm/..data"), before, "the same is not written again");
  await applyAll(podrun, configMap("web", { a: "2" }));
  await until(async () => (await sh(podrun, "lives", "cd /cm; cat a; ls | wc -l; ls -A | wc -l")) === "21\n3\n");
});

t.test("fsGroup owns what volumes hold and what is made in them, and every process is in it", async (t) => {
  const podrun = startInstance(t);
  await applyAll(podrun, configMap("web", { a: "1" }), secret("key", { k: "v" }));
  const volumes = [
    { name: "cm", configMap: { name: "web" } },
    { name: "sec", secret: { secretName: "key", defaultMode: 0o400 } },
    { name: "disk", emptyDir: {} },
    { name: "memory", emptyDir: { medium: "Memory" } },
  ];
  const securityContext = { runAsUser: 1000, runAsGroup: 1000, fsGroup: 2000, fsGroupChangePolicy: "OnRootMismatch" };
  await podrun.start(mounting("group", volumes as never, { securityContext }));
  const see = (script: string) => sh(podrun, "group", script);
  t.equal(await see("id -G"), "1000 2000\n");
  t.equal(
    await see("stat -Lc '%a %u:%g' /cm/a /sec/k /cm /sec /disk /memory"),
    "644 0:2000\n440 0:2000\n2777 0:2000\n3777 0:2000\n2777 0:2000\n2777 0:2000\n",
  );
  t.equal(await see("cat /sec/k; touch /disk/f /memory/f; stat -c %u:%g /disk/f /memory/f"), "v1000:2000\n1000:2000\n");
});

t.test(
  "a subPath is a part of any volume, a folder where it is missing, and no link leads out of the volume",
  async (t) => {
    const podrun = startInstance(t);
    await applyAll(podrun, configMap("web", { a: "1", b: "2" }));
    const host = `${podrun.folder}/host`;
    const volumes = [
      { name: "cm", configMap: { name: "web" } },
      { name: "disk", emptyDir: {} },
      { name: "memory", emptyDir: { medium: "Memory" } },
      { name: "host", hostPath: { path: host, type: "DirectoryOrCreate" } },
    ];
    const mount = (name: string, subPath: string, mountPath: string, more: object = {}) => ({
      name,
      subPath,
      mountPath,
      ...more,
    });
    // The first makes links, the second is mounted through them.
    const evil =
      "ln -s / /h/root; ln -s ../../../../../etc /h/up; ln -s /proc/1/root /h/magic; touch /h/file; touch /h/ready; exec sleep 1000";
    await podrun.start(
      makeManifest(
        "makes",
        [{ name: "main", command: ["sh", "-c", evil], volumeMounts: [{ name: "host", mountPath: "/h" }] }],
        { volumes },
      ),
    );
    await until(async () => (await sh(podrun, "makes", "ls /h")).includes("ready"));
    const main = {
      name: "main",
      env: [{ name: "WHO", value: "me" }],
      volumeMounts: [
        mount("cm", "a", "/etc/a.conf"),
        mount("cm", "none", "/none"),
        mount("disk", "x/y", "/x"),
        { name: "disk", mountPath: "/disk" },
        mount("memory", "m", "/m", { readOnly: true }),
        { name: "memory", subPathExpr: "logs/$(WHO)", mountPath: "/logs" },
        { name: "memory", mountPath: "/memory" },
        mount("host", "root", "/r"),
        mount("host", "up/deep", "/u"),
        mount("host", "file", "/file"),
      ],
    };
    await podrun.start(makeManifest("parts", [main], { volumes }));
    const see = (script: string) => sh(podrun, "parts", script);
    t.equal(
      await see("cat /etc/a.conf; stat -c %F /none; touch /x/f; stat -c '%n %a' /disk/x /disk/x/y; ls /disk/x/y"),
      "1directory\n/disk/x 777\n/disk/x/y 777\nf\n",
    );
    t.match(
      await see("touch /m/f 2>&1; touch /logs/f; ls /memory /memory/logs"),
      /Read-only.*\/memory:\nlogs\nm\n\n\/memory\/logs:\nme\n/s,
    );
    // `root -> /` is the volume itself, `up -> ../../etc` a folder of that name in it.
    t.equal(
      await see("ls /r; ls /u | wc -l; stat -c %F /file"),
      "etc\nfile\nmagic\nready\nroot\nup\n0\nregular empty file\n",
    );
    t.ok(statSync(`${host}/etc/deep`).isDirectory());
    t.notOk(statSync("/etc/deep", { throwIfNoEntry: false }));
    await applyAll(podrun, configMap("web", { a: "new", b: "2" }));
    t.equal(await see("cat /etc/a.conf"), "1", "a subPath is not updated");
    const through = makeManifest("magic", [{ name: "main", volumeMounts: [mount("host", "magic", "/in")] }], {
      volumes,
    });
    await podrun.start(through);
    t.equal(await sh(podrun, "magic", "ls -A /in"), "", "a link's text is looked up in the volume, too");
    t.ok(statSync(`${host}/proc/1/root`).isDirectory());
  },
);

t.test("a ConfigMap of thousands of keys and one of a MiB are there whole, and change whole", async (t) => {
  const podrun = startInstance(t);
  const many = (value: string) =>
    configMap("many", Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`key-${i}`, value])));
  await applyAll(podrun, many("1"), configMap("big", { a: "x".repeat(1024 * 1024) }));
  const volumes = [
    { name: "many", configMap: { name: "many" } },
    { name: "big", configMap: { name: "big" } },
  ];
  await podrun.start(mounting("large", volumes as never));
  t.equal(await sh(podrun, "large", "cat /many/key-* | wc -c; wc -c < /big/a"), "5000\n1048576\n");
  await applyAll(podrun, many("22"));
  await until(
    async () => (await sh(podrun, "large", "cat /many/key-* | wc -c; ls -A /many | wc -l")) === "10000\n5002\n",
  );
  const tooMany = configMap("too-many", Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`k${i}`, ""])));
  await applyAll(podrun, tooMany, mounting("waits", [{ name: "v", configMap: { name: "too-many" } }] as never));
  await until(async () => (await podrun.ok("describe", "pod", "waits")).includes("9000 files; 8192 are the most"));
});

t.test("what can't be in a volume is refused by the manifest's path", async (t) => {
  const podrun = startInstance(t);
  const refused = async (volume: object, message: RegExp, mount: object = {}): Promise<void> => {
    const volumes = [{ name: "v", ...volume }];
    const volumeMounts = [{ name: "v", mountPath: "/v", ...mount }];
    const { code, stderr } = await podrun.apply(makeManifest("bad", [{ name: "main", volumeMounts }], { volumes }));
    t.equal(code, 1);
    t.match(stderr, message);
  };
  await refused(
    { configMap: { name: "a" }, secret: { secretName: "b" } },
    /spec\.volumes\[0\]: has both configMap and secret/,
  );
  await refused({ configMap: {} }, /configMap\.name: required/);
  await refused({ secret: { secretName: "a", items: [{ key: "k", path: "../x" }] } }, /items\[0\]\.path: "\.\.\/x"/);
  await refused({ secret: { secretName: "a", items: [{ key: "k", path: "..x" }] } }, /may not start with "\.\."/);
  await refused({ configMap: { name: "a", defaultMode: 0o1777 } }, /defaultMode: 1023 is out of range/);
  await refused(
    { projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
    /serviceAccountToken: has no meaning in podrun/,
  );
  await refused({ projected: { sources: [{}] } }, /sources\[0\]: must have exactly one of/);
  await refused(
    { downwardAPI: { items: [{ path: "a", fieldRef: { fieldPath: "status.podIP" } }] } },
    /"status\.podIP" can't be read here/,
  );
  await refused({ emptyDir: {} }, /subPath: "\/etc" must be a relative path/, { subPath: "/etc" });
  await refused({ emptyDir: {} }, /subPath: "a\/\.\.\/\.\.\/b" must be a relative path/, { subPath: "a/../../b" });
  await refused({ emptyDir: {} }, /subPathExpr: given together with subPath/, { subPath: "a", subPathExpr: "b" });
});
