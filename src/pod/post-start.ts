import { step } from "../base/fault.ts";
import type { Container, Pod } from "../spec/index.ts";
import { runHook } from "./hooks.ts";
import type { Node } from "./node.ts";
import { record } from "./record.ts";
import { beginStop } from "./stop-containers.ts";
import type { TrackedContainer } from "./tracked-container.ts";

/**
 * Runs a container's postStart hook beside everything else (Lifecycle.postStart): until it is done the container does not
 * count as running, and when it fails the container is ended. It has no time limit but the container's own life.
 * `changed` is called when it is done.
 */
export function beginPostStart(
  node: Node,
  pod: Pod,
  container: Container,
  tracked: TrackedContainer,
  changed: () => void,
): void {
  const { run } = tracked;
  const hook = container.lifecycle?.postStart;
  if (!run || !hook || tracked.hook !== "due") return;
  tracked.hook = "runs";
  step("pod.post-start");
  void runHook(node, pod, container, tracked, hook).then((failure) => {
    if (tracked.run?.id !== run.id || tracked.run.state !== "running") return;
    if (failure === undefined) {
      tracked.hook = undefined;
      step("pod.post-started");
      return changed();
    }
    tracked.hook = "failed";
    record(node, pod, "Warning", "FailedPostStartHook", `PostStartHook failed: ${failure}`, tracked.name);
    beginStop(node, pod, tracked, "FailedPostStartHook");
  });
}
