import type { Node } from "./node.ts";
import type { PodWorker } from "./worker.ts";

/**
 * Ends pods as at a deletion, in at most so many seconds, when the machine goes down. Their workers must have been stopped.
 * Their objects stay as they are, and the next boot starts them again.
 */
export async function endPods(node: Node, workers: readonly PodWorker[], longestSeconds: number): Promise<void> {
  const { runtime, timers, log } = node;
  const end = async (worker: PodWorker): Promise<void> => {
    const { metadata, spec } = worker.pod;
    try {
      await worker.stopAll(timers.now() + Math.min(spec.terminationGracePeriodSeconds, longestSeconds) * 1000);
      await runtime.stopSandbox(metadata.uid);
    } catch (error) {
      log.failure("a pod can't be ended", error, { pod: metadata.name });
    }
  };
  await Promise.all(workers.map(end));
}
