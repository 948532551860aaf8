import { join } from "node:path";
import { type MonitorStream, openStream } from "../linux/monitor/index.ts";
import type { LiveSandbox } from "./context.ts";

/** Longer than most probes wait between two attempts, milliseconds. */
const KEPT_MILLIS = 30_000;

const kept = new WeakMap<LiveSandbox, { readonly stream: MonitorStream; readonly timer: NodeJS.Timeout }>();

/** A connection to the sandbox's monitor for the streams of one process: the one that was made ready, or a new one. */
export function takeStream(sandbox: LiveSandbox): MonitorStream {
  const ready = kept.get(sandbox);
  if (!ready?.stream.open) return connectTo(sandbox);
  kept.delete(sandbox);
  clearTimeout(ready.timer);
  ready.stream.ref();
  return ready.stream;
}

/**
 * Connects for the next process, when one has ended: whoever runs commands in a pod often runs another one soon (probes,
 * scripts), and connecting and greeting is an eighth of an exec. It goes by itself when nobody has come, and with its monitor.
 */
export function makeReady(sandbox: LiveSandbox): void {
  if (kept.get(sandbox)?.stream.open || !sandbox.monitor?.open) return;
  const stream = connectTo(sandbox);
  stream.unref();
  const timer = setTimeout(() => stream.close(), KEPT_MILLIS).unref();
  stream.once("closed", () => clearTimeout(timer));
  kept.set(sandbox, { stream, timer });
}

const connectTo = (sandbox: LiveSandbox): MonitorStream => openStream(join(sandbox.folder, "monitor.sock"));
