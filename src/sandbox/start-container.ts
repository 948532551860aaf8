import { PodrunError } from "../base/errors.ts";
import { planFault, step } from "../base/fault.ts";
import { PlanError } from "../linux/plan/failure.ts";
import { type ContainerPlanInput, compileContainer } from "./container-plan.ts";
import type { Context, LiveContainer, LiveSandbox } from "./context.ts";
import { containerCommand } from "./identity.ts";
import { monitorOf, noteContainer, updateContainer } from "./lookup.ts";
import { endContainer } from "./monitor-events.ts";
import { containerSlots } from "./slots.ts";
import { containerStatus } from "./status.ts";
import type { ContainerConfig, SandboxShape } from "./types.ts";

/** Kept of each container's log, as the kubelet does (containerLogMaxSize, containerLogMaxFiles). */
const LOG_BYTES = 10 * 1024 * 1024;
const LOG_FILES = 5;

/** Exit code of a container whose command never ran (the kubelet's, with reason StartError). */
const START_ERROR = 128;

/** Runs a created container's plan. A start that fails leaves it `exited` with reason StartError, and throws. */
export async function startContainer(context: Context, sandbox: LiveSandbox, container: LiveContainer): Promise<void> {
  const { config, record } = container;
  if (record.state !== "created" || !config) throw notStartable(container);
  const monitor = monitorOf(sandbox);
  step("container.start-intent");
  updateContainer(context, container, { state: "starting" });
  try {
    const plan = compileContainer(planInput(container, config, sandbox.record), context.facts);
    const result = await monitor.run(plan, { fault: planFault("container"), signal: container.starting.signal });
    step("container.plan-done");
    sandbox.trace.record(record.name, plan, result.results);
    // A command that ends at once may have been reported before its start was.
    if (container.record.state !== "starting") return;
    noteContainer(context, container, { state: "running", startedAt: new Date().toISOString(), pid: result.pid });
    context.emit({ type: "containerStarted", container: containerStatus(container.record) });
  } catch (error) {
    if (container.record.state === "starting") endContainer(context, container, startError(error));
    throw error;
  }
}

export function planInput(
  container: LiveContainer,
  config: ContainerConfig,
  sandbox: SandboxShape,
): ContainerPlanInput {
  const { id, cgroup, folder, identity, key, number, logPath } = container.record;
  const slots = containerSlots(number);
  const log = { logPath, logSizeBytes: LOG_BYTES, logFiles: LOG_FILES };
  return { id, config, sandbox, cgroup, folder, identity, key, slots, argv: containerCommand(config), ...log };
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
