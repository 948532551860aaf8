import type { ApiClient } from "../api/client.ts";
import { openStream } from "../api/client-stream.ts";
import { ApiError } from "../api/status.ts";
import { isTerminalPhase } from "../spec/phase.ts";
import type { Pod } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "./detach-keys.ts";
import { DRY_RUN_OPTIONS, parseDryRun, printOutcome } from "./dry-run.ts";
import { followPod } from "./follow.ts";
import { followOutput } from "./follow-output.ts";
import { parseFormat } from "./output/print.ts";
import { makePod } from "./run-pod.ts";
import { chooseStreams, connectStreams } from "./streams.ts";
import { terminalSize } from "./terminal.ts";

const OPTIONS = {
  image: { kind: "text", value: "IMAGE", help: "the image" },
  "image-pull-policy": { kind: "text", value: "POLICY", help: "Always, IfNotPresent or Never" },
  restart: { kind: "text", value: "POLICY", default: "Always", help: "Always, OnFailure or Never" },
  env: { kind: "list", short: "e", value: "NAME=VALUE", help: "environment variable; may be repeated" },
  labels: { kind: "text", short: "l", value: "KEY=VALUE,…", help: "labels; else run=NAME" },
  annotations: { kind: "list", value: "KEY=VALUE", help: "annotation; may be repeated" },
  port: { kind: "text", value: "PORT", help: "port that the container serves" },
  privileged: { kind: "boolean", help: "with all of the machine's rights" },
  command: { kind: "boolean", help: "what follows -- is the command, not its arguments" },
  stdin: { kind: "boolean", short: "i", help: "pass standard input on" },
  tty: { kind: "boolean", short: "t", help: "give it a terminal" },
  attach: { kind: "boolean", help: "wait until it runs and connect to it; -i implies it" },
  rm: { kind: "boolean", help: "delete the pod at the end, with -i or --attach" },
  quiet: { kind: "boolean", short: "q", help: "only the process's own output" },
  "detach-keys": { kind: "text", value: "KEYS", default: DEFAULT_DETACH_KEYS, help: "keys that leave it running" },
  ...DRY_RUN_OPTIONS,
} as const;

type Run = Invocation<typeof OPTIONS>;

export const command = defineCommand({
  usage: ["run NAME --image=IMAGE [flags] [-- ARGUMENT…]", "run IMAGE [flags] [-- ARGUMENT…]"],
  about: "Run one image as a pod of one container.",
  examples: [
    ["a server", "podrun run web --image=podrun.local/base --port=8080 -- httpd -f -p 8080"],
    ["a shell for a while", "podrun run -it --rm shell --image=podrun.local/base --restart=Never -- sh"],
    ["only the manifest", "podrun run web --image=podrun.local/base --dry-run=client -o yaml"],
  ],
  options: OPTIONS,
  run: runPod,
});

async function runPod(invocation: Run): Promise<number> {
  const { options } = invocation;
  const format = parseFormat(options.output);
  const dryRun = parseDryRun(options["dry-run"]);
  const isAttaching = options.attach || options.stdin;
  if (options.rm && !isAttaching)
    throw new UsageError("--rm should only be used for attached containers: with -i or --attach");
  if (options.tty && !options.stdin) throw new UsageError("-i is required for containers with -t");
  const detachKeys = parseDetachKeys(options["detach-keys"]);
  const pod = makePod(invocation);
  if (dryRun === "client") {
    await printOutcome(format, pod, "created", dryRun);
    return 0;
  }
  const client = await invocation.connect();
  const created = await client.createPod(pod, { dryRun: dryRun === "server" });
  if (dryRun === "server" || !isAttaching) {
    await printOutcome(format, created, "created", dryRun);
    return 0;
  }
  try {
    return await attach(client, invocation, created, detachKeys);
  } finally {
    if (options.rm) await remove(client, created, options.quiet);
  }
}

/** Connects to the pod's process once it runs; one that has ended already is shown by its log. */
async function attach(client: ApiClient, invocation: Run, pod: Pod, detachKeys: Buffer): Promise<number> {
  const { options, config } = invocation;
  const { namespace, name } = pod.metadata;
  const started = await followUntil(client, invocation, pod, (now) => isRunning(now) || hasEnded(now));
  const follow = (): Promise<void> => followOutput(client, { namespace, pod: name }, invocation.signal);
  const isAlways = pod.spec.restartPolicy === "Always";
  if (options.stdin && !hasEnded(started)) {
    const streams = chooseStreams(options);
    try {
      const remote = await openStream(config, { verb: "attach", namespace, pod: name, ...streams });
      if (streams.tty && !options.quiet)
        process.stderr.write("If you don't see a command prompt, try pressing enter.\n");
      const size = streams.tty ? terminalSize() : undefined;
      if (size !== undefined) remote.resize(size);
      // A container that starts again has another run's log by then.
      const onSilence = pod.spec.restartPolicy === "Never" && { onSilence: follow };
      const code = await connectStreams(remote, { ...streams, detachKeys, ...onSilence });
      return isAlways ? code : exitCode(await followUntil(client, invocation, pod, hasEnded));
    } catch (error) {
      // It ended between the look and the attach: its log has all of its output.
      if (!(error instanceof ApiError) || error.code !== "ContainerNotRunning") throw error;
    }
  }
  await follow();
  return isAlways ? 0 : exitCode(await followUntil(client, invocation, pod, hasEnded));
}

async function followUntil(
  client: ApiClient,
  { signal }: Run,
  pod: Pod,
  isEnough: (pod: Pod) => boolean,
): Promise<Pod> {
  const { namespace, name } = pod.metadata;
  let last: Pod = pod;
  let gone = false;
  await followPod(client, { namespace, name, timeoutMs: undefined, signal }, (now) => {
    if (now === undefined) gone = true;
    else last = now;
    return gone || isEnough(last);
  });
  if (gone) throw new UsageError(`pod "${name}" was deleted before it was done`);
  return last;
}

const stateOf = (pod: Pod) => pod.status.containerStatuses?.[0]?.state;
const isRunning = (pod: Pod): boolean => stateOf(pod)?.running !== undefined;
const hasEnded = (pod: Pod): boolean => isTerminalPhase(pod.status.phase) || stateOf(pod)?.terminated !== undefined;
const exitCode = (pod: Pod): number => stateOf(pod)?.terminated?.exitCode ?? 1;

async function remove(client: ApiClient, pod: Pod, quiet: boolean): Promise<void> {
  await client.deletePod(pod.metadata.namespace, pod.metadata.name).catch((error: unknown) => {
    if (!(error instanceof ApiError) || error.status.reason !== "NotFound") throw error;
  });
  if (!quiet) process.stderr.write(`pod "${pod.metadata.name}" deleted\n`);
}
