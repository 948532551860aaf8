import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { cgroupFolders, detectCgroups } from "../../src/linux/cgroup/index.ts";
import { spawnMonitor } from "../../src/linux/monitor/index.ts";
import { type Instance, isAlive, isReady, makeManifest, startInstance, until } from "./support/podrun.ts";

const LAYOUT = detectCgroups();

function command(name: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(name, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Pids of a pod's monitor and pause: the parent of pause is the monitor. */
async function processesOf(podrun: Instance, name: string): Promise<{ monitor: number; pause: number }> {
  const { metadata } = await podrun.pod(name);
  for (const pid of command("ls", "/proc")
    .split("\n")
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)) {
    const title = readText(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
    if (title !== `pause ${metadata.namespace}/${name}`) continue;
    const monitor = Number(/^PPid:\s+(\d+)/m.exec(readText(`/proc/${pid}/status`))?.[1]);
    return { monitor, pause: pid };
  }
  throw new Error(`no pause process of ${name}`);
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

t.test("what nobody has on record is found, named and taken away", async (t) => {
  const podrun = startInstance(t);
  const { config } = podrun;
  await podrun.start(makeManifest("good"));
  const cgroup = `${config.cgroup}/besteffort/podstray`;
  for (const folder of cgroupFolders(LAYOUT, cgroup)) mkdirSync(folder);
  command("ip", "link", "add", `${config.linkPrefix}abc`, "type", "veth", "peer", "name", `${config.linkPrefix}peer`);
  mkdirSync(join(config.root, "containers/stray/upper"), { recursive: true });
  mkdirSync(join(config.run, "pods/stray"), { recursive: true });
  command("mount", "-t", "tmpfs", "tmpfs", join(config.run, "pods/stray"));
  const found = await podrun.podrun("system", "check");
  t.not(found.code, 0);
  for (const object of [cgroup, `${config.linkPrefix}abc`, "containers/stray", "pods/stray"])
    t.match(found.stdout + found.stderr, object);
  await podrun.podrun("system", "check", "--repair");
  t.equal(await podrun.findings(), "");
  t.equal(await podrun.ok("exec", "good", "--", "hostname"), "good\n");
});

t.test("a monitor that nobody knows any more is found and ended, also when it does not answer", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("good"));
  const folder = join(podrun.config.run, "pods/lost");
  mkdirSync(folder);
  const lost = spawnMonitor({ binary: join(import.meta.dirname, "../../build/podrun-monitor") });
  await lost.setup(folder, "podrun-monitor lost/lost");
  process.kill((await lost.ready).pid, "SIGSTOP");
  rmSync(folder, { recursive: true });
  t.match((await podrun.podrun("system", "check")).stdout, `a monitor listens at ${folder}/monitor.sock`);
  const closed = once(lost, "closed");
  await podrun.podrun("system", "check", "--repair");
  await closed;
  t.equal(await podrun.findings(), "");
});

for (const victim of ["monitor", "pause"] as const) {
  t.test(`a pod whose ${victim} was killed is made anew, its containers restarted, nothing left`, async (t) => {
    const podrun = startInstance(t);
    await podrun.start(makeManifest("hurt"), makeManifest("good"));
    const before = await podrun.pod("hurt");
    const pids = await processesOf(podrun, "hurt");
    process.kill(pids[victim], "SIGKILL");
    const after = await podrun.untilPod(
      "hurt",
      (pod) => isReady(pod) && pod.status.containerStatuses?.[0]?.restartCount === 1,
    );
    t.not(after.status.containerStatuses?.[0]?.containerID, before.status.containerStatuses?.[0]?.containerID);
    // Nobody saw the containers end without their monitor; with it they were seen to be killed.
    const reason = victim === "monitor" ? "ContainerStatusUnknown" : "Error";
    t.match(after.status.containerStatuses, [{ lastState: { terminated: { exitCode: 137, reason } } }]);
    t.match(await podrun.ok("describe", "pod", "hurt"), /SandboxChanged/);
    t.equal(isAlive(pids.pause), false);
    t.equal((await podrun.pod("good")).status.containerStatuses?.[0]?.restartCount, 0);
    t.equal(await podrun.findings(), "");
  });
}

t.test("a monitor that is killed while no daemon runs is found out by the next one", async (t) => {
  const podrun = startInstance(t);
  await podrun.start(makeManifest("hurt"));
  const pids = await processesOf(podrun, "hurt");
  await podrun.killDaemon();
  process.kill(pids.monitor, "SIGKILL");
  await podrun.untilPod("hurt", (pod) => isReady(pod) && pod.status.containerStatuses?.[0]?.restartCount === 1);
  t.equal(await podrun.findings(), "");
});

/** What is on the machine of an instance. */
function remains({ config }: Instance): string[] {
  const links = command("ip", "-o", "link")
    .split("\n")
    .filter((line) => line.includes(` ${config.linkPrefix}`));
  const tables = command("nft", "list", "tables")
    .split("\n")
    .filter((line) => line.endsWith(` ${config.table}`));
  const cgroups = cgroupFolders(LAYOUT, config.cgroup).filter(existsSync);
  const folders = [config.root, config.run].filter(existsSync);
  const logs = existsSync(config.logs) ? command("ls", config.logs).split("\n").filter(Boolean) : [];
  return [...links, ...tables, ...cgroups, ...folders, ...logs];
}

t.test("reset takes away everything, with a daemon, without one, and with a broken database", async (t) => {
  for (const how of ["daemon", "no daemon", "broken"] as const) {
    const podrun = startInstance(t);
    await podrun.start(makeManifest("a"), makeManifest("b"));
    const pids = await processesOf(podrun, "a");
    const refused = await podrun.podrun("system", "reset");
    t.not(refused.code, 0, "not without being told so");
    t.ok(isAlive(pids.pause));
    if (how !== "daemon") await podrun.killDaemon();
    // The log has the newest pages: damaged alone, the file would be mended from it.
    for (const part of how === "broken" ? ["", "-wal"] : [])
      writeFileSync(join(podrun.config.root, `state.db${part}`), "no database ".repeat(1000));
    const { code, stderr } = await podrun.podrun("system", "reset", "--yes");
    if (how === "broken") t.match(stderr, /logs removed: .*damaged/, "what could not be done is said");
    else t.equal(code, 0, how);
    // A monitor says that its pod has ended, and then ends itself.
    await until(async () => !isAlive(pids.monitor) && !isAlive(pids.pause));
    const logs = how === "broken" ? 2 : 0;
    t.equal(remains(podrun).length, logs, `${how}: ${remains(podrun).join(" ")}`);
  }
});
