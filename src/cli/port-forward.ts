import type { ApiClient } from "../api/client.ts";
import { openPortForward } from "../api/client-port-forward.ts";
import { PodrunError } from "../base/errors.ts";
import { isTerminalPhase } from "../spec/phase.ts";
import type { Pod } from "../spec/pod.ts";
import { duration, UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { carry, listen, parseAddresses } from "./port-listeners.ts";
import { type PortPair, parsePort } from "./port-specs.ts";
import { podName } from "./selection.ts";

export const command = defineCommand({
  usage: ["port-forward (POD | pod/NAME) [LOCAL:]REMOTE… [flags]"],
  about:
    "Carry connections from ports of this machine into a pod, to whatever listens there on localhost or on all addresses.",
  examples: [
    ["the pod's port 80 as localhost:8080", "podrun port-forward web 8080:80"],
    ["two ports as they are", "podrun port-forward web 80 443"],
    ["any free local port", "podrun port-forward web :80"],
    ["for other machines, too", "podrun port-forward --address=0.0.0.0 web 8080:80"],
    ["a port by the name that the pod gives it", "podrun port-forward pod/web 8080:http"],
  ],
  options: {
    address: { kind: "text", value: "ADDRESSES", default: "localhost", help: "where to listen, by commas" },
    "pod-running-timeout": {
      kind: "text",
      value: "DURATION",
      default: "1m",
      help: "how long to wait for the pod to run",
    },
  },
  run: async ({ options, positionals, config, signal, connect }) => {
    const [target, ...words] = positionals;
    if (target === undefined) throw new UsageError("TYPE/NAME and list of ports are required for port-forward");
    if (words.length === 0) throw new UsageError("at least 1 PORT is required for port-forward");
    const addresses = parseAddresses(options.address);
    const { namespace } = options;
    const timeoutMs = duration(options["pod-running-timeout"], "--pod-running-timeout");
    if (timeoutMs === undefined || timeoutMs === 0)
      throw new UsageError("--pod-running-timeout must be higher than zero");
    const client = await connect();
    const wanted = { namespace, name: await podName(target), timeoutMs, signal };
    const pod = await untilRunning(client, wanted);
    const pairs = words.map((word) => parsePort(word, pod));
    await listenOn(pairs, async (pair) => {
      const listening = await listen(pair, addresses, (socket, local) => {
        process.stdout.write(`Handling connection for ${local}\n`);
        const open = () => openPortForward(config, { namespace, pod: wanted.name, port: pair.remote });
        void carry(socket, open, (text) =>
          process.stderr.write(`an error occurred forwarding ${local} -> ${pair.remote}: ${text}\n`),
        );
      });
      process.stdout.write(listening.lines.join(""));
    });
    await untilLost(client, wanted, pod);
    throw new PodrunError("NotFound", "lost connection to pod");
  },
});

interface Wanted {
  readonly namespace: string;
  readonly name: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The pod, once it runs. Throws NotFound, and Timeout when it does not come to that. */
async function untilRunning(client: ApiClient, wanted: Wanted): Promise<Pod> {
  // Its absence is the server's to tell.
  let pod = await client.getPod(wanted.namespace, wanted.name);
  if (isRunning(pod)) return pod;
  const { followPod } = await import("./follow.ts");
  await followPod(client, wanted, (now) => {
    pod = now ?? pod;
    return now === undefined || now.status.phase !== "Pending";
  });
  if (isRunning(pod)) return pod;
  throw new PodrunError(
    "ContainerNotRunning",
    `unable to forward port because pod is not running. Current status=${pod.status.phase}`,
    { details: { pod: wanted.name, phase: pod.status.phase } },
  );
}

const isRunning = ({ status }: Pod): boolean => status.phase === "Running";

/** One port that can't be had does not keep the others from being forwarded; none is an error. */
async function listenOn(pairs: readonly PortPair[], start: (pair: PortPair) => Promise<void>): Promise<void> {
  let listening = 0;
  for (const pair of pairs)
    try {
      await start(pair);
      listening++;
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    }
  if (listening > 0) return;
  const list = pairs.map(({ local, remote }) => `${local}:${remote}`).join(", ");
  throw new UsageError(`unable to listen on any of the requested ports: ${list}`);
}

/** Resolves when this very pod has ended or is gone; a daemon that restarts in between is no loss. */
async function untilLost(client: ApiClient, wanted: Wanted, pod: Pod): Promise<void> {
  const { followPod } = await import("./follow.ts");
  await followPod(client, { ...wanted, timeoutMs: undefined }, (now) => {
    if (now === undefined || now.metadata.uid !== pod.metadata.uid) return true;
    return isTerminalPhase(now.status.phase);
  });
}
