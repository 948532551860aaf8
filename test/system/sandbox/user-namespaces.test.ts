// hostUsers: false, at the runtime: what root of such a pod is outside, and what it can't do.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { namespaceOf } from "../../../src/linux/proc.ts";
import type { ContainerRecord, SandboxRecord } from "../../../src/sandbox/records.ts";
import type { ContainerConfig, ContainerMount, SandboxConfig } from "../../../src/sandbox/types.ts";
import { until } from "../support/podrun.ts";
import { buildProgram } from "../support/programs.ts";
import { collect, execText, logText, request, runToEnd, security, startOne, startRuntime } from "./runtime.ts";

// A tmpfs, as /tmp may be one, takes idmapped mounts since Linux 6.3 only.
process.env["TMPDIR"] = "/var/tmp";
const made = await startRuntime("usr");
t.teardown(() => made.close());

async function sandbox(t: Test, change: Partial<SandboxConfig> = {}) {
  const status = await made.runtime.runSandbox(made.sandbox({ users: "pod", ...change }));
  t.teardown(() => made.runtime.removeSandbox(status.id));
  return status;
}

async function start(sandboxId: string, name: string, change: Partial<ContainerConfig> = {}) {
  const id = await startOne(made.runtime, sandboxId, made.container(name, "exec sleep 100000", change));
  return { id, pid: made.runtime.containerStatus(id).pid as number };
}

const say = async (container: string, script: string): Promise<string> => {
  const { stdout, stderr } = await execText(made.runtime, container, ["sh", "-c", script]);
  return `${stdout}${stderr}`.trim();
};

/** The first four numbers of a line of /proc/PID/status: real, effective, saved, of files. */
const ids = (pid: number, line: "Uid" | "Gid"): string[] =>
  new RegExp(`^${line}:\\s+(.*)$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]?.split(/\s+/) ?? [];

const sandboxes = () => made.store.sandboxes.list() as readonly SandboxRecord[];
const rangeOf = (id: string) => sandboxes().find((one) => one.id === id)?.userRange;

const folder = (name: string): string => {
  const path = join(made.folder, name);
  mkdirSync(path);
  return path;
};

const hostMount = (path: string, target: string, change: Partial<ContainerMount> = {}): ContainerMount => ({
  source: { kind: "host", path },
  target,
  readOnly: false,
  ...change,
});

t.test("root of a pod is an unprivileged user of the host, in namespaces that its user namespace owns", async (t) => {
  const { id, pausePid } = await sandbox(t);
  const { first = 0, count } = rangeOf(id) ?? {};
  t.ok(first >= 65_536);
  t.equal(count, 65_536);
  const { id: main, pid } = await start(id, "main");
  const root = Array(4).fill(String(first));
  t.same([ids(pid, "Uid"), ids(pid, "Gid")], [root, root]);
  t.equal(ids(pausePid, "Uid")[0], String(first + 65_535), "pause is nobody in it");
  t.equal(namespaceOf(pausePid, "user"), namespaceOf(pid, "user"));
  t.not(namespaceOf(pid, "user"), namespaceOf("self", "user"));
  t.equal(
    await say(main, "id -u; cat /proc/self/uid_map /proc/self/gid_map | tr -s ' '"),
    `0\n 0 ${first} 65536\n 0 ${first} 65536`,
  );
  const user = await start(id, "user", {
    security: { ...security, runAsUser: 1000, runAsGroup: 2000, supplementalGroups: [3000] },
  });
  t.equal(ids(user.pid, "Uid")[0], String(first + 1000));
  t.equal(
    await say(user.id, "id; echo to-my-own >/proc/self/fd/1"),
    "uid=1000(app) gid=2000 groups=2000,3000\nto-my-own",
  );
});

t.test(
  "pods have ranges of their own, also after the daemon's death, and a removed pod's is given again",
  async (t) => {
    const one = await sandbox(t);
    const two = await made.runtime.runSandbox(made.sandbox({ users: "pod" }));
    const [first, second] = [rangeOf(one.id)?.first as number, rangeOf(two.id)?.first as number];
    t.ok(Math.abs(first - second) >= 65_536, `${first} ${second}`);
    await made.restart();
    t.equal(rangeOf(one.id)?.first, first);
    const three = await sandbox(t);
    t.notOk([first, second].includes(rangeOf(three.id)?.first as number));
    await made.runtime.removeSandbox(two.id);
    t.equal(rangeOf((await sandbox(t)).id)?.first, second);
  },
);

t.test("files of images, volumes and the pod itself belong to whom they do on the disk", async (t) => {
  const data = folder("data");
  writeFileSync(join(data, "mine"), "");
  writeFileSync(join(data, "app"), "");
  chownSync(join(data, "app"), 1000, 1000);
  const { id } = await sandbox(t, { memoryVolumes: { mem: { gid: 3000, mode: 0o2770 } } });
  const { first = 0 } = rangeOf(id) ?? {};
  const image = made.imageWith(made.layer("usrtop", { "srv/top": "x" }));
  const mounts: ContainerMount[] = [
    hostMount(data, "/data"),
    hostMount(data, "/ro", { readOnly: true }),
    hostMount(data, "/sub", { subPath: { path: "deep/er", mode: 0o755 } }),
    hostMount(join(data, "app"), "/file"),
    { source: { kind: "memory", volume: "mem" }, target: "/mem", readOnly: false },
    { source: { kind: "layers", image }, target: "/image", readOnly: true },
  ];
  const { id: main } = await start(id, "main", { image, mounts, terminationMessage: { path: "/dev/termination-log" } });
  const owners = await say(
    main,
    "touch /data/new /sub/new /mem/new /new; stat -c '%u:%g %n' / /bin /srv/top /etc/hosts /dev /dev/pts /dev/mqueue /dev/shm /dev/termination-log /data/mine /data/app /file /sub /image/srv/top",
  );
  const strange = owners.split("\n").filter((line) => !/^0:0 /.test(line));
  t.same(strange, ["1000:1000 /data/app", "1000:1000 /file"]);
  t.equal(await say(main, "stat -c '%u:%g' /mem /mem/new"), "0:3000\n0:3000");
  for (const made of ["new", "deep/er/new"])
    t.equal(statSync(join(data, made)).uid, 0, `${made}: the idmap's other side`);
  const { folder: own = "" } =
    (made.store.containers.list() as readonly ContainerRecord[]).find((one) => one.id === main) ?? {};
  t.equal(statSync(join(own, "upper/new")).uid, first, "a layer of its own has the ids of its processes");
  t.match(await say(main, "touch /ro/x; mount -o remount,rw /ro"), /Read-only file system.*permission denied/s);
});

t.test("with all capabilities of its namespace it changes nothing of the host's", async (t) => {
  const data = folder("host-data");
  const image = made.imageWith(made.layer("usrdev", { "x/": "" }));
  // A disk and the kernel's memory, as an image might bring them along.
  for (const [name, ...numbers] of [
    ["disk", "b", "7", "0"],
    ["mem", "c", "1", "1"],
  ] as const)
    execFileSync("mknod", ["-m", "666", join(image.layersFolder, "usrdev/x", name), ...numbers]);
  const { id } = await sandbox(t);
  const privileged = { ...security, privileged: true };
  const { id: main } = await start(id, "main", {
    image,
    security: privileged,
    mounts: [hostMount(data, "/ro", { readOnly: true })],
  });
  const refused = async (script: string): Promise<void> => {
    const { code, stderr } = await execText(made.runtime, main, ["sh", "-c", script]);
    t.not(code, 0, script);
    t.match(
      stderr,
      /denied|not permitted|Permission|Invalid argument|Read-only|can't open|cannot open|nonexistent/,
      `${script}: ${stderr}`,
    );
  };
  for (const script of [
    "mknod /tmp/disk b 7 0",
    "cat /x/disk",
    "cat /x/mem",
    "echo 1 > /proc/sys/kernel/panic",
    "echo 1 > /proc/sys/vm/drop_caches",
    "echo b > /proc/sysrq-trigger",
    "mount -o remount,rw /ro && touch /ro/x",
    "umount /ro",
    "chroot /proc/1/root/../.. cat /etc/shadow && false",
    "mount -t ext4 /x/disk /tmp",
    "cat /proc/kcore",
    "nsenter -t 1 -m -- mount -o remount,rw /ro",
  ])
    await refused(script);
  const disks = (await say(main, "find /dev -type b")).split("\n").filter(Boolean);
  for (const disk of disks) await refused(`head -c 1 ${disk}`);
  t.match(
    await say(main, "mkdir -p /tmp/m && mount -t tmpfs x /tmp/m && echo yes; hostname other && hostname"),
    "yes\nother",
  );
  t.match(await say(main, "grep CapEff /proc/self/status"), /CapEff:\s+0000[0-9a-f]*[1-9a-f]/);
});

t.test(
  "a device that somebody else has left in a volume, or mounted below it, opens nothing, also when privileged",
  async (t) => {
    const data = folder("devices");
    const below = folder("devices/below");
    execFileSync("mount", ["-t", "tmpfs", "below", below]);
    t.teardown(() => execFileSync("umount", [below]));
    // It opens for everybody who may open devices at all.
    const zero = "mknod -m 666 zero c 1 5";
    for (const cwd of [data, below]) execFileSync("sh", ["-c", zero], { cwd });
    const { id } = await sandbox(t);
    const { id: main } = await start(id, "main", {
      security: { ...security, privileged: true },
      mounts: [
        hostMount(data, "/data"),
        hostMount(data, "/part", { subPath: { path: "zero", mode: 0o755 } }),
        hostMount(join(data, "zero"), "/named"),
      ],
    });
    for (const path of ["/data/zero", "/data/below/zero", "/part"])
      t.match(await say(main, `head -c 1 ${path} | wc -c`), /Permission denied.*0|0.*Permission denied/s, path);
    t.equal(
      await say(main, "head -c 1 /named | wc -c; mount -o remount,dev,bind /data 2>/dev/null || echo no"),
      "1\nno",
    );
  },
);

t.test("a setuid file of a layer makes root of the pod, who is nobody on the host", async (t) => {
  const image = made.imageWith(made.layer("usrsuid", { "suid/": "" }));
  const copy = join(image.layersFolder, "usrsuid/suid/probe");
  copyFileSync(buildProgram("probe"), copy);
  chmodSync(copy, 0o4755);
  const { id } = await sandbox(t);
  const { first = 0 } = rangeOf(id) ?? {};
  const config = { image, command: ["/suid/probe", "ids"], security: { ...security, runAsUser: 1000 } };
  const { id: main, pid } = await start(id, "main", config);
  await until(async () => logText(made.runtime.containerStatus(main).logPath) === "1000 0");
  t.same(ids(pid, "Uid"), [first + 1000, first, first, first].map(String));
});

t.test("commands, terminals, files and shared processes work as in any pod", async (t) => {
  const { id, pausePid } = await sandbox(t, { pid: "pod" });
  const { first = 0 } = rangeOf(id) ?? {};
  const { id: main, pid } = await start(id, "main", { tty: true, stdin: true });
  t.match((await collect(await made.runtime.exec(main, request(["tty"], { tty: true })))).stdout, /^\/dev\/pts\/\d/);
  t.equal(await say(main, "readlink /proc/2/fd/0"), "/dev/pts/0");
  t.equal(await say(main, "stat -c '%u %t' /dev/console"), "0 88");
  t.equal(namespaceOf(pid, "pid"), namespaceOf(pausePid, "pid"));
  t.equal(ids(pid, "Uid")[0], String(first));
  const copy = await made.runtime.copy(main, { verb: "look", path: "/etc/hosts" });
  copy.onStdout = () => undefined;
  t.equal((await copy.done).files, 1);
  await copy.exited;
  copy.close();
});

t.test(
  "not even with CAP_SYS_PTRACE does a pod see into a child of ours on its way in, and pause neither",
  async (t) => {
    const config = made.sandbox({ users: "pod", pid: "pod" });
    const { id } = await made.runtime.runSandbox(config);
    t.teardown(() => made.runtime.removeSandbox(id));
    const sleep = { command: ["sleep", "100000"], mounts: [hostMount(buildProgram("probe"), "/bin/probe")] };
    const strong = { ...security, addCapabilities: ["SYS_PTRACE", "DAC_READ_SEARCH", "SYS_ADMIN"] };
    const { id: main } = await start(id, "main", { ...sleep, security: strong });
    t.match(await say(main, "ls /proc/1/root/ /proc/1/fd/"), /Permission denied.*Permission denied/s);
    const second = made.container("second", "", sleep);
    const plan = made.runtime.plan(config, [second]).filter(({ part }) => part === "second");
    const own = plan.flatMap(({ actor }, index) => (actor === "child" ? [index] : []));
    const stopped: Promise<unknown>[] = [];
    for (const operation of own) {
      const container = await made.runtime.createContainer(id, { ...second, name: `second${operation}` });
      process.env["PODRUN_FAULT"] = `plan:container:${operation}:stop`;
      stopped.push(made.runtime.startContainer(container).catch(() => undefined));
      process.env["PODRUN_FAULT"] = `plan:exec:${stopped.length}:stop`;
      stopped.push(made.runtime.exec(main, request(["sleep", "100000"], { stdin: true })).catch(() => undefined));
      delete process.env["PODRUN_FAULT"];
    }
    // Some run through, for their stop is behind their execve: until no more come they may be looked at on their way out.
    let seen = 0;
    for (let same = 0; same < 4 || seen < own.length; ) {
      const looked = await say(main, "probe look");
      const count = Number(/looked at (\d+)/.exec(looked)?.[1]);
      same = count === seen ? same + 1 : 0;
      if (same > 0) t.notMatch(looked, /read|followed|descriptor/, looked);
      seen = count;
    }
    await made.runtime.stopSandbox(id);
    await Promise.all(stopped);
  },
);

t.test("sysctls of the pod's namespaces are set, and ids among them are its own", async (t) => {
  const { id } = await sandbox(t, {
    sysctls: { "kernel.shmmax": "1234567", "fs.mqueue.msg_max": "11", "net.ipv4.ping_group_range": "5 70" },
  });
  const { id: main } = await start(id, "main");
  const read = "cd /proc/sys; cat kernel/shmmax fs/mqueue/msg_max net/ipv4/ping_group_range";
  t.equal((await say(main, read)).replace(/\s+/g, " "), "1234567 11 5 70");
});

t.test("a file system that can't have the pod's ids is named, and nothing is left of the pod", async (t) => {
  const before = made.runtime.listSandboxes().length;
  const config = made.sandbox({ users: "pod", mapped: [{ path: "/sys", volume: "kernel" }] });
  await t.rejects(made.runtime.runSandbox(config), {
    code: "KernelFeatureMissing",
    message:
      /^volume "kernel": \/sys is on a file system \(sysfs\) that can't be mounted with the pod's own user ids: EINVAL; hostUsers: false needs/,
    details: { volume: "kernel", path: "/sys" },
  });
  t.equal(made.runtime.listSandboxes().length, before);
  const { id } = await sandbox(t);
  const container = made.container("main", "true", { mounts: [hostMount("/sys", "/s")] });
  await t.rejects(runToEnd(made.runtime, id, container), { message: /^\/sys is on a file system \(sysfs\)/ });
});

t.test("an unmasked /proc has nothing hidden and lets another be mounted in a namespace within", async (t) => {
  const { id } = await sandbox(t);
  const open = { ...security, seccomp: { type: "Unconfined" as const }, appArmor: { type: "Unconfined" as const } };
  const script = "unshare -U -r -p -f -m --mount-proc sh -c 'echo inner $$'";
  const masked = await runToEnd(made.runtime, id, made.container("masked", script, { security: open }));
  t.not(masked.code, 0);
  const bare = await runToEnd(
    made.runtime,
    id,
    made.container("bare", `${script}; grep -c ' /proc/' /proc/self/mountinfo; true`, {
      security: { ...open, unmasked: true },
    }),
  );
  t.equal(bare.log, "inner 1\n0");
  t.match(logText(masked.status.logPath), /Operation not permitted/);
});
