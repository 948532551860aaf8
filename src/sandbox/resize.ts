import { PodrunError } from "../base/errors.ts";
import { planFault, step } from "../base/fault.ts";
import { readMemory } from "../linux/cgroup/index.ts";
import type { Context, LiveContainer, LiveSandbox } from "./context.ts";
import { findContainer, monitorOf, noteContainer, noteSandbox, updateContainer, updateSandbox } from "./lookup.ts";
import { compileResize, widest } from "./resize-plan.ts";
import type { ResizeRequest, Resources } from "./types.ts";

/**
 * Gives a sandbox and containers of it other limits while they run. Whoever is killed in between leaves records that say
 * `resizing`: what is in force is not known then, and the resize is to be asked for again.
 */
export async function resize(context: Context, sandbox: LiveSandbox, request: ResizeRequest): Promise<void> {
  const { record } = sandbox;
  const containers = Object.entries(request.containers).map(([id, to]) => ({
    container: findContainer(context, id),
    to,
  }));
  for (const { container, to } of containers)
    refuseUsed(context, `container "${container.record.name}"`, container.record, to);
  refuseUsed(context, "pod", record, request.resources);
  const monitor = monitorOf(sandbox);
  const from = record.resizing ? widest(record.resources ?? {}, record.resizing) : (record.resources ?? {});
  const pod = { cgroup: record.cgroup, from, to: request.resources };
  const plan = compileResize({ pod, containers: containers.map(planned) }, context.facts);
  step("resize.record-intent");
  updateSandbox(context, sandbox, { resizing: request.resources });
  for (const { container, to } of containers) updateContainer(context, container, { resizing: to });
  step("resize.intent-recorded");
  await monitor.run(plan, { fault: planFault("resize") });
  step("resize.written");
  for (const { container, to } of containers) noteContainer(context, container, { resources: to, resizing: undefined });
  step("resize.containers-recorded");
  noteSandbox(context, sandbox, { resources: request.resources, resizing: undefined });
}

const planned = ({ container: { record }, to }: { container: LiveContainer; to: Resources }) => ({
  name: record.name,
  cgroup: record.cgroup,
  to,
});

/**
 * Below what is used v1 refuses a limit, and v2 kills for it: so it is asked first, as the kubelet does. The page cache
 * that the kernel gives back at once is not counted.
 */
function refuseUsed(
  { facts }: Context,
  what: string,
  { cgroup, resources }: { readonly cgroup: string; readonly resources?: Resources },
  { memoryLimitBytes: limit }: Resources,
): void {
  if (limit === undefined || limit >= (resources?.memoryLimitBytes ?? Number.POSITIVE_INFINITY)) return;
  const used = readMemory(facts.cgroups, cgroup)?.workingSet ?? 0;
  if (used <= limit) return;
  const text = `attempting to set ${what} memory limit (${limit}) below current usage (${used})`;
  throw new PodrunError("MemoryInUse", text, { details: { limit, used } });
}
