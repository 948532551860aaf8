import { step } from "../base/fault.ts";
import { findPlaced, type PlacedContainer } from "../spec/index.ts";
import { type AdvanceContext, backOff } from "./back-off.ts";
import { nextContainers } from "./next-actions.ts";
import type { Node } from "./node.ts";
import type { PodContainers } from "./pod-containers.ts";
import { beginPostStart } from "./post-start.ts";
import { isRestarted, retryDelay } from "./restart.ts";
import { restartAll } from "./restart-all.ts";
import { runContainer } from "./run-container.ts";
import { beginStop } from "./stop-containers.ts";
import type { TrackedContainer } from "./tracked-container.ts";

/** Each container's next step, of those whose turn it is. True: others have their turn now. */
export async function advanceContainers(
  node: Node,
  containers: PodContainers,
  context: AdvanceContext,
): Promise<boolean> {
  if (!(await restartAll(node, containers, context))) return false;
  // A run that ends meanwhile makes another round: the runtime tells of it.
  const next = nextContainers(containers.all);
  await Promise.all(next.map((tracked) => advanceContainer(node, tracked, context)));
  // What was waited for may have ended or started at once.
  return nextContainers(containers.all).length > next.length;
}

/** One container's next step: nothing, wait, start, end, or start again. */
async function advanceContainer(node: Node, tracked: TrackedContainer, context: AdvanceContext): Promise<void> {
  const { pod } = context;
  const placed = findPlaced(pod.spec, tracked.name);
  if (!placed) return;
  const spec = placed.container;
  if (tracked.isRunning) {
    beginPostStart(node, pod, spec, tracked, context.progress);
    const why = tracked.isResizing ? "resize requires restart" : "definition changed, will be restarted";
    if (tracked.isOutdated(spec)) beginStop(node, pod, tracked, `Container ${spec.name} ${why}`);
    return;
  }
  if (tracked.end && !(await beginRestart(node, tracked, placed, context))) return;
  if (context.waitUntil(tracked.retryAt)) return;
  step("pod.run-container");
  const outcome = await runContainer(node, tracked, spec, context);
  context.changed();
  if (outcome === "started") beginPostStart(node, pod, spec, tracked, context.progress);
  if (outcome === "waits") context.waitUntil(context.images.lookAt(spec, pod));
  if (outcome !== "failed") return;
  tracked.retryAt = node.timers.now() + retryDelay(node.settings.restartBackoff, tracked.failures);
  context.waitUntil(tracked.retryAt);
}

/** Whether an ended container is to start again now. What is outdated starts whatever policy and back-off say. */
async function beginRestart(
  node: Node,
  tracked: TrackedContainer,
  placed: PlacedContainer,
  context: AdvanceContext,
): Promise<boolean> {
  const { container, role } = placed;
  const exitCode = tracked.end?.exitCode ?? 0;
  // An init container that had ended well is here again because its sandbox is another: all of them run anew.
  const isRepeated = role === "init" && exitCode === 0;
  if (!tracked.isOutdated(container)) {
    if (!isRepeated && !isRestarted(context.pod.spec, placed, exitCode)) return false;
    if (backOff(node, tracked, context)) return false;
    tracked.backoff.restarted(tracked.endedAt(node.timers), node.timers.now());
  }
  // The end must be on record before the runtime forgets it: a daemon that is killed here counts no run twice.
  context.publish();
  step("pod.restart-recorded");
  if (tracked.run) await node.runtime.removeContainer(tracked.run.id);
  tracked.beginRestart();
  return true;
}
