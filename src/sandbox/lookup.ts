import { PodrunError } from "../base/errors.ts";
import type { MonitorClient } from "../linux/monitor/index.ts";
import type { Context, LiveContainer, LiveSandbox } from "./context.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";

export function findSandbox(context: Context, id: string): LiveSandbox {
  const sandbox = context.live.sandboxes.get(id);
  if (sandbox) return sandbox;
  throw new PodrunError("NotFound", `sandbox "${id}" not found`, { details: { sandbox: id } });
}

export function findContainer(context: Context, id: string): LiveContainer {
  const container = context.live.containers.get(id);
  if (container) return container;
  throw new PodrunError("NotFound", `container "${id}" not found`, { details: { container: id } });
}

export const containersOf = (context: Context, sandboxId: string): readonly LiveContainer[] =>
  context.live.containers.of(sandboxId);

/** The way to a sandbox's processes. Throws MonitorGone. */
export function monitorOf(sandbox: LiveSandbox): MonitorClient {
  if (sandbox.monitor) return sandbox.monitor;
  const { namespace, name } = sandbox.record.metadata;
  throw new PodrunError(
    "MonitorGone",
    `pod "${namespace}/${name}" has lost its monitor; its containers are being ended`,
    {
      details: { sandbox: sandbox.record.id },
    },
  );
}

/** Records a change, then takes it for true. */
export function updateSandbox(context: Context, sandbox: LiveSandbox, change: Partial<SandboxRecord>): void {
  const record = { ...sandbox.record, ...change };
  context.sandboxes.put(record);
  sandbox.record = record;
}

/**
 * What has happened is true whether it can be recorded (a full disk) or not: an exit that is not taken note of would leave
 * a pod that never ends. The next daemon learns it from the monitor again.
 */
export function noteSandbox(context: Context, sandbox: LiveSandbox, change: Partial<SandboxRecord>): void {
  sandbox.record = { ...sandbox.record, ...change };
  note(context, () => context.sandboxes.put(sandbox.record));
}

/** As {@link noteSandbox}. */
export function noteContainer(context: Context, container: LiveContainer, change: Partial<ContainerRecord>): void {
  container.record = { ...container.record, ...change };
  note(context, () => context.containers.put(container.record));
}

function note(context: Context, put: () => void): void {
  try {
    put();
  } catch (error) {
    context.log.warn("what has happened can't be recorded", { error: String(error) });
  }
}

export function updateContainer(context: Context, container: LiveContainer, change: Partial<ContainerRecord>): void {
  const record = { ...container.record, ...change };
  context.containers.put(record);
  container.record = record;
}
