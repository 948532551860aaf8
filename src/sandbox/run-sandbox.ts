import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";
import { planFault, step } from "../base/fault.ts";
import { makeFolder } from "../base/make-folder.ts";
import { podCgroup } from "../linux/cgroup/index.ts";
import type { MonitorClient } from "../linux/monitor/index.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import type { Context, LiveSandbox } from "./context.ts";
import { explainPort, forgetFlows, portsOf, refuseTakenPorts } from "./host-ports.ts";
import { explainIdmap } from "./idmap-failure.ts";
import { updateSandbox } from "./lookup.ts";
import { watchMonitor } from "./monitor-events.ts";
import { eraseSandbox } from "./remove-sandbox.ts";
import { compileSandbox } from "./sandbox-plan.ts";
import { podLevel } from "./selinux.ts";
import { Trace } from "./trace.ts";
import type { SandboxConfig } from "./types.ts";
import { freeRange, type UserRange } from "./user-ranges.ts";

/** Folder of a sandbox's run state. */
export const sandboxFolder = (context: Pick<Context, "facts">, id: string): string =>
  join(context.facts.config.run, "pods", id);

/**
 * Makes a sandbox: record, lease, monitor, plan. When anything fails everything made before it is undone, and the error
 * is thrown. What can't be undone then stays on record, until it is removed or the next attempt removes it.
 */
export async function runSandbox(
  context: Context,
  config: SandboxConfig,
  meanwhile: (sandbox: LiveSandbox) => void = () => undefined,
): Promise<LiveSandbox> {
  const earlier = context.live.sandboxes.get(config.metadata.uid);
  if (earlier) await eraseSandbox(context, earlier);
  refuseTakenPorts(context, config);
  const sandbox = recordIntent(context, config);
  try {
    lease(context, sandbox);
    await carryOut(context, sandbox, config, meanwhile);
    step("sandbox.record-ready");
    updateSandbox(context, sandbox, { state: "ready" });
    return sandbox;
  } catch (error) {
    await undo(context, sandbox);
    throw error;
  }
}

/** Why the sandbox could not be made is what its caller must learn, not what came of it. */
async function undo(context: Context, sandbox: LiveSandbox): Promise<void> {
  try {
    await eraseSandbox(context, sandbox);
  } catch (error) {
    context.log.warn("a sandbox that could not be made can't be removed yet", {
      id: sandbox.record.id,
      error: String(error),
    });
  }
}

function recordIntent(context: Context, config: SandboxConfig): LiveSandbox {
  const { metadata, network, pid, ipc, hostname, qos, logDirectory } = config;
  const userRange = nextRange(context, config);
  const seLinuxLevel = nextLevel(context, config);
  const id = metadata.uid;
  const cgroup = podCgroup(context.facts.config.cgroup, qos, id);
  const ports = portsOf(config);
  step("sandbox.record-intent");
  const record = {
    id,
    metadata,
    state: "creating" as const,
    createdAt: new Date().toISOString(),
    network,
    pid,
    ipc,
    hostname,
    qos,
    cgroup,
    resources: config.resources,
    logDirectory,
    ...(ports && { ports }),
    ...(userRange && { userRange }),
    ...(seLinuxLevel !== undefined && { seLinuxLevel }),
    pausePid: 0,
  };
  const sandbox: LiveSandbox = {
    record,
    monitor: undefined,
    folder: sandboxFolder(context, id),
    trace: new Trace(sandboxFolder(context, id), context.log),
    nextKey: 1,
  };
  context.sandboxes.put(record);
  context.live.sandboxes.set(id, sandbox);
  step("sandbox.intent-recorded");
  return sandbox;
}

/** What a new sandbox gets; its record makes it its own. Throws UserIdsExhausted. */
export function nextRange(
  { live, facts }: Pick<Context, "live" | "facts">,
  config: SandboxConfig,
): UserRange | undefined {
  if (config.users !== "pod") return undefined;
  const taken = [...live.sandboxes.values()].flatMap(({ record }) => record.userRange ?? []);
  return freeRange(facts.userIds, taken, facts.foreignIds());
}

/** As {@link nextRange}; no sandbox that is on record has the same, but for those whose manifest says so. */
export function nextLevel(
  { live, facts }: Pick<Context, "live" | "facts">,
  { seLinux }: SandboxConfig,
): string | undefined {
  const taken = [...live.sandboxes.values()].flatMap(({ record }) => record.seLinuxLevel ?? []);
  return podLevel(seLinux, facts.seLinux, taken);
}

/** After the intent is on record: who dies in between leaves a lease that recovery finds by the pod. */
function lease(context: Context, sandbox: LiveSandbox): void {
  if (sandbox.record.network !== "pod") return;
  const leased = context.leases.acquire(sandbox.record.id);
  step("sandbox.leased");
  updateSandbox(context, sandbox, { lease: leased });
}

async function carryOut(
  context: Context,
  sandbox: LiveSandbox,
  config: SandboxConfig,
  meanwhile: (sandbox: LiveSandbox) => void,
): Promise<void> {
  const { folder, record } = sandbox;
  makeFolder(folder);
  const { lease, userRange: users, seLinuxLevel } = record;
  const plan = compileSandbox({ config, lease, users, seLinuxLevel, folder }, context.facts);
  const monitor = sandbox.trace.daemon("spawn", "podrun-monitor", () => context.spawnMonitor());
  sandbox.monitor = monitor;
  step("sandbox.monitor-spawned");
  const title = `podrun-monitor ${record.metadata.namespace}/${record.metadata.name}`;
  watchMonitor(context, sandbox, monitor);
  // All under way at once: the monitor takes them in order, and each of them fails when it goes.
  const work = Promise.all([monitor.setup(folder, title), monitor.subscribe(), runPlan(monitor, plan)]);
  // When nft fails first, its error is the one to tell.
  work.catch(() => undefined);
  const others = plan.findIndex(({ actor }) => actor !== "daemon");
  runDaemonOperations(context, sandbox, plan.slice(0, others));
  meanwhile(sandbox);
  const [, , result] = await work.catch((error: unknown) => {
    throw explainIdmap(explainPort(context, error, plan, config), plan, config.mapped);
  });
  step("sandbox.plan-done");
  runDaemonOperations(context, sandbox, plan.slice(others));
  await forgetFlows(context, "mapped", record);
  sandbox.trace.record("sandbox", plan, result.results);
  sandbox.record = { ...record, pausePid: result.pid };
  if (sandbox.monitor === monitor) return;
  sandbox.monitor = monitor;
  throw new PodrunError("MonitorGone", "the pod's monitor or its pause ended as soon as its sandbox was made");
}

function runPlan(monitor: MonitorClient, plan: readonly Operation[]) {
  const fault = planFault("sandbox");
  return monitor.run(plan, { fault });
}

/**
 * The daemon's part of a plan: what stands first while the monitor does the rest, the others when it has done it. No container
 * starts before all is done, so the pod's first packet finds its rules.
 */
function runDaemonOperations(context: Context, sandbox: LiveSandbox, plan: readonly Operation[]): void {
  for (const operation of plan)
    if (operation.op === "nft") sandbox.trace.daemon("nft", operation.commands, () => context.nft(operation.commands));
  step("sandbox.nft-done");
}
