import { step } from "../base/fault.ts";
import { type AdvanceContext, backOff } from "./back-off.ts";
import { Grace } from "./grace.ts";
import type { Node } from "./node.ts";
import type { PodContainers } from "./pod-containers.ts";
import { stopContainers } from "./stop-containers.ts";

/**
 * Where a container's end asks for it (KEP-5532, RestartAllContainers), the pod starts over in the same sandbox, with the same
 * volumes: all that runs is killed, without hooks and without grace; after the back-off of the container that asked every run
 * is forgotten and counted as a restart, so that the pod's first init container is next. Ephemeral containers are left alone.
 *
 * It is the status alone that says how far this has come (the end that asks for it is in it, and with it the condition
 * AllContainersRestarting): a daemon that is killed in the middle goes on here, and counts nothing twice.
 *
 * False: the back-off is not over, and nothing may start.
 */
export async function restartAll(node: Node, containers: PodContainers, context: AdvanceContext): Promise<boolean> {
  const asks = containers.asksForAll(context.pod.spec);
  if (asks === undefined) return true;
  context.publish();
  step("pod.restart-all");
  const all = containers.all.filter(({ role }) => role !== "ephemeral");
  await stopContainers(node, context.pod, all, new Grace(node.timers, node.timers.now()));
  if (backOff(node, asks, context)) return false;
  asks.backoff.restarted(asks.endedAt(node.timers), node.timers.now());
  const had = all.filter(({ run, ended }) => (run ?? ended) !== undefined);
  // The ends must be on record before the runtime forgets them.
  context.publish();
  step("pod.restart-all-recorded");
  for (const { run } of had) if (run) await node.runtime.removeContainer(run.id);
  for (const tracked of had) {
    tracked.beginRestart();
    // Its back-off is over, although its turn may be far off.
    tracked.waiting = undefined;
  }
  context.publish();
  step("pod.restart-all-counted");
  return true;
}
