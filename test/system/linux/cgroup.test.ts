import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import {
  cgroupFolders,
  cgroupWrites,
  controllerFolder,
  DEFAULT_DEVICES,
  detectCgroups,
  killCgroup,
  prepareCgroup,
  readCpu,
  readMemory,
  readOomKills,
  readPids,
  readProcesses,
  removeCgroup,
  v1DeviceLines,
} from "../../../src/linux/cgroup/index.ts";

const layout = detectCgroups();

function scratch(t: Test, name: string): string {
  const cgroup = `/podrun-test-${process.pid}-${name}`;
  prepareCgroup(layout, cgroup);
  t.teardown(async () => {
    await killCgroup(layout, cgroup);
    await removeCgroup(layout, cgroup);
  });
  return cgroup;
}

function child(cgroup: string, name: string): string {
  for (const folder of cgroupFolders(layout, cgroup)) mkdirSync(join(folder, name));
  return join(cgroup, name);
}

/** A shell in a cgroup: it joins, then becomes the command. */
async function start(cgroup: string, command: string): Promise<ChildProcess> {
  const joins = cgroupFolders(layout, cgroup).map((folder) => `echo $$ > ${folder}/cgroup.procs`);
  const shell = spawn("sh", ["-c", `${joins.join(" && ")} && echo joined && { ${command}; }`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(shell.stdout as NodeJS.ReadableStream, "data");
  shell.stdout?.destroy();
  return shell;
}

t.test("limits are written where the kernel shows them", async (t) => {
  const cgroup = child(scratch(t, "limits"), "c");
  const resources = { cpuRequestMillis: 500, cpuLimitMillis: 1500, memoryLimit: 64 * 2 ** 20, pidsLimit: 50 };
  for (const { path, value, optional } of cgroupWrites(layout, cgroup, resources))
    if (!optional || existsSync(path)) writeFileSync(path, value);
  const read = (controller: string, file: string): string =>
    readFileSync(join(controllerFolder(layout, cgroup, controller) ?? "", file), "utf8").trim();
  const v2 = layout.mode === "v2";
  t.equal(read("memory", v2 ? "memory.max" : "memory.limit_in_bytes"), String(64 * 2 ** 20));
  t.equal(read("pids", "pids.max"), "50");
  if (v2) t.equal(read("cpu", "cpu.max"), "150000 100000");
  else t.equal(read("cpu", "cpu.cfs_quota_us"), "150000");
});

t.test("a cgroup's processes are listed with those below it, and its use is read", async (t) => {
  const parent = scratch(t, "use");
  const cgroup = child(parent, "c");
  const { pid } = await start(cgroup, "exec sleep 1000");
  t.strictSame(readProcesses(layout, parent), [pid]);
  t.strictSame(readProcesses(layout, parent, { recursive: false }), []);
  t.equal(readPids(layout, cgroup), 1);
  t.ok((readMemory(layout, cgroup)?.usage ?? -1) >= 0);
  t.type(readCpu(layout, cgroup), "bigint");
  t.equal(readOomKills(layout, cgroup), 0);
});

t.test("killing a cgroup ends everything in it, children too, and says so only when they are gone", async (t) => {
  const parent = scratch(t, "kill");
  const first = await start(child(parent, "a"), "exec sleep 1000");
  const second = await start(child(parent, "b"), "sleep 1000 & sleep 1000 & wait");
  const ended = [once(first, "exit"), once(second, "exit")];
  await killCgroup(layout, parent);
  t.strictSame(readProcesses(layout, parent), []);
  for (const [, signal] of await Promise.all(ended)) t.equal(signal, "SIGKILL");
});

t.test("more processes than we may have descriptors for are killed too", async (t) => {
  const parent = scratch(t, "many");
  const shell = await start(child(parent, "a"), "for i in $(seq 400); do sleep 1000 & done; wait");
  const ended = once(shell, "exit");
  while (readProcesses(layout, parent).length < 401) await new Promise((resolve) => setImmediate(resolve));
  const module = JSON.stringify(join(import.meta.dirname, "../../../src/linux/cgroup/index.ts"));
  const script = `import { detectCgroups, killCgroup } from ${module};
    await killCgroup(detectCgroups(), ${JSON.stringify(parent)});`;
  const command = 'ulimit -n 350 && exec "$0" --input-type=module -e "$1"';
  const { status, stderr } = spawnSync("sh", ["-c", command, process.execPath, script], { encoding: "utf8" });
  t.equal(status, 0, stderr);
  t.strictSame(readProcesses(layout, parent), []);
  await ended;
});

t.test("a cgroup is removed in every hierarchy, and removing it again is fine", async (t) => {
  const parent = scratch(t, "remove");
  child(parent, "a");
  await removeCgroup(layout, parent);
  for (const folder of cgroupFolders(layout, parent)) t.equal(existsSync(folder), false);
  await t.resolves(removeCgroup(layout, parent));
  await t.resolves(killCgroup(layout, parent));
});

t.test("a cgroup with a process in it is not removed, and the error names both", async (t) => {
  const cgroup = child(scratch(t, "busy"), "c");
  const { pid } = await start(cgroup, "exec sleep 1000");
  await t.rejects(removeCgroup(layout, cgroup, { timeout: 0 }), {
    code: "OperationFailed",
    message: new RegExp(`rmdir .*: EBUSY \\(processes ${pid}\\)`),
  });
});

t.test("an OOM kill is counted", async (t) => {
  const cgroup = child(scratch(t, "oom"), "c");
  for (const { path, value, optional } of cgroupWrites(layout, cgroup, { memoryLimit: 8 * 2 ** 20 }))
    if (!optional || existsSync(path)) writeFileSync(path, value);
  const shell = await start(cgroup, "exec tail /dev/zero");
  const [, signal] = await once(shell, "exit");
  t.equal(signal, "SIGKILL");
  t.equal(readOomKills(layout, cgroup), 1);
});

t.test("what is not there reads as nothing", async (t) => {
  const none = "/podrun-test-none";
  t.strictSame(readProcesses(layout, none), []);
  t.equal(readMemory(layout, none), undefined);
  t.equal(readCpu(layout, none), undefined);
  t.equal(readOomKills(layout, none), undefined);
});

t.test(
  "v1: the device lines are what the kernel then lists",
  { skip: layout.mode === "v2" && "v2 has no device lines: a BPF program filters" },
  async (t) => {
    const cgroup = child(scratch(t, "devices"), "c");
    const folder = controllerFolder(layout, cgroup, "devices") ?? "";
    for (const { file, value } of v1DeviceLines(DEFAULT_DEVICES)) writeFileSync(join(folder, file), value);
    const listed = readFileSync(join(folder, "devices.list"), "utf8").trim().split("\n");
    t.equal(listed.length, DEFAULT_DEVICES.length);
    t.ok(listed.includes("c 136:* rwm"));
    t.notOk(listed.includes("a *:* rwm"));
  },
);
