import { step } from "../base/fault.ts";
import { removeTree } from "../base/remove-tree.ts";
import { killCgroup, removeCgroup } from "../linux/cgroup/index.ts";
import type { Context, LiveContainer } from "./context.ts";
import { updateContainer } from "./lookup.ts";
import { allContainerSlots } from "./slots.ts";

/** Takes a container away: its processes if any are left, its cgroup, what it wrote, its place in the monitor's table. */
export async function removeContainer(context: Context, container: LiveContainer): Promise<void> {
  const { record } = container;
  const sandbox = context.live.sandboxes.get(record.sandboxId);
  updateContainer(context, container, { state: "removing" });
  container.exited.resolve();
  step("container.remove-intent");
  await killCgroup(context.facts.cgroups, record.cgroup);
  await removeCgroup(context.facts.cgroups, record.cgroup);
  step("container.cgroup-removed");
  await sandbox?.monitor?.forget({ keys: [record.key], slots: allContainerSlots(record.number) });
  await removeTree(record.folder);
  step("container.folder-removed");
  context.containers.delete(record.id);
  context.live.containers.delete(container);
}
