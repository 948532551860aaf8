import type { Node } from "./node.ts";
import { record } from "./record.ts";
import { formatDelay } from "./restart.ts";
import type { StartContext } from "./run-container.ts";
import type { TrackedContainer } from "./tracked-container.ts";

/** What a container's next step needs of the pod's worker. */
export interface AdvanceContext extends StartContext {
  /** Whether a moment (Unix milliseconds) is still to come; if so the worker looks at everything again then. */
  waitUntil(moment: number): boolean;
  /** The status may be another. */
  changed(): void;
  /** Something has come to pass beside the worker's rounds: everything is looked at again. */
  progress(): void;
  /** Records the status now. */
  publish(): void;
}

/** Whether the container must wait before it starts again (CrashLoopBackOff). */
export function backOff(node: Node, tracked: TrackedContainer, context: AdvanceContext): boolean {
  const now = node.timers.now();
  const endedAt = tracked.endedAt(node.timers);
  const left = tracked.backoff.remaining(endedAt, now);
  if (left === 0) return false;
  const { name, namespace, uid } = context.pod.metadata;
  const podName = `${name}_${namespace}(${uid})`;
  const delay = formatDelay(tracked.backoff.delayAfter(endedAt));
  const message = `back-off ${delay} restarting failed container=${tracked.name} pod=${podName}`;
  if (tracked.waiting?.message !== message) {
    tracked.waiting = { reason: "CrashLoopBackOff", message };
    const text = `Back-off restarting failed container ${tracked.name} in pod ${podName}`;
    record(node, context.pod, "Warning", "BackOff", text, tracked.name);
    context.changed();
  }
  context.waitUntil(now + left);
  return true;
}
