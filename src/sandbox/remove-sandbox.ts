import { step } from "../base/fault.ts";
import { removeTree } from "../base/remove-tree.ts";
import { killCgroup, removeCgroup } from "../linux/cgroup/index.ts";
import { portElements } from "../net/host-ports.ts";
import { podElements } from "../net/ruleset.ts";
import type { Context, LiveSandbox } from "./context.ts";
import { forgetFlows } from "./host-ports.ts";
import { containersOf, updateSandbox } from "./lookup.ts";
import { loseContainer } from "./monitor-events.ts";
import { removeContainer } from "./remove-container.ts";

/**
 * Ends everything in a sandbox at once: containers that still run are killed, pause leaves, and with its namespaces the
 * kernel takes the link (design, section 5). Stopping one that is stopped is fine (CRI StopPodSandbox).
 */
export async function stopSandbox(context: Context, sandbox: LiveSandbox): Promise<void> {
  // Its containers' ends are still being told, its monitor still holds its namespaces.
  await sandbox.losing;
  const { monitor, record } = sandbox;
  if (record.state === "ready") updateSandbox(context, sandbox, { state: "notready" });
  step("sandbox.stop-intent");
  sandbox.monitor = undefined;
  if (monitor) await monitor.shutdown();
  // What the monitor did not end: it may have been gone already, or be killed itself.
  await killCgroup(context.facts.cgroups, record.cgroup);
  step("sandbox.monitor-gone");
  for (const container of containersOf(context, record.id)) loseContainer(context, container);
  await releaseNetwork(context, sandbox);
}

/**
 * The addresses go back as soon as nobody can use them (CRI StopPodSandbox: network resources are reclaimed). The record
 * loses them before somebody else may get them: whoever is interrupted here must not take another pod's away later.
 */
async function releaseNetwork(context: Context, sandbox: LiveSandbox): Promise<void> {
  const { lease, ports, ...record } = sandbox.record;
  if (!lease) return;
  const { table } = context.facts.config;
  context.nft(podElements(table, lease).delete + portElements(table, { ...lease, ports }).delete);
  step("sandbox.nft-removed");
  await forgetFlows(context, "unmapped", sandbox.record);
  context.sandboxes.put(record);
  sandbox.record = record;
  context.leases.release(record.id);
}

/** Stops it and takes away all that it was. Its record goes last, so that whoever is interrupted here starts again here. */
export async function removeSandbox(context: Context, sandbox: LiveSandbox): Promise<void> {
  updateSandbox(context, sandbox, { state: "removing" });
  step("sandbox.remove-intent");
  await eraseSandbox(context, sandbox);
}

export async function eraseSandbox(context: Context, sandbox: LiveSandbox): Promise<void> {
  const { record } = sandbox;
  await stopSandbox(context, sandbox);
  await Promise.all(containersOf(context, record.id).map((container) => removeContainer(context, container)));
  step("sandbox.containers-removed");
  await removeCgroup(context.facts.cgroups, record.cgroup);
  step("sandbox.cgroup-removed");
  // Once more: an earlier daemon may have been killed between the record and the lease.
  context.leases.release(record.id);
  sandbox.trace.close();
  await removeTree(sandbox.folder);
  step("sandbox.folder-removed");
  context.sandboxes.delete(record.id);
  context.live.sandboxes.delete(record.id);
}
