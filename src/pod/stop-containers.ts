import type { Pod } from "../spec/index.ts";
import { Grace } from "./grace.ts";
import type { Node } from "./node.ts";
import { record } from "./record.ts";
import type { TrackedContainer } from "./tracked-container.ts";

/** What a container has at least after its hook or its turn took all of the grace (kubelet, minimumGracePeriodInSeconds). */
const LEAST_SECONDS = 2;

/**
 * Ends all containers of a pod that run. Its own end side by side; a sidecar when they and the sidecars behind it have
 * (KEP-753), but no later than the end of the grace. Resolves when all have ended.
 */
export async function stopContainers(
  node: Node,
  pod: Pod,
  containers: Iterable<TrackedContainer>,
  grace: Grace,
): Promise<void> {
  const running = [...containers].filter(({ isRunning }) => isRunning);
  const inOrder = [
    ...running.filter(({ role }) => role !== "sidecar"),
    ...running.filter(({ role }) => role === "sidecar").reverse(),
  ];
  const ends: Promise<void>[] = [];
  for (const tracked of inOrder) {
    const before = [...ends];
    const turn = tracked.role === "sidecar" && before.length > 0 ? Promise.allSettled(before) : undefined;
    record(node, pod, "Normal", "Killing", `Stopping container ${tracked.name}`, tracked.name);
    ends.push(stopContainer(node, tracked, grace, turn));
  }
  const failed = (await Promise.allSettled(ends)).find((end) => end.status === "rejected");
  if (failed) throw failed.reason;
}

/**
 * Begins to end a container of a pod that goes on; the worker looks at everything again when it has ended. `text` is the
 * event's, which says why.
 */
export function beginStop(
  node: Node,
  pod: Pod,
  tracked: TrackedContainer,
  text: string,
  graceSeconds: number = pod.spec.terminationGracePeriodSeconds,
): void {
  if (tracked.stop) return;
  record(node, pod, "Normal", "Killing", text, tracked.name);
  const grace = new Grace(node.timers, node.timers.now() + graceSeconds * 1000);
  const done = stopContainer(node, tracked, grace).catch((error: unknown) =>
    node.log.failure("a container can't be stopped", error, { pod: pod.metadata.name, container: tracked.name }),
  );
  tracked.stop = { grace, done };
  void done.finally(() => {
    tracked.stop = undefined;
  });
}

/** Asks one container to end when it is its turn, and kills it at the end of the grace. Resolves when it has ended. */
async function stopContainer(
  node: Node,
  tracked: TrackedContainer,
  grace: Grace,
  turn?: Promise<unknown>,
): Promise<void> {
  const { run } = tracked;
  if (!run) return;
  const hadGrace = grace.leftSeconds > 0;
  if (turn) await grace.within(turn);
  const least = hadGrace && turn ? LEAST_SECONDS : 0;
  const stop = (): Promise<void> => node.runtime.stopContainer(run.id, Math.max(least, grace.leftSeconds));
  const unsubscribe = grace.onSooner(() => {
    stop().catch((error: unknown) => node.log.failure("a container can't be stopped sooner", error, { id: run.id }));
  });
  try {
    await stop();
  } finally {
    unsubscribe();
  }
}
