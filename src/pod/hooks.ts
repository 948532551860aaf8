import { step } from "../base/fault.ts";
import type { Container, LifecycleHandler, Pod } from "../spec/index.ts";
import type { Grace } from "./grace.ts";
import { runHandler } from "./handlers/run-handler.ts";
import type { Node } from "./node.ts";
import { record } from "./record.ts";
import type { TrackedContainer } from "./tracked-container.ts";

/** Runs a container's preStop hook, as long as the grace lasts (Lifecycle.preStop). What goes wrong is an event only. */
export async function runPreStop(
  node: Node,
  pod: Pod,
  container: Container,
  tracked: TrackedContainer,
  grace: Grace,
): Promise<void> {
  const hook = container.lifecycle?.preStop;
  if (!hook) return;
  step("pod.pre-stop");
  const failure = await runHook(node, pod, container, tracked, hook, grace);
  step("pod.pre-stopped");
  if (failure === undefined || !tracked.isRunning) return;
  record(node, pod, "Warning", "FailedPreStopHook", `PreStopHook failed: ${failure}`, tracked.name);
}

/** Why it failed; undefined: it did not. It ends with the container, and with the grace. */
export async function runHook(
  node: Node,
  pod: Pod,
  container: Container,
  tracked: TrackedContainer,
  hook: LifecycleHandler,
  grace?: Grace,
): Promise<string | undefined> {
  const { run } = tracked;
  if (!run) return undefined;
  const abort = new AbortController();
  const late = "it was not done in time";
  tracked.hooks.add(abort);
  try {
    const work = runHandler(hook, { node, pod, container, run }, abort.signal, late);
    if (grace && !(await grace.within(work))) {
      abort.abort();
      return hook.sleep ? undefined : late;
    }
    const { result, message, status } = await work;
    // An answer is an answer: the kubelet looks at its status code in probes only.
    return result === "success" || result === "warning" || status !== undefined ? undefined : message;
  } finally {
    tracked.hooks.delete(abort);
  }
}
