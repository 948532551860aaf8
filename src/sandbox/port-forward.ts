import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";
import { planFault } from "../base/fault.ts";
import { type MonitorStream, openStream } from "../linux/monitor/index.ts";
import { PlanError } from "../linux/plan/failure.ts";
import type { LiveSandbox } from "./context.ts";
import { newStreamKey, streamSession } from "./exec.ts";
import { monitorOf } from "./lookup.ts";
import { compilePortForward, LOOPBACKS } from "./port-forward-plan.ts";
import type { StreamSession } from "./types.ts";

/**
 * A TCP connection to a port of the sandbox's localhost: 127.0.0.1 first, [::1] where that refuses, as the kubelet's runtimes
 * do it. Throws ContainerNotRunning, OperationFailed, MonitorGone.
 */
export async function portForward(sandbox: LiveSandbox, port: number): Promise<StreamSession> {
  const { metadata, state } = sandbox.record;
  const pod = `${metadata.namespace}/${metadata.name}`;
  if (state !== "ready")
    throw new PodrunError("ContainerNotRunning", `pod "${pod}" is not running: its sandbox is ${state}`, {
      details: { sandbox: sandbox.record.id, state },
    });
  monitorOf(sandbox);
  const stream = openStream(join(sandbox.folder, "monitor.sock"));
  const session = streamSession(stream);
  try {
    await connect(stream, sandbox, port);
  } catch (error) {
    stream.close();
    throw wordFailure(error, pod, port);
  }
  return session;
}

/** Rejects with the first address's error when none answers: that one is what users know. */
async function connect(stream: MonitorStream, sandbox: LiveSandbox, port: number): Promise<void> {
  let first: unknown;
  for (const to of LOOPBACKS)
    try {
      const key = newStreamKey();
      const plan = compilePortForward({ network: sandbox.record.network, to, port, key });
      await stream.run(plan, { fault: planFault("port-forward") });
      return;
    } catch (error) {
      if (!(error instanceof PlanError) || error.op !== "connect") throw error;
      first ??= error;
    }
  throw first;
}

function wordFailure(error: unknown, pod: string, port: number): unknown {
  if (!(error instanceof PlanError) || error.op !== "connect") return error;
  const what = error.errno === "ECONNREFUSED" ? "nothing listens on" : "no connection to";
  const where = LOOPBACKS.join(" and ");
  return new PodrunError("OperationFailed", `pod "${pod}": ${what} port ${port} (${where}): ${error.errno}`, {
    details: { pod, port, errno: error.errno },
    cause: error,
  });
}
