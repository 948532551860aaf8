import type { TrackedContainer } from "./tracked-container.ts";

/** What is looked at of a container to say whether those behind it may start. */
export type OrderFacts = Pick<TrackedContainer, "role" | "run" | "isStarted">;

/**
 * The containers that are to run now, or to start, or to start again, in the order of the pod (PodSpec.initContainers): init
 * containers one after the other, each when the one before has ended well; a sidecar lets the next one go when it has
 * started, and stays; when all have been passed, the pod's own containers, side by side. Pure.
 *
 * Ephemeral containers are no part of the row: they run as soon as there is a sandbox.
 *
 * Only runs of the present sandbox count: in a new one everything begins from the first init container (as under a
 * kubelet). What is behind a container and has had its turn proves that the container had been passed.
 */
export function nextContainers<T extends OrderFacts>(containers: readonly T[]): readonly T[] {
  const next: T[] = [];
  for (const [index, container] of containers.entries()) {
    if (container.role === "main" || container.role === "ephemeral") {
      next.push(container);
      continue;
    }
    const isPassed = containers.slice(index + 1).some(({ run, role }) => run !== undefined && role !== "ephemeral");
    if (container.role === "sidecar") {
      next.push(container);
      if (isPassed || container.isStarted) continue;
    } else {
      if (isPassed || isDone(container)) continue;
      next.push(container);
    }
    return [...next, ...containers.filter(({ role }) => role === "ephemeral")];
  }
  return next;
}

const isDone = ({ run }: OrderFacts): boolean => run?.state === "exited" && run.exitCode === 0;
