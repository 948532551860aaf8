import { randomInt } from "node:crypto";
import { constants } from "node:os";
import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";
import { planFault } from "../base/fault.ts";
import { failedWith } from "../linux/libc.ts";
import { exitOf, type MonitorStream, openStream } from "../linux/monitor/index.ts";
import type { Context, LiveContainer, LiveSandbox } from "./context.ts";
import { compileExec } from "./exec-plan.ts";
import { monitorOf } from "./lookup.ts";
import type { ProcessIdentity } from "./process-plan.ts";
import { makeReady, takeStream } from "./ready-stream.ts";
import { containerSlots } from "./slots.ts";
import type { ExecRequest, StreamSession } from "./types.ts";

/** Exec keys begin above every container's. */
const FIRST_EXEC_KEY = 1 << 16;
/** Begins anywhere: what an earlier daemon's exec left running still has its key. */
let nextExecKey = FIRST_EXEC_KEY + randomInt(2 ** 31);

/** A key in a monitor's table for a stream of its own. */
export const newStreamKey = (): number => nextExecKey++;

/**
 * Runs a command in a running container, its streams on a connection of their own to the monitor.
 * Throws ContainerNotRunning, CommandNotFound, CommandNotExecutable, MonitorGone.
 */
export async function exec(
  context: Context,
  sandbox: LiveSandbox,
  container: LiveContainer,
  request: ExecRequest,
): Promise<StreamSession> {
  const { record } = container;
  requireRunning(container);
  monitorOf(sandbox);
  const key = newStreamKey();
  const identity = request.tty ? withTerminal(record.identity) : record.identity;
  const slots = containerSlots(record.number);
  const users = sandbox.record.userRange;
  const plan = compileExec(
    { container: record.name, request, identity, cgroup: record.cgroup, slots, key, users },
    context.facts,
  );
  const stream = takeStream(sandbox);
  const session = streamSession(stream);
  const next = (): void => void setImmediate(() => makeReady(sandbox));
  session.exited.then(next, next);
  if (request.signal) endWith(request.signal, sandbox, key, stream);
  try {
    await stream.run(plan, { fault: planFault("exec") });
  } catch (error) {
    stream.close();
    throw error;
  }
  return session;
}

/** When the signal comes, the command is killed and its stream closed: what it has started may hold its output open. */
function endWith(signal: AbortSignal, sandbox: LiveSandbox, key: number, stream: MonitorStream): void {
  const end = (): void => {
    const kill = sandbox.monitor?.signal(key, constants.signals.SIGKILL) ?? Promise.resolve();
    // It has ended by itself, its start is being undone with its stream, or its monitor is gone: it ends all the same.
    kill.catch(() => undefined).finally(() => stream.close());
  };
  if (signal.aborted) end();
  else signal.addEventListener("abort", end);
  stream.once("closed", () => signal.removeEventListener("abort", end));
}

/** A running container's own output from now on, and its input. Throws ContainerNotRunning, MonitorGone. */
export async function attach(
  sandbox: LiveSandbox,
  container: LiveContainer,
  options: { readonly stdin: boolean },
): Promise<StreamSession> {
  requireRunning(container);
  monitorOf(sandbox);
  const stream = openStream(join(sandbox.folder, "monitor.sock"));
  const session = streamSession(stream);
  try {
    await stream.attach(container.record.key, { stdin: options.stdin && container.record.stdin });
  } catch (error) {
    stream.close();
    // Its monitor knows of its end before we do.
    if (failedWith(error, "ESRCH")) throw notRunning(container, "it has just ended");
    throw error;
  }
  return session;
}

export function requireRunning(container: LiveContainer): void {
  if (container.record.state !== "running") throw notRunning(container, container.record.state);
}

const notRunning = ({ record }: LiveContainer, why: string): PodrunError =>
  new PodrunError(
    "ContainerNotRunning",
    `container "${record.name}" is not running (${why}); only a running container can be entered`,
    { details: { container: record.name, state: record.state } },
  );

const withTerminal = (identity: ProcessIdentity): ProcessIdentity =>
  identity.env.some((entry) => entry.startsWith("TERM="))
    ? identity
    : { ...identity, env: [...identity.env, "TERM=xterm"] };

/** Listens from the start: output may come together with the plan's result. What comes before a listener is kept for it. */
export function streamSession(stream: MonitorStream): StreamSession {
  const early: { readonly to: "onStdout" | "onStderr"; readonly data: Buffer }[] = [];
  const exited = Promise.withResolvers<number>();
  // Whoever asks for it gets the rejection; nobody may have asked yet.
  exited.promise.catch(() => undefined);
  const handlers = {
    onStdout: (data: Buffer): void => void early.push({ to: "onStdout", data }),
    onStderr: (data: Buffer): void => void early.push({ to: "onStderr", data }),
  };
  stream.on("stdout", (data: Buffer) => handlers.onStdout(data));
  stream.on("stderr", (data: Buffer) => handlers.onStderr(data));
  stream.once("exited", (message) => exited.resolve(exitOf(message).code));
  stream.once("closed", (error) => exited.reject(error));
  const deliver = (to: "onStdout" | "onStderr", handler: (data: Buffer) => void): void => {
    handlers[to] = handler;
    for (const entry of early.filter((candidate) => candidate.to === to)) handler(entry.data);
  };
  return {
    write: (data) => write(stream, data),
    endStdin: () => stream.stdin.end(),
    resize: (rows, columns) => stream.resize(rows, columns),
    get onStdout() {
      return handlers.onStdout;
    },
    set onStdout(handler) {
      deliver("onStdout", handler);
    },
    get onStderr() {
      return handlers.onStderr;
    },
    set onStderr(handler) {
      deliver("onStderr", handler);
    },
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    exited: exited.promise,
    close: () => stream.close(),
  };
}

function write(stream: MonitorStream, data: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.stdin.write(data, (error) => (error ? reject(error) : resolve()));
  });
}
