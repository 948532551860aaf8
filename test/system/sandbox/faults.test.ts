import { mkdirSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { openStream } from "../../../src/linux/monitor/index.ts";
import { removeRuleset, wholeRuleset } from "../../../src/net/index.ts";
import type { RuntimeEvent, SandboxConfig } from "../../../src/sandbox/types.ts";
import { findLeaks, takeInventory } from "../support/leaks.ts";
import { until } from "../support/podrun.ts";
import { execText, security, startRuntime } from "./runtime.ts";
import * as faults from "./support/faults.ts";
import { severConnections } from "./support/sever.ts";

const made = await startRuntime("flt");
t.teardown(() => made.close());
const volume = join(made.folder, "volume");
mkdirSync(volume);

/** Nothing that happens naturally: what fails with it was made to. */
const ERRNO = "EDQUOT";

/** At once: all but processes, which may be on their way out, and links, which the kernel takes by and by. */
const remains = (before: readonly string[] = []): readonly string[] =>
  takeInventory(made).filter((line) => !line.startsWith("process ") && !before.includes(line));

const SANDBOXES: readonly Partial<SandboxConfig>[] = [
  { memoryVolumes: { cache: { sizeBytes: 4096 } }, sysctls: { "kernel.shm_rmid_forced": "1" } },
  { pid: "pod", resources: { cpuRequestMillis: 100, memoryLimitBytes: 1 << 28, pidsLimit: 100 }, qos: "Burstable" },
  { pid: "node", network: "node", ipc: "node" },
];

for (const change of SANDBOXES)
  t.test(
    `whichever operation of a sandbox fails, it is named and nothing is left (${Object.keys(change)})`,
    async (t) => {
      for (const place of faults.places(faults.sandboxPlan(made, made.sandbox(change)))) {
        const run = faults.withFault("sandbox", place.index, ERRNO, () =>
          made.runtime.runSandbox(made.sandbox(change)),
        );
        if (place.operation.optional) {
          await made.runtime.removeSandbox((await run).id);
          continue;
        }
        await t.rejects(run, faults.failureAt(place, ERRNO), place.name);
        t.strictSame(remains(), [], `${place.name}: nothing is left`);
      }
      t.strictSame(await findLeaks(made), []);
    },
  );

const rich = (pid: "container" | "pod") =>
  made.container("web", "exec sleep 100000", {
    attempt: 0,
    stdin: true,
    tty: pid === "pod",
    workingDir: "/made/here",
    mounts: [
      { source: { kind: "host", path: volume }, target: "/data", readOnly: true },
      { source: { kind: "memory", volume: "cache" }, target: "/cache", readOnly: false },
    ],
    resources: { cpuLimitMillis: 500, memoryLimitBytes: 1 << 26, pidsLimit: 50 },
    security: { ...security, allowPrivilegeEscalation: pid === "pod", readOnlyRootFilesystem: true, runAsUser: 1000 },
    terminationMessage: { path: "/dev/termination-log" },
  });

for (const pid of ["container", "pod"] as const)
  t.test(`whichever operation of a container fails, its sandbox goes on as before (pid: ${pid})`, async (t) => {
    const config = made.sandbox({ pid, memoryVolumes: { cache: {} } });
    const { id } = await made.runtime.runSandbox(config);
    const [monitor] = faults.pidsOf(made, "podrun-monitor") as [number];
    const before = { inventory: takeInventory(made), holdings: await faults.settledHoldings(monitor) };
    for (const place of faults.places(faults.containerPlan(made, config, rich(pid)))) {
      const container = await made.runtime.createContainer(id, rich(pid));
      const start = faults.withFault("container", place.index, ERRNO, () => made.runtime.startContainer(container));
      if (place.operation.optional) await t.resolves(start, place.name);
      else {
        await t.rejects(start, { ...faults.failureAt(place, ERRNO), message: /^container "web": / }, place.name);
        const { state, reason, exitCode, message } = made.runtime.containerStatus(container);
        t.strictSame({ state, reason, exitCode }, { state: "exited", reason: "StartError", exitCode: 128 });
        t.match(message, new RegExp(ERRNO));
        t.equal(faults.holdings(monitor), before.holdings, `${place.name}: the monitor has nothing of it`);
      }
      await made.runtime.removeContainer(container);
      t.strictSame(remains(before.inventory), [], `${place.name}: nothing is left`);
    }
    const after = await made.runtime.createContainer(id, rich(pid));
    await made.runtime.startContainer(after);
    t.equal((await execText(made.runtime, after, ["true"])).code, 0, "a container starts there afterwards");
    await made.runtime.removeSandbox(id);
  });

for (const tty of [false, true])
  t.test(`whichever operation of an exec fails, its container goes on as before (tty: ${tty})`, async (t) => {
    const { id } = await made.runtime.runSandbox(made.sandbox());
    const container = await made.runtime.createContainer(id, made.container("main", "exec sleep 100000"));
    const { pid } = await made.runtime.startContainer(container);
    const [monitor] = faults.pidsOf(made, "podrun-monitor") as [number];
    const request = { command: ["true"], tty, stdin: true, stdout: true, stderr: !tty };
    const exec = async (): Promise<number> => {
      const session = await made.runtime.exec(container, request);
      const code = await session.exited;
      session.close();
      return code;
    };
    const holdings = await faults.settledHoldings(monitor);
    // Each exec leaves a connection ready for the next one.
    const withReady = holdings.replace(/^\d+/, (count) => String(Number(count) + 1));
    const before = { inventory: takeInventory(made), holdings: withReady };
    for (const place of faults.places(faults.execPlan(made, container, request))) {
      const run = faults.withFault("exec", place.index, ERRNO, exec);
      if (place.operation.optional) t.equal(await run, 0, place.name);
      else await t.rejects(run, faults.failureAt(place, ERRNO), place.name);
      // Its connection closes in its own time.
      await until(
        async () => faults.holdings(monitor) === before.holdings,
        10_000,
        () => faults.holdings(monitor),
      );
      t.strictSame(remains(before.inventory), [], place.name);
    }
    t.match(made.runtime.containerStatus(container), { state: "running", pid });
    t.equal(await exec(), 0, "exec works afterwards");
    await made.runtime.removeSandbox(id);
  });

t.test("a sandbox that was begun when the daemon died is gone after recovery, wherever its plan was", async (t) => {
  for (const place of faults.places(faults.sandboxPlan(made, made.sandbox({ pid: "pod" })), 5)) {
    void faults.withFault("sandbox", place.index, "stop", () => made.runtime.runSandbox(made.sandbox({ pid: "pod" })));
    await faults.untilStopped(made);
    const processes = faults.processesOf(made);
    await made.restart();
    t.strictSame(made.runtime.listSandboxes(), [], place.name);
    t.strictSame(remains(), [], `${place.name}: nothing is left`);
    await faults.untilGone(processes);
  }
  t.strictSame(await findLeaks(made), []);
});

t.test("a sandbox whose monitor is killed in the middle of its plan fails, and nothing is left", async (t) => {
  for (const restart of [false, true])
    for (const place of faults.places(faults.sandboxPlan(made, made.sandbox({ pid: "pod" })), 5)) {
      const run = faults.withFault("sandbox", place.index, "stop", () =>
        made.runtime.runSandbox(made.sandbox({ pid: "pod" })),
      );
      run.catch(() => undefined);
      await faults.untilStopped(made);
      const processes = faults.processesOf(made);
      const [monitor] = faults.pidsOf(made, "podrun-monitor") as [number];
      if (restart) severConnections();
      process.kill(monitor, "SIGKILL");
      if (restart) await made.restart();
      else await t.rejects(run, { code: "MonitorGone" }, place.name);
      t.strictSame(remains(), [], `${place.name}: nothing is left`);
      await faults.untilGone(processes);
    }
  t.strictSame(await findLeaks(made), []);
});

/** A sandbox with a running container, and another container that is stopped in the middle of its start. */
async function stopStart(place: faults.Place, config: SandboxConfig) {
  const { id } = await made.runtime.runSandbox(config);
  const running = await made.runtime.createContainer(id, made.container("running", "exec sleep 100000"));
  const { pid } = await made.runtime.startContainer(running);
  const starting = await made.runtime.createContainer(id, rich("container"));
  const start = faults.withFault("container", place.index, "stop", () => made.runtime.startContainer(starting));
  start.catch(() => undefined);
  await faults.untilStopped(made);
  return { id, running, pid, starting, start };
}

const podConfig = (): SandboxConfig => made.sandbox({ memoryVolumes: { cache: {} } });
const startPlaces = faults.places(faults.containerPlan(made, podConfig(), rich("container")), 11);

t.test(
  "a container that was being started when the daemon died is gone after recovery, the others run on",
  async (t) => {
    for (const place of startPlaces) {
      const { id, running, pid, starting } = await stopStart(place, podConfig());
      const runtime = await made.restart();
      t.match(runtime.listContainers(), [{ id: running, state: "running", pid }], place.name);
      t.throws(() => runtime.containerStatus(starting), { code: "NotFound" });
      t.equal((await execText(runtime, running, ["true"])).code, 0, "exec works");
      await runtime.removeSandbox(id);
      t.strictSame(remains(), [], `${place.name}: nothing is left`);
    }
    t.strictSame(await findLeaks(made), []);
  },
);

t.test("when the monitor is killed while a container starts, all of the pod ends, and it can be removed", async (t) => {
  for (const place of startPlaces) {
    const { id, running, start } = await stopStart(place, podConfig());
    const processes = faults.processesOf(made);
    const [monitor] = faults.pidsOf(made, "podrun-monitor") as [number];
    process.kill(monitor, "SIGKILL");
    await t.rejects(start, { code: "MonitorGone" }, place.name);
    await faults.untilGone(processes);
    await until(async () => made.runtime.containerStatus(running).state === "exited");
    t.match(made.runtime.containerStatus(running), { reason: "ContainerStatusUnknown", exitCode: 137 });
    await made.runtime.removeSandbox(id);
    t.strictSame(remains(), [], `${place.name}: nothing is left`);
  }
  t.strictSame(await findLeaks(made), []);
});

t.test("an exec whose client goes away while it is being set up leaves nothing in the container", async (t) => {
  const { id } = await made.runtime.runSandbox(made.sandbox());
  const container = await made.runtime.createContainer(id, made.container("main", "exec sleep 100000"));
  const { pid } = await made.runtime.startContainer(container);
  const [monitor] = faults.pidsOf(made, "podrun-monitor") as [number];
  const before = await faults.settledHoldings(monitor);
  const request = { command: ["sleep", "1000"], tty: true, stdin: true, stdout: true, stderr: false };
  const plan = faults.execPlan(made, container, request);
  for (const { index, name } of faults.places(plan, 3)) {
    const stream = openStream(join(made.config.run, "pods", id, "monitor.sock"));
    const run = stream.run(plan, { fault: { operation: index, errno: 0 } });
    run.catch(() => undefined);
    await stream.ready;
    await faults.untilStopped(made);
    stream.close();
    await until(
      async () => faults.holdings(monitor) === before,
      10_000,
      () => `${name}: ${faults.holdings(monitor)}`,
    );
  }
  t.match(made.runtime.containerStatus(container), { state: "running", pid });
  t.equal((await execText(made.runtime, container, ["true"])).code, 0);
  await made.runtime.removeSandbox(id);
});

for (const victim of ["podrun-monitor", "pause"] as const)
  for (const pid of ["container", "pod", "node"] as const)
    t.test(`when ${victim} is killed, its pod is lost and all its processes end (pid: ${pid})`, async (t) => {
      const events: RuntimeEvent[] = [];
      made.runtime.on((event) => void events.push(event));
      const { id } = await made.runtime.runSandbox(made.sandbox({ pid }));
      for (const name of ["one", "two"]) {
        const script = "sleep 100000 & trap '' TERM; while :; do sleep 1000; done";
        await made.runtime.startContainer(await made.runtime.createContainer(id, made.container(name, script)));
      }
      const processes = faults.processesOf(made);
      t.ok(processes.length >= 4, "monitor, pause and two containers");
      process.kill(faults.pidsOf(made, victim)[0] as number, "SIGKILL");
      await until(async () => events.some(({ type }) => type === "sandboxLost"));
      await faults.untilGone(processes);
      t.equal(made.runtime.sandboxStatus(id).state, "notready");
      const ends = events.filter(({ type }) => type === "containerExited");
      const unknown = { container: { state: "exited", reason: "ContainerStatusUnknown", exitCode: 137 } };
      if (victim === "podrun-monitor") t.match(ends, [unknown, unknown]);
      t.equal(ends.length, 2, "the end of each is told once");
      await t.rejects(made.runtime.exec(made.runtime.listContainers(id)[0]?.id as string, EXEC), {
        code: "ContainerNotRunning",
      });
      await made.runtime.removeSandbox(id);
      t.strictSame(remains(), []);
      t.strictSame(await findLeaks(made), []);
    });

const EXEC = { command: ["true"], tty: false, stdin: false, stdout: true, stderr: true };

t.test("a sandbox that died with nobody looking is lost at recovery, its containers end", async (t) => {
  for (const victim of ["podrun-monitor", "pause"] as const) {
    const { id } = await made.runtime.runSandbox(made.sandbox());
    const main = await made.runtime.createContainer(id, made.container("main", "exec sleep 100000"));
    await made.runtime.startContainer(main);
    const processes = faults.processesOf(made);
    const pid = faults.pidsOf(made, victim)[0] as number;
    severConnections();
    process.kill(pid, "SIGKILL");
    await faults.untilGone([pid]);
    const runtime = await made.restart();
    t.equal(runtime.sandboxStatus(id).state, "notready", victim);
    const reason = victim === "pause" ? "Error" : "ContainerStatusUnknown";
    t.match(runtime.containerStatus(main), { state: "exited", reason, exitCode: 137 });
    await faults.untilGone(processes);
    await runtime.removeSandbox(id);
    t.strictSame(remains(), []);
  }
});

t.test("when nft refuses, nothing is left; a pod can be removed when its table is gone", async (t) => {
  const { table } = made.config;
  const { id } = await made.runtime.runSandbox(made.sandbox());
  made.nft.run(removeRuleset(table));
  await t.rejects(made.runtime.runSandbox(made.sandbox()), { code: "OperationFailed", message: /^nft: / });
  await made.runtime.removeSandbox(id);
  made.nft.run(wholeRuleset(made.config, []));
  t.strictSame(await findLeaks(made), []);
});
