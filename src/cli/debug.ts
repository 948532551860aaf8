import type { ApiClient } from "../api/client.ts";
import { openStream } from "../api/client-stream.ts";
import { ApiError } from "../api/status.ts";
import { newNameSuffix } from "../base/ids.ts";
import type { ContainerState, Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "./detach-keys.ts";
import { followPod } from "./follow.ts";
import { followOutput } from "./follow-output.ts";
import { podName } from "./selection.ts";
import { chooseStreams, connectStreams } from "./streams.ts";
import { terminalSize } from "./terminal.ts";

const OPTIONS = {
  image: { kind: "text", value: "IMAGE", help: "the image of the debug container" },
  "image-pull-policy": { kind: "text", value: "POLICY", help: "Always, IfNotPresent or Never" },
  container: { kind: "text", short: "c", value: "NAME", help: "name of the debug container; else debugger-xxxxx" },
  target: { kind: "text", value: "CONTAINER", help: "see this container's processes" },
  env: { kind: "list", value: "NAME=VALUE", help: "environment variable; may be repeated" },
  stdin: { kind: "boolean", short: "i", help: "pass standard input on" },
  tty: { kind: "boolean", short: "t", help: "give it a terminal" },
  attach: { kind: "boolean", help: "wait until it runs and connect to it; -i implies it" },
  quiet: { kind: "boolean", short: "q", help: "only the process's own output" },
  "detach-keys": { kind: "text", value: "KEYS", default: DEFAULT_DETACH_KEYS, help: "keys that leave it running" },
} as const;

type Debug = Invocation<typeof OPTIONS>;

export const command = defineCommand({
  usage: ["debug POD --image=IMAGE [--target=CONTAINER] [flags] [-- COMMAND…]"],
  about: "Look into a pod that runs, with a container that is added to it for that.",
  examples: [
    ["a shell in the pod's network", "podrun debug -it web --image=podrun.local/base"],
    [
      "among the processes of one of its containers",
      "podrun debug -it web --image=podrun.local/base --target=app -- sh",
    ],
  ],
  options: OPTIONS,
  run: debugPod,
});

async function debugPod(invocation: Debug): Promise<number> {
  const { options, positionals, config } = invocation;
  const [word, ...more] = positionals;
  if (word === undefined || more.length > 0) throw new UsageError("want exactly one pod: debug POD --image=IMAGE");
  if (options.image === undefined) throw new UsageError("--image is required: debug POD --image=IMAGE");
  if (options.tty && !options.stdin) throw new UsageError("-i/--stdin is required for containers with -t/--tty=true");
  const detachKeys = parseDetachKeys(options["detach-keys"]);
  const name = options.container ?? `debugger-${newNameSuffix()}`;
  const client = await invocation.connect();
  const pod = await client.getPod(options.namespace, await podName(word));
  const say = (text: string): void => void (options.quiet || process.stderr.write(`${text}\n`));
  if (options.target !== undefined) say(`Targeting container "${options.target}".`);
  if (options.container === undefined) say(`Defaulting debug container name to ${name}.`);
  const before = pod.spec.ephemeralContainers ?? [];
  const container = debugContainer(invocation, name, options.image);
  // Only the list is taken: what else has changed since the pod was read does not matter.
  const { resourceVersion: _, ...metadata } = pod.metadata;
  const wanted = { ...pod, metadata, spec: { ...pod.spec, ephemeralContainers: [...before, container] } };
  await client.addEphemeralContainers(wanted as Pod);
  if (!options.attach && !options.stdin) return 0;

  const state = await untilStarted(client, invocation, pod, name);
  const { namespace } = pod.metadata;
  const target = { namespace, pod: pod.metadata.name, container: name };
  const follow = (): Promise<void> => followOutput(client, target, invocation.signal);
  if (options.stdin && state.running !== undefined) {
    const streams = chooseStreams(options);
    try {
      const remote = await openStream(config, { verb: "attach", ...target, ...streams });
      if (streams.tty) say("If you don't see a command prompt, try pressing enter.");
      const size = streams.tty ? terminalSize() : undefined;
      if (size !== undefined) remote.resize(size);
      return await connectStreams(remote, { ...streams, detachKeys, onSilence: follow });
    } catch (error) {
      // It ended between the look and the attach: its log has all of its output.
      if (!(error instanceof ApiError) || error.code !== "ContainerNotRunning") throw error;
    }
  }
  await follow();
  return (await untilStarted(client, invocation, pod, name, true)).terminated?.exitCode ?? 0;
}

function debugContainer({ options, rest }: Debug, name: string, image: string): object {
  const env = options.env.map((text) => {
    const equals = text.indexOf("=");
    if (equals <= 0) throw new UsageError(`--env: "${text}" is no pair: want NAME=VALUE`);
    return { name: text.slice(0, equals), value: text.slice(equals + 1) };
  });
  return {
    name,
    image,
    ...(rest !== undefined && rest.length > 0 && { command: rest }),
    ...(env.length > 0 && { env }),
    ...(options["image-pull-policy"] !== undefined && { imagePullPolicy: options["image-pull-policy"] }),
    ...(options.target !== undefined && { targetContainerName: options.target }),
    ...(options.stdin && { stdin: true, stdinOnce: true }),
    ...(options.tty && { tty: true }),
  };
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
    isGone = now === undefined || now.status.phase === "Succeeded" || now.status.phase === "Failed";
    state = now?.status.ephemeralContainerStatuses?.find((one) => one.name === container)?.state ?? {};
    return isGone || (!ended && state.running !== undefined) || state.terminated !== undefined;
  });
  if (isGone && state.terminated === undefined)
    throw new UsageError(`pod "${name}" was over or deleted before its debug container ran`);
  return state;
}
