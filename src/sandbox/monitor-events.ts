import { killCgroup, readOomKills } from "../linux/cgroup/index.ts";
import { type ExitedMessage, exitOf, type MonitorClient } from "../linux/monitor/index.ts";
import type { Context, LiveContainer, LiveSandbox } from "./context.ts";
import { containersOf, noteContainer, noteSandbox } from "./lookup.ts";
import { PAUSE_KEY } from "./sandbox-plan.ts";
import { containerStatus, sandboxStatus } from "./status.ts";

/** From now on exits are taken note of, and the loss of the monitor or of pause ends the sandbox. */
export function watchMonitor(context: Context, sandbox: LiveSandbox, monitor: MonitorClient): void {
  monitor.on("exited", (message) => {
    if (message.key === PAUSE_KEY) void loseSandbox(context, sandbox);
    const container = containersOf(context, sandbox.record.id).find(({ record }) => record.key === message.key);
    if (container) takeExit(context, sandbox, container, message);
  });
  monitor.once("closed", () => void loseSandbox(context, sandbox));
}

export type Exit = Pick<ExitedMessage, "status" | "finished">;

/** A container's end, from the monitor's word: recorded once, then told to the layer above. */
export function takeExit(context: Context, sandbox: LiveSandbox, container: LiveContainer, exit: Exit): void {
  const { record } = container;
  if (record.state === "exited" || record.state === "removing") return;
  const { code, signal } = exitOf(exit);
  const oomKills = readOomKills(context.facts.cgroups, record.cgroup) ?? 0;
  const reason = code === 0 ? "Completed" : oomKills > 0 ? "OOMKilled" : "Error";
  endContainer(context, container, {
    finishedAt: new Date(Number(exit.finished / 1_000_000n)).toISOString(),
    exitCode: code,
    ...(signal > 0 && { signal }),
    reason,
  });
  // In a process namespace of its own the kernel has killed the rest with the first process; elsewhere nobody has.
  if (sandbox.record.pid !== "container" || record.sharesProcesses) void killRest(context, record.cgroup);
}

async function killRest(context: Context, cgroup: string): Promise<void> {
  try {
    await killCgroup(context.facts.cgroups, cgroup);
  } catch (error) {
    context.log.warn("what a container left behind could not be killed", { cgroup, error: String(error) });
  }
}

interface End {
  readonly finishedAt: string;
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason: string;
  readonly message?: string;
}

/** `exited`, for good. */
export function endContainer(context: Context, container: LiveContainer, end: End): void {
  noteContainer(context, container, { state: "exited", ...end });
  container.exited.resolve();
  context.emit({ type: "containerExited", container: containerStatus(container.record) });
}

/**
 * Monitor or pause is gone. Without a monitor nobody reads the containers' output or learns of their end, without pause the
 * namespaces are going: so what is left of the pod is killed through its cgroup (design, section 1).
 */
export async function loseSandbox(context: Context, sandbox: LiveSandbox): Promise<void> {
  const gone = sandbox.monitor;
  sandbox.monitor = undefined;
  if (sandbox.record.state !== "ready") return;
  noteSandbox(context, sandbox, { state: "notready" });
  sandbox.losing = endLost(context, sandbox, gone);
  await sandbox.losing;
  context.emit({ type: "sandboxLost", sandbox: sandboxStatus(sandbox.record) });
}

async function endLost(context: Context, sandbox: LiveSandbox, gone: MonitorClient | undefined): Promise<void> {
  const { record } = sandbox;
  try {
    await killCgroup(context.facts.cgroups, record.cgroup);
    await gone?.shutdown();
  } catch (error) {
    context.log.warn("a lost sandbox could not be killed", { sandbox: record.id, error: String(error) });
  }
  for (const container of containersOf(context, record.id)) loseContainer(context, container);
}

/** The kubelet's words for a container whose end nobody saw. */
export function loseContainer(context: Context, container: LiveContainer): void {
  if (container.record.state !== "running" && container.record.state !== "starting") return;
  endContainer(context, container, {
    finishedAt: new Date().toISOString(),
    exitCode: 137,
    reason: "ContainerStatusUnknown",
    message: "The pod's monitor was gone when the container ended: its exit code is not known",
  });
}
