import { step } from "../base/fault.ts";
import { removeTree } from "../base/remove-tree.ts";
import type { Pod } from "../spec/index.ts";
import type { Grace } from "./grace.ts";
import { momentOf, type Node, type Timers } from "./node.ts";
import { record } from "./record.ts";
import { logDirectory } from "./sandbox-config.ts";
import { stopContainers } from "./stop-containers.ts";
import type { TrackedContainer } from "./tracked-container.ts";
import { removeVolumes } from "./volumes.ts";

/** When a pod is to be gone: `metadata.deletionTimestamp` and `deletionGracePeriodSeconds`. */
export interface Deletion {
  readonly graceSeconds: number;
  /** The moment at which the grace is over (Timers.now). */
  readonly deadline: number;
}

/**
 * The grace of a deletion (DeleteOptions.gracePeriodSeconds, PodSpec.terminationGracePeriodSeconds). A deletion that is
 * asked for again can only come sooner, as with the API server; undefined: it changes nothing.
 */
export function planDeletion(
  pod: Pod,
  asked: number | undefined,
  timers: Pick<Timers, "now" | "wall">,
): Deletion | undefined {
  const graceSeconds = asked ?? pod.spec.terminationGracePeriodSeconds;
  const deadline = timers.now() + graceSeconds * 1000;
  if (pod.metadata.deletionTimestamp === undefined) return { graceSeconds, deadline };
  if (asked === undefined || deadline >= deletionDeadline(timers, pod)) return undefined;
  return { graceSeconds, deadline };
}

/** When a pod that is being deleted is to be gone: never later than its whole grace from now, whatever was done to the clock. */
export function deletionDeadline(timers: Pick<Timers, "now" | "wall">, { metadata }: Pod): number {
  const { deletionTimestamp = "", deletionGracePeriodSeconds = 0 } = metadata;
  return Math.min(momentOf(timers, deletionTimestamp), timers.now() + deletionGracePeriodSeconds * 1000);
}

/**
 * Ends a pod: its containers, with what is left of the grace, then all that was made for it. Each step can be done again, so
 * whoever is interrupted starts from the beginning.
 */
export async function tearDown(
  node: Node,
  pod: Pod,
  containers: Iterable<TrackedContainer>,
  grace: Grace,
): Promise<void> {
  const { uid } = pod.metadata;
  step("pod.stop-containers");
  // Without grace the sandbox's end is theirs: one message ends them all.
  if (grace.leftSeconds > 0) await stopContainers(node, pod, containers, grace);
  else
    for (const { name, isRunning } of containers)
      if (isRunning) record(node, pod, "Normal", "Killing", `Stopping container ${name}`, name);
  step("pod.containers-stopped");
  await node.runtime.removeSandbox(uid);
  step("pod.sandbox-removed");
  await removeVolumes(node.config.root, uid);
  step("pod.volumes-removed");
  await removeTree(logDirectory(node.config.logs, pod));
  step("pod.logs-removed");
}
