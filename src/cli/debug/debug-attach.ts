import type { ApiClient } from "../../api/client.ts";
import { openStream } from "../../api/client-stream.ts";
import { ApiError } from "../../api/status.ts";
import { isTerminalPhase } from "../../spec/phase.ts";
import type { ContainerState, Pod } from "../../spec/pod.ts";
import { UsageError } from "../arguments.ts";
import { parseDetachKeys } from "../detach-keys.ts";
import { followPod } from "../follow.ts";
import { followOutput } from "../follow-output.ts";
import { chooseStreams, connectStreams } from "../streams.ts";
import { terminalSize } from "../terminal.ts";
import type { Debug } from "./debug-options.ts";

/** Connects to a container once it runs; one that has ended already is shown by its log. Answers its exit code. */
export async function attachDebugger(client: ApiClient, debug: Debug, pod: Pod, container: string): Promise<number> {
  const { options, config, signal } = debug;
  const state = await untilStarted(client, debug, pod, container);
  const target = { namespace: pod.metadata.namespace, pod: pod.metadata.name, container };
  const follow = (): Promise<void> => followOutput(client, target, signal);
  if (options.stdin && state.running !== undefined) {
    const streams = chooseStreams(options);
    try {
      const remote = await openStream(config, { verb: "attach", ...target, ...streams });
      if (streams.tty && !options.quiet)
        process.stderr.write("If you don't see a command prompt, try pressing enter.\n");
      const size = streams.tty ? terminalSize() : undefined;
      if (size !== undefined) remote.resize(size);
      const detachKeys = parseDetachKeys(options["detach-keys"]);
      return await connectStreams(remote, { ...streams, detachKeys, onSilence: follow });
    } catch (error) {
      // It ended between the look and the attach: its log has all of its output.
      if (!(error instanceof ApiError) || error.code !== "ContainerNotRunning") throw error;
    }
  }
  await follow();
  return (await untilStarted(client, debug, pod, container, true)).terminated?.exitCode ?? 0;
}

/** Its state once it runs or has ended (`ended`: only then). Throws UsageError when the pod goes before. */
async function untilStarted(
  client: ApiClient,
  { signal }: Debug,
  pod: Pod,
  container: string,
  ended = false,
): Promise<ContainerState> {
  const { namespace, name } = pod.metadata;
  let state: ContainerState = {};
  let isGone = false;
  await followPod(client, { namespace, name, timeoutMs: undefined, signal }, (now) => {
    isGone = now === undefined || isTerminalPhase(now.status.phase);
    const { ephemeralContainerStatuses = [], containerStatuses = [] } = now?.status ?? {};
    const statuses = [...ephemeralContainerStatuses, ...containerStatuses];
    const found = statuses.find((one) => one.name === container);
    // One that starts again and again has ended, too.
    state = found?.state.waiting && found.lastState.terminated ? found.lastState : (found?.state ?? {});
    return isGone || (!ended && state.running !== undefined) || state.terminated !== undefined;
  });
  if (isGone && state.terminated === undefined)
    throw new UsageError(`pod "${name}" was over or deleted before its debug container ran`);
  return state;
}
