import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import t from "tap";
import { PlanLayerPacker } from "../../../src/sandbox/layer-packer.ts";
import { childrenOf } from "../support/leaks.ts";

const BINARY = join(import.meta.dirname, "../../../build/podrun-monitor-test");

const folder = mkdtempSync(join(tmpdir(), "podrun-packer-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

/** Waits until a condition of the kernel's holds; a test that waits in vain ends by tap's limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** A fresh empty folder. */
function empty(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

/** The monitor and its child, of this process or another. */
function family(pid: number): { monitor: number; child: number } {
  const monitor = childrenOf(pid).find(
    (one) => readFileSync(`/proc/${one}/comm`, "utf8") !== "" && childrenOf(one).length > 0,
  );
  const [child] = monitor === undefined ? [] : childrenOf(monitor);
  if (monitor === undefined || child === undefined) throw new Error(`process ${pid} has no monitor with a child`);
  return { monitor, child };
}

t.test(
  "the unpacker has the layer as its root, no capability beyond its list, no network, no process, three streams",
  async (t) => {
    const root = empty("confined");
    const packer = new PlanLayerPacker({ binary: BINARY });
    const unpacking = await packer.unpack({ folder: root, image: "i", layer: "l" });
    unpacking.skeleton.resume();
    const { child } = family(process.pid);
    await until(() => readdirSync(`/proc/${child}/fd`).length === 4);
    const status = readFileSync(`/proc/${child}/status`, "utf8");
    const capabilities = /^CapBnd:\s*(\w+)$/m.exec(status)?.[1];
    t.equal(capabilities, "000000008820001b", "CHOWN DAC_OVERRIDE FOWNER FSETID SYS_ADMIN MKNOD SETFCAP");
    for (const set of ["CapPrm", "CapEff"])
      t.equal(new RegExp(`^${set}:\\s*(\\w+)$`, "m").exec(status)?.[1], capabilities);
    for (const set of ["CapInh", "CapAmb"]) t.match(status, new RegExp(`^${set}:\\s*0+$`, "m"));
    t.match(status, /^NoNewPrivs:\s*1$/m);
    t.match(status, /^Seccomp:\s*2$/m);
    const mounts = readFileSync(`/proc/${child}/mountinfo`, "utf8").trim().split("\n");
    t.equal(mounts.length, 1, "the layer is its only mount");
    t.match(mounts[0], / \/ rw,nosuid,nodev,noexec/);
    const own = ["mnt", "net", "ipc", "uts", "pid", "cgroup"];
    const namespace = (pid: number | "self", name: string) =>
      execFileSync("readlink", [`/proc/${pid}/ns/${name}`]).toString();
    for (const name of own) t.not(namespace(child, name), namespace("self", name), name);
    t.equal(readdirSync(`/proc/${child}/fd`).length, 4, "0-2 and its root");
    unpacking.archive.end(Buffer.alloc(1024));
    t.same(await unpacking.done, { files: 0, bytes: 0 });
  },
);

t.test("when the daemon dies, monitor and unpacker die with it", async (t) => {
  const root = empty("orphan");
  const script = `
    import { PlanLayerPacker } from ${JSON.stringify(join(import.meta.dirname, "../../../src/sandbox/layer-packer.ts"))};
    const packer = new PlanLayerPacker({ binary: ${JSON.stringify(BINARY)} });
    const unpacking = await packer.unpack({ folder: ${JSON.stringify(root)}, image: "i", layer: "l" });
    unpacking.archive.write(Buffer.alloc(512));
    process.stdout.write("ready");
    setInterval(() => undefined, 1000);`;
  const daemon = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.teardown(() => daemon.kill("SIGKILL"));
  await once(daemon.stdout, "data");
  const { monitor, child } = family(daemon.pid ?? 0);
  t.ok(monitor > 0 && child > 0);
  daemon.kill("SIGKILL");
  await until(() => !existsSync(`/proc/${monitor}`) && !existsSync(`/proc/${child}`));
});

t.test("when the monitor dies, the unpacker dies and MonitorGone is said", async (t) => {
  const root = empty("lost");
  const packer = new PlanLayerPacker({ binary: BINARY });
  const unpacking = await packer.unpack({ folder: root, image: "i", layer: "l" });
  unpacking.skeleton.on("error", () => undefined);
  const { monitor, child } = family(process.pid);
  process.kill(monitor, "SIGKILL");
  await t.rejects(unpacking.done, { code: "MonitorGone" });
  await until(() => !existsSync(`/proc/${child}`));
});

t.test("when the unpacking is cancelled, it has died before that is said", async (t) => {
  const root = empty("cancelled");
  const packer = new PlanLayerPacker({ binary: BINARY });
  const cancel = new AbortController();
  const unpacking = await packer.unpack({ folder: root, image: "i", layer: "l", signal: cancel.signal });
  const { monitor, child } = family(process.pid);
  cancel.abort();
  await t.rejects(unpacking.done, { code: "Cancelled" });
  t.notOk(existsSync(`/proc/${child}`) || existsSync(`/proc/${monitor}`));
  t.ok(unpacking.archive.destroyed && unpacking.skeleton.destroyed);
});

t.test("a folder that is not there is an error of the plan's, and nothing runs on", async (t) => {
  const packer = new PlanLayerPacker({ binary: BINARY });
  const failing = packer.unpack({ folder: join(folder, "missing"), image: "i", layer: "l" });
  await t.rejects(failing, { code: "OperationFailed", message: /layer l.*open_tree .*missing: ENOENT/ });
  t.same(childrenOf(process.pid), []);
});

/** The monitors of this process, idle or not. */
const monitors = (): readonly number[] => childrenOf(process.pid);

t.test("layers one after another come to the same monitor; that of a damaged one is gone with it", async (t) => {
  const packer = new PlanLayerPacker({ binary: BINARY });
  const unpack = async (name: string, archive: Buffer): Promise<unknown> => {
    const unpacking = await packer.unpack({ folder: empty(name), image: "i", layer: name });
    unpacking.skeleton.resume();
    unpacking.archive.end(archive);
    return unpacking.done;
  };
  const before = new Set(monitors());
  await unpack("first", Buffer.alloc(1024));
  const [monitor] = monitors().filter((pid) => !before.has(pid));
  t.ok(monitor);
  await unpack("second", Buffer.alloc(1024));
  t.same(
    monitors().filter((pid) => !before.has(pid)),
    [monitor],
  );
  await t.rejects(unpack("third", Buffer.alloc(512, "x")), { code: "InvalidImage" });
  t.notOk(existsSync(`/proc/${monitor}`));
  t.same(await unpack("fourth", Buffer.alloc(1024)), { files: 0, bytes: 0 });
});

t.test("what an unpacker says counts, however much of the archive it leaves unread", async (t) => {
  const packer = new PlanLayerPacker({ binary: BINARY });
  const unpacking = await packer.unpack({ folder: empty("unread"), image: "i", layer: "l" });
  unpacking.skeleton.resume();
  // More than all buffers on the way hold: who writes must not wait for ever, nor fail with EPIPE.
  const written = pipeline(
    Readable.from(Array.from({ length: 64 }, () => Buffer.alloc(1 << 18, "x"))),
    unpacking.archive,
  ).then(
    () => undefined,
    (error: unknown) => error,
  );
  await t.rejects(unpacking.done, { code: "InvalidImage", message: /layer l/ });
  const error = await written;
  if (error !== undefined) t.match(error, { code: "InvalidImage" });
});
