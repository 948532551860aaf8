import { PodrunError } from "../base/errors.ts";
import { planFault, step } from "../base/fault.ts";
import { PlanError } from "../linux/plan/failure.ts";
import type { Context, LiveContainer, LiveSandbox } from "./context.ts";
import { explainIdmap } from "./idmap-failure.ts";
import { monitorOf, noteContainer, updateContainer } from "./lookup.ts";
import { endContainer } from "./monitor-events.ts";
import { containerStatus } from "./status.ts";

/** Exit code of a container whose command never ran (the kubelet's, with reason StartError). */
const START_ERROR = 128;

/** Runs a created container's plan. A start that fails leaves it `exited` with reason StartError, and throws. */
export async function startContainer(context: Context, sandbox: LiveSandbox, container: LiveContainer): Promise<void> {
  const { plan, record } = container;
  if (record.state !== "created" || !plan) throw notStartable(container);
  const monitor = monitorOf(sandbox);
  step("container.start-intent");
  updateContainer(context, container, { state: "starting" });
  try {
    const result = await monitor.run(plan, { fault: planFault("container"), signal: container.starting.signal });
    step("container.plan-done");
    sandbox.trace.record(record.name, plan, result.results);
    container.plan = undefined;
    // A command that ends at once may have been reported before its start was.
    if (container.record.state !== "starting") return;
    noteContainer(context, container, { state: "running", startedAt: new Date().toISOString(), pid: result.pid });
    context.emit({ type: "containerStarted", container: containerStatus(container.record) });
  } catch (cause) {
    const error = explainIdmap(cause, plan);
    if (container.record.state === "starting") endContainer(context, container, startError(error));
    throw error;
  }
}

const startError = (error: unknown) => ({
  finishedAt: new Date().toISOString(),
  exitCode: START_ERROR,
  reason: "StartError",
  message: error instanceof PlanError || error instanceof PodrunError ? error.message : String(error),
});

function notStartable({ record }: LiveContainer): PodrunError {
  return new PodrunError(
    "Conflict",
    `container "${record.name}" is ${record.state}: only a created container can be started`,
    {
      details: { container: record.id, state: record.state },
    },
  );
}
