import { resizeWrites } from "../linux/cgroup/index.ts";
import type { Operation } from "../linux/plan/operations.gen.ts";
import { ACTORS, NO_SLOT } from "../linux/plan/table.ts";
import { cgroupFileOperation, cgroupResources } from "./cgroup-plan.ts";
import type { MachineFacts } from "./facts.ts";
import { PlanWriter } from "./plan-writer.ts";
import type { Resources } from "./types.ts";

/** Part of the operations of a resize. */
export const RESIZE_PART = "resize";

export interface ResizePlanInput {
  /** The pod's own cgroup, and what it may have now and is to have. */
  readonly pod: { readonly cgroup: string; readonly from: Resources; readonly to: Resources };
  readonly containers: readonly { readonly name: string; readonly cgroup: string; readonly to: Resources }[];
}

/**
 * Writes limits of cgroups that are in use. The pod's own are as wide as the old and the new ones until its containers' are
 * written: no container's quota may exceed its pod's (v1), and none must be throttled or killed for a limit of the pod's that
 * is not meant yet. Each value is written whatever the cgroup has, so the plan may be run again. Pure.
 */
export function compileResize({ pod, containers }: ResizePlanInput, facts: MachineFacts): readonly Operation[] {
  const plan = new PlanWriter(RESIZE_PART);
  plan.monitor("lowering a limit may wait for memory to be given back", {
    op: "clone",
    becomes: ACTORS.stage,
    flags: 0n,
    cgroup: NO_SLOT,
    pid: NO_SLOT,
  });
  plan.stage("nothing of the pod's can look into it", { op: "dumpable", value: 0 }, { op: "close_fds", keep: [] });
  const write = (cgroup: string, resources: Resources, why: string, oomGroup: boolean): void => {
    for (const one of resizeWrites(facts.cgroups, cgroup, { ...cgroupResources(resources), oomGroup }))
      cgroupFileOperation(plan, one, why);
  };
  const first = widest(pod.from, pod.to);
  write(pod.cgroup, first, "the pod, wide enough for old and new limits", false);
  for (const { name, cgroup, to } of containers)
    write(cgroup, to, `container "${name}"`, to.memoryLimitBytes !== undefined);
  if (first.cpuLimitMillis !== pod.to.cpuLimitMillis || first.memoryLimitBytes !== pod.to.memoryLimitBytes)
    write(pod.cgroup, pod.to, "the pod, no wider than it is to be", false);
  return plan.operations;
}

/** The wider of each limit; none is the widest. Requests are the new ones': no order matters to them. */
export function widest(from: Resources, to: Resources): Resources {
  const cpuLimitMillis = wider(from.cpuLimitMillis, to.cpuLimitMillis);
  const memoryLimitBytes = wider(from.memoryLimitBytes, to.memoryLimitBytes);
  const { cpuLimitMillis: _, memoryLimitBytes: __, ...others } = to;
  return {
    ...others,
    ...(cpuLimitMillis !== undefined && { cpuLimitMillis }),
    ...(memoryLimitBytes !== undefined && { memoryLimitBytes }),
  };
}

const wider = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : Math.max(a, b);
