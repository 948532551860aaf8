import type { ApiClient } from "../api/client.ts";
import { newNameSuffix } from "../base/ids.ts";
import type { Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { attachDebugger } from "./debug/debug-attach.ts";
import { debugFields, profileRights, readProfile } from "./debug/debug-container.ts";
import { DEBUG_OPTIONS, type Debug } from "./debug/debug-options.ts";
import { parseDetachKeys } from "./detach-keys.ts";
import { podName } from "./selection.ts";

export const command = defineCommand({
  usage: [
    "debug POD --image=IMAGE [--target=CONTAINER] [flags] [-- COMMAND…]",
    "debug POD --copy-to=NAME [--image=IMAGE] [-c NAME] [flags] [-- COMMAND…]",
    "debug node/NAME --image=IMAGE [flags] [-- COMMAND…]",
  ],
  about:
    "Look into a pod that runs, with a container that is added to it for that; into a copy of a pod; or into this machine, from a pod in its namespaces with its files below /host.",
  examples: [
    ["a shell in the pod's network", "podrun debug -it web --image=podrun.local/base"],
    [
      "among the processes of one of its containers",
      "podrun debug -it web --image=podrun.local/base --target=app -- sh",
    ],
    ["a pod that crashes, with a shell for its command", "podrun debug -it web --copy-to=web-debug -c app -- sh"],
    ["the machine", "podrun debug -it node/$(hostname) --image=podrun.local/base"],
  ],
  options: DEBUG_OPTIONS,
  run: async (debug) => {
    const { options, positionals } = debug;
    const [word, ...more] = positionals;
    if (word === undefined || more.length > 0) throw new UsageError("want exactly one pod: debug POD --image=IMAGE");
    const isCopy = options["copy-to"] !== undefined;
    if (options.image === undefined && !isCopy) throw new UsageError("--image is required: debug POD --image=IMAGE");
    if (options.tty && !options.stdin) throw new UsageError("-i/--stdin is required for containers with -t/--tty=true");
    parseDetachKeys(options["detach-keys"]);
    if (options.target !== undefined && isCopy)
      throw new UsageError("--target is incompatible with --copy-to. Use one");
    const stray = COPY_FLAGS.find((flag) => debug.given.has(flag));
    if (stray !== undefined && !isCopy) throw new UsageError(`--${stray} may only be used with --copy-to`);
    const client = await debug.connect();
    const node = /^(nodes?|no)\/(.+)$/i.exec(word)?.[2];
    if (node !== undefined) return debugNode(client, debug, node);
    const pod = await client.getPod(options.namespace, await podName(word));
    return isCopy ? debugCopy(client, debug, pod) : debugPod(client, debug, pod);
  },
});

const COPY_FLAGS = Object.keys(DEBUG_OPTIONS).filter((name) =>
  /^(replace|share-processes|set-image|keep-.*)$/.test(name),
);

async function debugPod(client: ApiClient, debug: Debug, pod: Pod): Promise<number> {
  const { options } = debug;
  const name = options.container ?? `debugger-${newNameSuffix()}`;
  if (options.target !== undefined) say(debug, `Targeting container "${options.target}".`);
  if (options.container === undefined) say(debug, `Defaulting debug container name to ${name}.`);
  const rights = profileRights(readProfile(options.profile), false);
  const container = {
    name,
    image: options.image,
    ...debugFields(debug),
    ...(options.target !== undefined && { targetContainerName: options.target }),
    ...(rights !== undefined && { securityContext: rights }),
  };
  // Only the list is taken: what else has changed since the pod was read does not matter.
  const { resourceVersion: _, ...metadata } = pod.metadata;
  const ephemeralContainers = [...(pod.spec.ephemeralContainers ?? []), container];
  await client.addEphemeralContainers({ ...pod, metadata, spec: { ...pod.spec, ephemeralContainers } } as Pod);
  return connect(client, debug, pod, name);
}

async function debugCopy(client: ApiClient, debug: Debug, pod: Pod): Promise<number> {
  const { copyPod } = await import("./debug/debug-copy.ts");
  const { options } = debug;
  const name = `debugger-${newNameSuffix()}`;
  const copy = copyPod(pod, debug, name);
  if (copy.container === name) say(debug, `Defaulting debug container name to ${name}.`);
  const made = await client.createPod(copy.pod);
  if (options.replace) await client.deletePod(pod.metadata.namespace, pod.metadata.name);
  return connect(client, debug, made, copy.container);
}

async function debugNode(client: ApiClient, debug: Debug, node: string): Promise<number> {
  const [{ nodeDebugger }, { connectObjects }] = await Promise.all([
    import("./debug/debug-node.ts"),
    import("./objects.ts"),
  ]);
  // The server's own words for a node that there is not.
  await connectObjects(debug.config).get("Node", "", node);
  if (debug.options.target !== undefined || debug.options["copy-to"] !== undefined)
    throw new UsageError("--target and --copy-to are for pods, not for a node");
  const pod = nodeDebugger(node, debug, debug.options.image as string);
  const [container] = pod.spec.containers;
  say(debug, `Creating debugging pod ${pod.metadata.name} with container ${container?.name} on node ${node}.`);
  return connect(client, debug, await client.createPod(pod), container?.name ?? "");
}

const connect = async (client: ApiClient, debug: Debug, pod: Pod, container: string): Promise<number> =>
  debug.options.attach || debug.options.stdin ? attachDebugger(client, debug, pod, container) : 0;

const say = ({ options }: Debug, text: string): void => void (options.quiet || process.stderr.write(`${text}\n`));
