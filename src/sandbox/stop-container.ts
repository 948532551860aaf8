import { constants } from "node:os";
import { PodrunError } from "../base/errors.ts";
import { step } from "../base/fault.ts";
import { killCgroup } from "../linux/cgroup/index.ts";
import type { MonitorClient } from "../linux/monitor/index.ts";
import type { Context, LiveContainer } from "./context.ts";

/**
 * Asks a container to end with its stop signal, and after `graceSeconds` ends it with SIGKILL; 0 kills at once. Resolves when
 * it has exited. One that is not running is fine (CRI StopContainer).
 */
export async function stopContainer(context: Context, container: LiveContainer, graceSeconds: number): Promise<void> {
  const { record } = container;
  if (record.state !== "running" && record.state !== "starting") return;
  const monitor = context.live.sandboxes.get(record.sandboxId)?.monitor;
  step("container.stop-intent");
  // Before it is in the monitor's table no signal reaches it; once it is there, this does nothing.
  if (record.state === "starting") container.starting.abort();
  if (graceSeconds > 0 && monitor && (await signal(monitor, record.key, signalNumber(record.stopSignal))))
    await withTimeout(container.exited.promise, graceSeconds * 1000);
  if (!isRunning(container)) return;
  step("container.kill");
  if (monitor) await signal(monitor, record.key, constants.signals.SIGKILL);
  // In a process namespace of its own its other processes end with it; elsewhere they are the cgroup's.
  await killCgroup(context.facts.cgroups, record.cgroup);
  await container.exited.promise;
}

const isRunning = ({ record }: LiveContainer): boolean => record.state === "running" || record.state === "starting";

/** False when the process has ended already. */
async function signal(monitor: MonitorClient, key: number, number: number): Promise<boolean> {
  try {
    await monitor.signal(key, number);
    return true;
  } catch (error) {
    if (error instanceof PodrunError && (error.details["errno"] === "ESRCH" || error.code === "MonitorGone"))
      return false;
    throw error;
  }
}

/** `SIGQUIT`, `QUIT` or `3`, as image configs have it; SIGTERM for what is no signal. */
function signalNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  const name = text.startsWith("SIG") ? text : `SIG${text}`;
  const offset = /^SIGRTMIN\+(\d+)$/.exec(name)?.[1];
  // The kernel's first real-time signals are the C library's: SIGRTMIN is 34 for programs, SIGRTMAX 64.
  if (offset !== undefined) return 34 + Number(offset);
  if (name === "SIGRTMIN") return 34;
  const below = /^SIGRTMAX(?:-(\d+))?$/.exec(name);
  if (below) return 64 - Number(below[1] ?? 0);
  return (constants.signals as Readonly<Record<string, number>>)[name] ?? constants.signals.SIGTERM;
}

async function withTimeout(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    // setTimeout takes at most 2^31-1 ms; a longer grace is as good as none.
    timer = setTimeout(resolve, Math.min(milliseconds, 2 ** 31 - 1));
  });
  await Promise.race([promise, timeout]);
  clearTimeout(timer);
}
