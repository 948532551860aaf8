import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { ContainerMount } from "../../../src/sandbox/types.ts";
import { execText, runToEnd, security, startOne, startRuntime, writeFiles } from "./runtime.ts";

const made = await startRuntime("mou");
t.teardown(() => made.close());

const host = (path: string, target: string, readOnly = false): ContainerMount => ({
  source: { kind: "host", path },
  target,
  readOnly,
});
const memory = (volume: string, target: string, readOnly = false): ContainerMount => ({
  source: { kind: "memory", volume },
  target,
  readOnly,
});

interface Mounted {
  readonly point: string;
  readonly type: string;
  readonly options: ReadonlySet<string>;
  readonly super: string;
}

/** Lines of proc_pid_mountinfo(5) by mount point. */
function mountsOf(text: string): ReadonlyMap<string, Mounted> {
  const mounts = text
    .split("\n")
    .filter((line) => /^\d/.test(line))
    .map((line) => {
      const [, , , , point = "", options = "", ...rest] = line.split(" ");
      const [type = "", , ...superOptions] = rest.slice(rest.indexOf("-") + 1);
      return { point, type, options: new Set(options.split(",")), super: superOptions.join(" ") };
    });
  return new Map(mounts.map((mount) => [mount.point, mount]));
}

t.test("a container has the mounts that every container has, with their flags, and no other", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  const { log } = await runToEnd(runtime, id, made.container("main", "cat /proc/self/mountinfo"));
  const mounts = mountsOf(log);
  const wanted = {
    "/": ["overlay", "rw"],
    "/proc": ["proc", "rw", "nosuid", "nodev", "noexec"],
    "/sys": ["sysfs", "ro", "nosuid", "nodev", "noexec"],
    "/dev": ["tmpfs", "rw", "nosuid"],
    "/dev/pts": ["devpts", "rw", "nosuid", "noexec"],
    "/dev/mqueue": ["mqueue", "rw", "nosuid", "nodev", "noexec"],
    "/dev/shm": ["tmpfs", "rw", "nosuid", "nodev", "noexec"],
    "/etc/hosts": ["tmpfs", "rw"],
    "/etc/resolv.conf": ["tmpfs", "rw"],
    "/etc/hostname": ["tmpfs", "rw"],
    "/proc/sys": ["proc", "ro", "nosuid", "nodev", "noexec"],
    "/proc/bus": ["proc", "ro"],
    "/proc/fs": ["proc", "ro"],
    "/proc/irq": ["proc", "ro"],
  };
  for (const [point, [type, ...options]] of Object.entries(wanted)) {
    const mount = mounts.get(point);
    t.equal(mount?.type, type, point);
    for (const option of options) t.ok(mount?.options.has(option), `${point} ${option}`);
  }
  t.match(mounts.get("/dev/shm")?.super, /size=65536k/);
  t.match(mounts.get("/dev/pts")?.super, /gid=5,mode=620,ptmxmode=666/);
  for (const [point, mount] of mounts) {
    const cgroup = point.startsWith("/sys/fs/cgroup");
    if (cgroup) t.ok(mount.options.has("ro"), `${point} is read-only`);
    const hidden = /^\/(proc|sys)\//.test(point) && mount.options.has("ro");
    const nothing = mount.type === "tmpfs" && mount.super.includes("mode=755");
    t.ok(point in wanted || cgroup || hidden || nothing, `${point} ${mount.type} is meant`);
  }
  await runtime.removeSandbox(id);
});

t.test("masked paths are empty and read-only paths refuse to be written; privileged has neither", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox());
  // Not every kernel is built with all of them.
  const refused = ["sys/kernel/hostname", "sys/vm/drop_caches", "sysrq-trigger", "irq/default_smp_affinity"]
    .map((name) => `/proc/${name}`)
    .filter((path) => existsSync(path));
  const script = `for path in /proc/kcore /proc/keys /proc/timer_list /proc/interrupts /proc/latency_stats; do
      test -e $path && test -n "$(head -c 1 $path)" && echo shown $path; done
    for path in /proc/acpi /proc/scsi /sys/firmware /proc/asound; do ls $path/* 2>/dev/null; done
    for path in ${refused.join(" ")}; do (echo >>$path) 2>&1; done; mkdir /sys/fs/cgroup/x; mkdir /sys/kernel/x`;
  const plain = await runToEnd(runtime, id, made.container("plain", script));
  t.notMatch(plain.log, /shown|^\//m);
  for (const path of refused) t.match(plain.log, new RegExp(`${path}: Read-only file system`));
  for (const path of ["/sys/fs/cgroup/x", "/sys/kernel/x"])
    t.match(plain.log, new RegExp(`'${path}': Read-only file system`));
  const change = { security: { ...security, privileged: true } };
  const open =
    "head -c 1 /proc/timer_list | wc -c; cat /proc/sys/vm/swappiness >/proc/sys/vm/swappiness && echo written";
  const privileged = await runToEnd(runtime, id, made.container("privileged", open, change));
  t.equal(privileged.log, "1\nwritten");
  await runtime.removeSandbox(id);
});

t.test("the containers of a pod share /dev/shm, which has the size that was asked for", async (t) => {
  const { runtime } = made;
  const { id } = await runtime.runSandbox(made.sandbox({ shmBytes: 1024 * 1024 }));
  const writer = await startOne(runtime, id, made.container("writer", "echo hello >/dev/shm/x; exec sleep 1000"));
  const wait = "until test -s /dev/shm/x; do usleep 5000; done; cat /dev/shm/x";
  const { log } = await runToEnd(
    runtime,
    id,
    made.container(
      "reader",
      `exec 2>&1; ${wait}; stat -c %a /dev/shm; dd if=/dev/zero of=/dev/shm/big bs=4k count=500; stat -c %s /dev/shm/big`,
    ),
  );
  t.match(log, /^hello\n1777\n/);
  t.match(log, /No space left on device/);
  t.ok(Number(log.split("\n").at(-1)) < 1024 * 1024);
  const other = await runtime.runSandbox(made.sandbox());
  const elsewhere = await runToEnd(runtime, other.id, made.container("main", "ls /dev/shm | wc -l"));
  t.equal(elsewhere.log, "0", "another pod has its own");
  await runtime.stopContainer(writer, 0);
  await runtime.removeSandbox(id);
  await runtime.removeSandbox(other.id);
});

t.test("host folders and files are mounted, read-only where asked, on targets that are made", async (t) => {
  const { runtime } = made;
  const folder = join(made.folder, "volume");
  writeFiles(folder, { file: "text\n", "sub/deep": "deep\n" });
  const { id } = await runtime.runSandbox(made.sandbox());
  const mounts = [
    host(folder, "/data"),
    host(folder, "/made/on/the/way", true),
    host(join(folder, "file"), "/etc/one.conf"),
    host(join(folder, "file"), "/etc/passwd", true),
  ];
  const script = `exec 2>&1; cat /data/sub/deep /etc/one.conf /etc/passwd; echo inside >/data/new; echo more >>/etc/one.conf
    echo x >/made/on/the/way/x; echo x >>/etc/passwd; cat /made/on/the/way/new; test -f /etc/one.conf && echo a file`;
  const { log } = await runToEnd(runtime, id, made.container("main", script, { mounts }));
  t.match(log, /^deep\ntext\ntext$/m);
  t.match(log, /create \/made\/on\/the\/way\/x: Read-only file system/);
  t.match(log, /create \/etc\/passwd: Read-only file system/);
  t.match(log, /^inside\na file$/m);
  t.equal(readFileSync(join(folder, "new"), "utf8"), "inside\n");
  t.equal(readFileSync(join(folder, "file"), "utf8"), "text\nmore\n");
  await t.rejects(runToEnd(runtime, id, made.container("lost", "true", { mounts: [host("/no/such/path", "/x")] })), {
    message: /no\/such\/path/,
  });
  await runtime.removeSandbox(id);
});

t.test(
  "memory volumes are shared by the pod's containers, have their size, and inner targets come after outer",
  async (t) => {
    const { runtime } = made;
    const memoryVolumes = { small: { sizeBytes: 64 * 1024 }, open: {} };
    const { id } = await runtime.runSandbox(made.sandbox({ memoryVolumes }));
    const mounts = [memory("open", "/a/b"), memory("small", "/a"), memory("small", "/ro", true)];
    const script = `exec 2>&1; echo one >/a/x; echo two >/a/b/y; cat /ro/x; echo x >/ro/z; dd if=/dev/zero of=/a/big bs=4k count=50; rm /a/big
    stat -c %a /a; grep -c tmpfs /proc/mounts >/dev/null && echo tmpfs`;
    const first = await runToEnd(runtime, id, made.container("first", script, { mounts }));
    t.match(first.log, /^one$/m);
    t.match(first.log, /create \/ro\/z: Read-only file system/);
    t.match(first.log, /No space left on device/);
    t.match(first.log, /^777$/m);
    const second = await runToEnd(
      runtime,
      id,
      made.container("second", "cat /v/y", { mounts: [memory("open", "/v")] }),
    );
    t.equal(second.log, "two");
    await runtime.removeSandbox(id);
  },
);

t.test("a mount target that the image makes a symbolic link does not lead out of the container", async (t) => {
  const { runtime } = made;
  const victim = join(made.folder, "victim");
  mkdirSync(victim);
  writeFileSync(join(victim, "own"), "host");
  const up = "../".repeat(30);
  const layer = made.layer("links", {
    absolute: "-> /etc",
    upwards: `-> ${up}${victim}`,
    magic: "-> /proc/self/root/tmp",
    deep: "-> absolute/../../../../../../deeper/still",
    loop: "-> loop",
  });
  const image = made.imageWith(layer);
  const source = join(made.folder, "source");
  writeFiles(source, { here: "here\n" });
  const { id } = await runtime.runSandbox(made.sandbox());
  for (const [name, target, real] of [
    ["absolute", "/absolute/x", "/etc/x"],
    ["upwards", "/upwards", victim],
    ["deep", "/deep", "/deeper/still"],
    ["dots", "/../../../../dots", "/dots"],
    // There is no /proc yet when volumes are mounted, so the link leads to folders of the image below the later /proc.
    ["magic", "/magic", "/proc/self/root/tmp"],
  ] as const) {
    const config = made.container(name, `cat ${real}/here`, { image, mounts: [host(source, target)] });
    const { log } = await runToEnd(runtime, id, config);
    t.match(log, name === "magic" ? /No such file/ : /^here$/, target);
  }
  await t.rejects(runToEnd(runtime, id, made.container("loop", "true", { image, mounts: [host(source, "/loop")] })), {
    message: /\/loop.*ELOOP/,
  });
  t.equal(readFileSync(join(victim, "own"), "utf8"), "host");
  t.throws(() => statSync(join(victim, "here")), { code: "ENOENT" });
  t.throws(() => statSync("/deeper"), { code: "ENOENT" });
  await runtime.removeSandbox(id);
});

t.test("what a privileged container mounts stays in it, and what the host mounts on is not mirrored", async (t) => {
  const { runtime } = made;
  const folder = join(made.folder, "shared");
  mkdirSync(folder);
  const { id } = await runtime.runSandbox(made.sandbox());
  const change = { security: { ...security, privileged: true }, mounts: [host(folder, "/data")] };
  const script = "mount -t tmpfs inside /data && echo x >/data/inside && exec sleep 1000";
  const main = await startOne(runtime, id, made.container("main", script, change));
  const command = ["sh", "-c", "until test -e /data/inside; do usleep 5000; done"];
  t.equal((await execText(runtime, main, command)).code, 0);
  t.notMatch(readFileSync("/proc/self/mountinfo", "utf8"), `${folder} `);
  t.throws(() => statSync(join(folder, "inside")), { code: "ENOENT" });
  await runtime.removeSandbox(id);
});

t.test(
  "a volume on /sys/fs/cgroup is seen, one on or below /proc is refused; a privileged container may make cgroups",
  async (t) => {
    const { runtime } = made;
    const folder = join(made.folder, "cgroups");
    writeFiles(folder, { mine: "" });
    const { id } = await runtime.runSandbox(made.sandbox());
    const seen = made.container("seen", "ls /sys/fs/cgroup", { mounts: [host(folder, "/sys/fs/cgroup/")] });
    t.equal((await runToEnd(runtime, id, seen)).log, "mine");
    for (const target of ["/proc", "/proc/x", "/tmp/../proc/"])
      await t.rejects(
        runtime.createContainer(id, made.container("hidden", "true", { mounts: [host(folder, target)] })),
        {
          code: "InvalidObject",
          message: /"hidden": mountPath .*\/proc/,
        },
      );
    t.equal(
      (await runToEnd(runtime, id, made.container("near", "ls /procs", { mounts: [host(folder, "/procs")] }))).log,
      "mine",
    );
    const own = made.cgroups.mode === "v2" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
    const change = { security: { ...security, privileged: true } };
    const script = `mkdir ${own}/sub && rmdir ${own}/sub && echo made`;
    t.equal((await runToEnd(runtime, id, made.container("privileged", script, change))).log, "made");
    await runtime.removeSandbox(id);
  },
);

t.test("/sys/fs/cgroup shows a container its own cgroup only, hosts and resolv.conf are the pod's", async (t) => {
  const { runtime } = made;
  const { id, addresses } = await runtime.runSandbox(made.sandbox());
  const folder = made.cgroups.mode === "v2" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/pids";
  const script = `cat ${folder}/cgroup.procs | wc -l; cat /proc/self/cgroup | cut -d: -f3 | sort -u; cat /etc/hosts
    cat /etc/resolv.conf /etc/hostname`;
  const { log } = await runToEnd(runtime, id, made.container("main", script));
  t.match(log, /^[2-9]\n/, "its own processes are listed");
  t.match(log, new RegExp(`^${addresses[0]}\tpod$`, "m"));
  t.match(log, /nameserver 192.0.2.1\npod$/);
  t.notMatch(log, made.config.cgroup, "no path of the host's cgroups");
  await runtime.removeSandbox(id);
});
