import { findPlaced, type Pod } from "../spec/index.ts";
import { Grace } from "./grace.ts";
import { runPreStop } from "./hooks.ts";
import type { Node } from "./node.ts";
import { record } from "./record.ts";
import type { Stop, TrackedContainer } from "./tracked-container.ts";

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
    ends.push(stopContainer(node, pod, tracked, grace, turn));
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
  const done = stopContainer(node, pod, tracked, grace).catch((error: unknown) =>
    node.log.failure("a container can't be stopped", error, { pod: pod.metadata.name, container: tracked.name }),
  );
  const stop = { grace, done };
  tracked.stop = stop;
  void done.finally(() => {
    if (tracked.stop === stop) tracked.stop = undefined;
  });
}

/**
 * Runs a container's preStop hook, asks it to end when it is its turn, and kills it at the end of the grace. Resolves when it
 * has ended.
 */
async function stopContainer(
  node: Node,
  pod: Pod,
  tracked: TrackedContainer,
  grace: Grace,
  turn?: Promise<unknown>,
): Promise<void> {
  const { run, stop: before } = tracked;
  if (!run) return;
  // Its end has begun already, with its hook: that one goes on, and the grace of both is the shorter one.
  if (before) return endSooner(before, grace);
  const hadGrace = grace.leftSeconds > 0;
  const container = findPlaced(pod.spec, tracked.name)?.container;
  const hasHook = container?.lifecycle?.preStop !== undefined && hadGrace;
  if (hasHook) await runPreStop(node, pod, container, tracked, grace);
  if (turn) await grace.within(turn);
  const least = hadGrace && (hasHook || turn) ? LEAST_SECONDS : 0;
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

/** An end that goes on, by the deadline of another one when that is sooner. */
async function endSooner(stop: Stop, grace: Grace): Promise<void> {
  const bring = (): void => stop.grace.sooner(grace.deadline);
  bring();
  const unsubscribe = grace.onSooner(bring);
  await stop.done;
  unsubscribe();
}
