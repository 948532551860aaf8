import type { Pod } from "../spec/index.ts";
import type { Node } from "./node.ts";

/** So long may work on a pod go on that is to end, before its sandbox is ended under it. */
const ABORT_MILLIS = 2000;

/** A start that hangs (a stopped actor, a mount that waits for a server) must not keep a pod from its end. */
export function abortStart(node: Node, { metadata }: Pod, graceSeconds: number, isStarting: () => boolean): void {
  node.timers.after(Math.min(graceSeconds * 1000, ABORT_MILLIS), () => {
    if (!isStarting()) return;
    node.runtime
      .stopSandbox(metadata.uid)
      .catch((error: unknown) => node.log.failure("abort start", error, { pod: metadata.name }));
  });
}
