import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";
import { connectMonitor, type ListedMessage, type MonitorClient } from "../linux/monitor/index.ts";
import type { Context, LiveContainer, LiveSandbox } from "./context.ts";
import { removeForgotten } from "./forgotten-folders.ts";
import { containersOf, updateContainer } from "./lookup.ts";
import { loseSandbox, takeExit, watchMonitor } from "./monitor-events.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";
import { removeContainer } from "./remove-container.ts";
import { eraseSandbox, stopSandbox } from "./remove-sandbox.ts";
import { sandboxFolder } from "./run-sandbox.ts";
import { PAUSE_KEY } from "./sandbox-plan.ts";
import { Trace } from "./trace.ts";

/**
 * Takes up what an earlier daemon left. A sandbox that was being made or removed is removed; one that was there is connected
 * to again, its containers' ends while nobody looked are taken from the monitor, and what had been begun and not finished is
 * undone. Afterwards every record agrees with the kernel.
 */
export async function recover(context: Context): Promise<void> {
  for (const record of context.sandboxes.list()) context.live.sandboxes.set(record.id, revive(context, record));
  for (const record of context.containers.list()) reviveContainer(context, record);
  const sandboxes = [...context.live.sandboxes.values()];
  await Promise.all(
    sandboxes.map((sandbox) => attempt(context, sandbox.record, () => recoverSandbox(context, sandbox))),
  );
  const orphans = [...context.live.containers.values()].filter(
    ({ record }) => !context.live.sandboxes.has(record.sandboxId),
  );
  for (const container of orphans) await attempt(context, container.record, () => removeContainer(context, container));
  removeForgotten(context);
}

/** So long the daemon's start waits for one recovery, milliseconds; after that the recovery goes on beside everything else. */
const PATIENCE = 20_000;

/** What can't be recovered now (a process that does not die) must not keep all other pods without a daemon. */
async function attempt(context: Context, { id, state }: { id: string; state: string }, act: () => Promise<void>) {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    context.log.warn("what an earlier daemon left takes long to recover", { id, state });
    timeout.resolve();
  }, PATIENCE);
  const work = act().catch((error: unknown) => {
    context.log.warn("what an earlier daemon left can't be recovered yet", { id, state, error: String(error) });
  });
  await Promise.race([work, timeout.promise]);
  clearTimeout(timer);
}

function revive(context: Context, record: SandboxRecord): LiveSandbox {
  return {
    record,
    monitor: undefined,
    folder: sandboxFolder(context, record.id),
    trace: new Trace(sandboxFolder(context, record.id), context.log),
    nextKey: 1,
  };
}

function reviveContainer(context: Context, record: ContainerRecord): void {
  const exited = Promise.withResolvers<void>();
  if (record.state === "exited" || record.state === "removing") exited.resolve();
  context.live.containers.add({ record, plan: undefined, exited, starting: new AbortController() });
  const sandbox = context.live.sandboxes.get(record.sandboxId);
  if (sandbox) sandbox.nextKey = Math.max(sandbox.nextKey, record.key + 1);
}

async function recoverSandbox(context: Context, sandbox: LiveSandbox): Promise<void> {
  const { state } = sandbox.record;
  sandbox.monitor = await reconnect(sandbox);
  if (state === "creating" || state === "removing") return eraseSandbox(context, sandbox);
  const { monitor } = sandbox;
  if (!monitor) return state === "notready" ? stopSandbox(context, sandbox) : loseSandbox(context, sandbox);
  // First subscribe, then list: an end in between is told twice rather than never, and taken once.
  watchMonitor(context, sandbox, monitor);
  await monitor.subscribe();
  const processes = await monitor.list();
  if (state === "notready") return finishStop(context, sandbox, processes);
  const pause = processes.find(({ key }) => key === PAUSE_KEY);
  if (!pause || pause.exited) return loseSandbox(context, sandbox);
  for (const { key } of processes) if (key >= sandbox.nextKey && key < 1 << 16) sandbox.nextKey = key + 1;
  for (const container of containersOf(context, sandbox.record.id))
    await attempt(context, container.record, () => recoverContainer(context, sandbox, container, processes));
}

/** The earlier daemon was killed while it ended the sandbox. How its containers had ended by then is still known. */
async function finishStop(context: Context, sandbox: LiveSandbox, processes: readonly ListedMessage[]): Promise<void> {
  for (const container of containersOf(context, sandbox.record.id)) {
    const found = processes.find(({ key }) => key === container.record.key);
    if (found?.exited) takeExit(context, sandbox, container, found);
  }
  await stopSandbox(context, sandbox);
}

async function reconnect(sandbox: LiveSandbox): Promise<MonitorClient | undefined> {
  try {
    return await connectMonitor(join(sandbox.folder, "monitor.sock"));
  } catch (error) {
    if (error instanceof PodrunError && error.code === "MonitorGone") return undefined;
    throw error;
  }
}

async function recoverContainer(
  context: Context,
  sandbox: LiveSandbox,
  container: LiveContainer,
  processes: readonly ListedMessage[],
): Promise<void> {
  const { state, key } = container.record;
  const found = processes.find((process) => process.key === key);
  if (state === "exited") return;
  if (state === "removing" || state === "created" || !found) return removeContainer(context, container);
  if (state === "starting") {
    const startedAt = new Date(Number(found.started / 1_000_000n)).toISOString();
    updateContainer(context, container, { state: "running", startedAt, pid: found.pid });
  }
  if (found.exited) takeExit(context, sandbox, container, found);
}
