import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import t, { type Test } from "tap";
import { readMounts } from "../../../src/linux/mounts.ts";
import { isZombie, type NamespaceKind, namespaceOf, proportionalSetSize } from "../../../src/linux/proc.ts";
import type { ContainerConfig, SandboxConfig, SandboxStatus } from "../../../src/sandbox/types.ts";
import { childrenOf } from "../support/leaks.ts";
import { until } from "../support/podrun.ts";
import { execText, runToEnd, startRuntime } from "./runtime.ts";

const made = await startRuntime("ns");
t.teardown(() => made.close());

/** A sandbox for the time of a test. */
async function sandbox(t: Test, change?: Partial<SandboxConfig>): Promise<SandboxStatus> {
  const status = await made.runtime.runSandbox(made.sandbox(change));
  t.teardown(() => made.runtime.removeSandbox(status.id));
  return status;
}

/** A running container; its id and pid. */
async function start(sandboxId: string, name: string, change?: Partial<ContainerConfig>) {
  const id = await made.runtime.createContainer(sandboxId, made.container(name, "exec sleep 100000", change));
  const { pid } = await made.runtime.startContainer(id);
  return { id, pid: pid as number };
}

const say = async (container: string, script: string): Promise<string> =>
  (await execText(made.runtime, container, ["sh", "-c", script])).stdout.trim();

/** Of these kinds, those in which two processes share a namespace. */
const shared = (one: number | "self", other: number, ...kinds: NamespaceKind[]): readonly NamespaceKind[] =>
  kinds.filter((kind) => namespaceOf(one, kind) === namespaceOf(other, kind));

t.test(
  "containers share network, hostname and IPC with their pod, and have mounts and processes of their own",
  async (t) => {
    const { id, pausePid } = await sandbox(t);
    const [one, two] = [await start(id, "one"), await start(id, "two")];
    const kinds = ["net", "uts", "ipc", "mnt", "pid", "cgroup"] as const;
    t.strictSame(shared(one.pid, two.pid, ...kinds), ["net", "uts", "ipc"]);
    t.strictSame(shared(one.pid, pausePid, ...kinds), ["net", "uts", "ipc"]);
    t.strictSame(shared("self", one.pid, ...kinds), []);
    const seen = await say(one.id, "ps -o pid,comm");
    t.match(seen, /^ *1 sleep$/m, "its first process is process 1");
    t.equal(seen.match(/sleep/g)?.length, 1, "it sees its own processes only");
    t.notMatch(seen, /pause/);
  },
);

t.test("with shareProcessNamespace containers see each other, and pause is process 1", async (t) => {
  const { id } = await sandbox(t, { pid: "pod" });
  const one = await start(id, "one");
  const two = await start(id, "two");
  t.strictSame(shared(one.pid, two.pid, "pid", "mnt"), ["pid"]);
  const seen = await say(one.id, "ps -o pid,comm");
  t.match(seen, /^ *1 pause$/m);
  t.equal(seen.match(/sleep/g)?.length, 2);
  await made.runtime.stopContainer(two.id, 0);
  t.equal((await say(one.id, "ps -o comm")).match(/sleep/g)?.length, 1, "a stopped container's process is gone");
  t.match(made.runtime.containerStatus(one.id), { state: "running" });
});

t.test("pause reaps orphans where processes are shared, the monitor where they are the host's", async (t) => {
  for (const pid of ["pod", "node"] as const) {
    const { id, pausePid } = await sandbox(t, { pid });
    const { id: main } = await start(id, "main");
    // The command leaves at once; who is left behind ends later, with nobody but its reaper to ask for it.
    await say(main, "(usleep 20000 &) >/dev/null 2>&1 </dev/null");
    const monitor = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pausePid}/status`, "utf8"))?.[1]);
    const reaper = pid === "pod" ? pausePid : monitor;
    await until(async () => childrenOf(reaper).every((child) => !isZombie(child) && !/usleep/.test(name(child))));
    t.equal(childrenOf(reaper).some(isZombie), false, `pid: ${pid}`);
  }
});

function name(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8");
  } catch {
    return "";
  }
}

t.test("a container whose processes are shared takes all of them along when its first one ends", async (t) => {
  for (const pid of ["pod", "node"] as const) {
    const { id } = await sandbox(t, { pid });
    const { log } = await runToEnd(made.runtime, id, made.container("main", "sleep 100000 & echo $!; exit 3"));
    const left = pid === "node" ? Number(log) : 0;
    if (left > 0) await until(async () => isZombie(left) === undefined);
    const { id: other } = await start(id, "other");
    if (pid === "pod") await until(async () => (await say(other, "ps -o comm")).match(/sleep/g)?.length === 1);
    t.match(made.runtime.listContainers(id), [{ exitCode: 3 }, { state: "running" }], `pid: ${pid}`);
  }
});

t.test("hostNetwork: the host's interfaces and its name, and no address of the pod's own", async (t) => {
  const { id, addresses, pausePid } = await sandbox(t, { network: "node", hosts: () => "192.0.2.1\tnode\n" });
  t.strictSame(addresses, []);
  const { id: main, pid } = await start(id, "main");
  t.strictSame(shared("self", pid, "net", "uts", "ipc", "mnt", "pid"), ["net", "uts"]);
  t.strictSame(shared(pid, pausePid, "net", "uts", "ipc"), ["net", "uts", "ipc"]);
  t.equal(await say(main, "hostname"), hostname());
  t.match(await say(main, "cat /etc/hosts"), /node/);
  t.strictSame((await say(main, "ls /sys/class/net")).split(/\s+/).includes("lo"), true);
});

t.test("hostPID: the host's processes are seen", async (t) => {
  const { id } = await sandbox(t, { pid: "node" });
  const { id: main, pid } = await start(id, "main");
  t.strictSame(shared("self", pid, "net", "uts", "ipc", "mnt", "pid"), ["pid"]);
  t.equal(await say(main, `cat /proc/${process.pid}/comm`), name(process.pid).trim());
});

t.test("hostIPC: the host's shared memory, System V's and POSIX's", async (t) => {
  const { id } = await sandbox(t, { ipc: "node" });
  const { id: main, pid } = await start(id, "main");
  t.strictSame(shared("self", pid, "net", "uts", "ipc", "mnt", "pid"), ["ipc"]);
  const file = `/dev/shm/podrun-test-${process.pid}`;
  writeFileSync(file, "hello");
  t.teardown(() => rmSync(file));
  t.equal(await say(main, `cat ${file}`), "hello");
});

t.test("sysctls are the pod's: the host keeps its own", async (t) => {
  const names = ["net.core.somaxconn", "net/ipv4/tcp_keepalive_time", "kernel.shmmax", "kernel.shm_rmid_forced"];
  const files = names.map((sysctl) => `/proc/sys/${sysctl.replaceAll(".", "/")}`);
  const read = (): string[] => files.map((file) => readFileSync(file, "utf8"));
  const before = read();
  const values = ["321", "654", "987654321", "1"];
  const sysctls = Object.fromEntries(names.map((sysctl, i) => [sysctl, values[i] as string]));
  const { id } = await sandbox(t, { sysctls });
  const { log } = await runToEnd(made.runtime, id, made.container("main", `cat ${files.join(" ")}`));
  t.equal(log, values.join("\n"));
  t.strictSame(read(), before);
});

t.test("a sysctl that the kernel lacks or refuses is named, and nothing is left of the pod", async (t) => {
  const wrong = { "net.ipv4.no_such": ["1", "ENOENT"], "net.core.somaxconn": ["many", "EINVAL"] };
  for (const [sysctl, [value, errno]] of Object.entries(wrong)) {
    const run = made.runtime.runSandbox(made.sandbox({ sysctls: { [sysctl]: value as string } }));
    const said = { code: "OperationFailed", op: "sysctl", errno, message: new RegExp(sysctl) };
    await t.rejects(run, said);
  }
  t.strictSame(made.runtime.listSandboxes(), []);
});

t.test("/dev/shm has the pod's own size and is shared by its containers only", async (t) => {
  const { id } = await sandbox(t, { shmBytes: 1024 * 1024 });
  const [one, two] = [await start(id, "one"), await start(id, "two")];
  t.match(await say(one.id, "df -k /dev/shm"), /^tmpfs +1024 /m);
  t.match(await say(one.id, "dd if=/dev/zero of=/dev/shm/file bs=1024 count=2048 2>&1"), /No space left on device/);
  t.equal(await say(two.id, "wc -c </dev/shm/file; stat -c %a /dev/shm"), `${1024 * 1024}\n1777`);
  const other = await start((await sandbox(t)).id, "main");
  t.equal(await say(other.id, "ls /dev/shm; df -k /dev/shm | grep -o ' 65536 .*% '"), "65536         0     65536   0%");
});

/** System V segments as a container sees them. */
const segments = async (container: string): Promise<number> =>
  Number(await say(container, "tail -n +2 /proc/sysvipc/shm | wc -l"));

t.test("System V segments are the pod's: its containers share them, other pods have none of them", async (t) => {
  const { id } = await sandbox(t);
  const [one, two] = [await start(id, "one"), await start(id, "two")];
  const other = await start((await sandbox(t)).id, "main");
  const make = `defined(shmget(4711, 100, 01600)) or die $!`;
  execFileSync("nsenter", ["-i", "-t", String(one.pid), "perl", "-e", make]);
  t.equal(await segments(one.id), 1);
  t.equal(await segments(two.id), 1);
  t.equal(await segments(other.id), 0);
});

t.test("a pod's name is its own, and no container may change it", async (t) => {
  const first = await start((await sandbox(t, { hostname: "one" })).id, "main");
  const second = await start((await sandbox(t, { hostname: "two" })).id, "main");
  t.equal(
    await say(first.id, "hostname; hostname other 2>&1; hostname"),
    "one\nhostname: sethostname: Operation not permitted\none",
  );
  t.equal(await say(second.id, "hostname"), "two");
});

t.test("pause is no window to the host: no files, no capabilities, no descriptors, not dumpable", async (t) => {
  const memoryVolumes = { cache: { sizeBytes: 4096 } };
  for (const pid of ["container", "pod", "node"] as const) {
    const { pausePid } = await sandbox(t, { pid, memoryVolumes });
    const status = readFileSync(`/proc/${pausePid}/status`, "utf8");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      t.match(status, new RegExp(`^${set}:\t0+$`, "m"), set);
    t.match(status, /^NoNewPrivs:\t1$/m);
    t.match(status, /^Uid:\t65535\t65535\t65535\t65535$/m);
    t.match(status, /^Groups:\t *$/m);
    t.strictSame(readdirSync(`/proc/${pausePid}/fd`), []);
    t.equal(statSync(`/proc/${pausePid}/fd`).uid, 0, "proc(5): a process that is not dumpable is root's");
    t.strictSame(readdirSync(`/proc/${pausePid}/root`).sort(), ["etc", "root", "shm", "volumes"]);
    t.strictSame(readdirSync(`/proc/${pausePid}/root/root`), []);
    const mounts = readMounts(pausePid);
    t.ok(
      mounts.every(({ type, options }) => type === "tmpfs" && options.includes("nosuid") && options.includes("nodev")),
    );
    t.ok(mounts[0]?.point === "/" && mounts[0].options.includes("ro"), "its root is read-only");
  }
});

t.test("root of a container that shares the process namespace reads nothing through pause", async (t) => {
  const { id } = await sandbox(t, { pid: "pod" });
  const { id: main } = await start(id, "main");
  for (const path of ["root", "cwd", "exe", "environ", "fd/0", "ns/mnt", "mem"]) {
    const { code, stdout } = await execText(made.runtime, main, [
      "sh",
      "-c",
      `readlink /proc/1/${path} || cat /proc/1/${path}`,
    ]);
    t.match({ code, stdout }, { code: 1, stdout: "" }, path);
  }
});

t.test("monitor and pause of a pod take at most 256 KiB together", async (t) => {
  const pods = [];
  for (let i = 0; i < 4; i++) pods.push(await sandbox(t));
  for (const { id } of pods) await start(id, "main");
  const sizes = pods.map(({ pausePid }) => {
    const monitor = Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pausePid}/status`, "utf8"))?.[1]);
    return (proportionalSetSize(pausePid) ?? Number.NaN) + (proportionalSetSize(monitor) ?? Number.NaN);
  });
  t.ok(Math.max(...sizes) <= 256 * 1024, `${sizes.join(", ")} bytes`);
});
