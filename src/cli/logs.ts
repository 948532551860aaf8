import type { ApiClient } from "../api/client.ts";
import { duration, type OptionValues, UsageError, wholeNumber } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { containerNames, followLogs, type LogStream, printLogs } from "./log-streams.ts";
import { podName } from "./selection.ts";

/** Lines of each container where a selector chooses the pods, as kubectl has it. */
const SELECTED_TAIL = 10;

const OPTIONS = {
  container: { kind: "text", short: "c", value: "CONTAINER", help: "container; else the pod's first" },
  "all-containers": { kind: "boolean", help: "of every container, init containers first" },
  selector: { kind: "text", short: "l", value: "SELECTOR", help: "of all pods with these labels: app=web,tier!=db" },
  prefix: { kind: "boolean", help: "pod and container before every line" },
  follow: { kind: "boolean", short: "f", help: "go on until the container has ended, over rotations of its log" },
  "max-log-requests": { kind: "text", value: "N", default: "5", help: "most logs to follow at once" },
  tail: { kind: "text", value: "LINES", help: "only the last so many lines; -1: all (the default; with -l: 10)" },
  timestamps: { kind: "boolean", help: "the time before every line" },
  previous: { kind: "boolean", short: "p", help: "of the container's run before this one" },
  since: { kind: "text", value: "DURATION", help: "only what is not older: 5s, 2m, 3h" },
  "since-time": { kind: "text", value: "TIME", help: "only what is not older than an RFC 3339 time" },
  "limit-bytes": { kind: "text", value: "BYTES", help: "not more than so many bytes of each container; 0: all" },
  "ignore-errors": { kind: "boolean", help: "a log that can't be read does not keep the others from being shown" },
} as const;

type Options = OptionValues<typeof OPTIONS> & { readonly namespace: string };

export const command = defineCommand({
  usage: ["logs POD [-c CONTAINER] [flags]", "logs POD CONTAINER [flags]", "logs -l SELECTOR [flags]"],
  about: "Print what containers have written to their standard output and standard error.",
  examples: [
    ["the last ten lines, and what comes", "podrun logs -f --tail=10 web"],
    ["of the run before the last restart", "podrun logs -p web -c helper"],
    ["of everything that an application runs", "podrun logs -l app=web --all-containers --prefix -f"],
  ],
  options: OPTIONS,
  run: async ({ options, positionals, signal, connect }) => {
    checkOptions(options, positionals);
    const query = logQuery(options);
    const most = wholeNumber(options["max-log-requests"], "--max-log-requests");
    const client = await connect();
    const streams = await findStreams(client, options, positionals);
    if (streams.length === 0) process.stderr.write(`No resources found in ${options.namespace} namespace.\n`);
    const onDefaulted = (text: string): void => {
      process.stderr.write(`Defaulted container "${text.replace(" out of", '" out of')}\n`);
    };
    const { prefix, follow, "ignore-errors": ignoreErrors } = options;
    const output = { query, prefix, ignoreErrors, signal, onDefaulted };
    if (!follow || streams.length < 2) await printLogs(client, streams, output);
    else if (streams.length <= most) await followLogs(client, streams, output);
    else
      throw new UsageError(
        `you are attempting to follow ${streams.length} log streams, but maximum allowed concurrency is ${most}, ` +
          "use --max-log-requests to increase the limit",
      );
    return 0;
  },
});

function checkOptions(options: Options, positionals: readonly string[]): void {
  const [target, named, ...more] = positionals;
  const { selector, container } = options;
  if (selector !== undefined && target !== undefined)
    throw new UsageError("only a selector (-l) or a POD name is allowed");
  if ((selector === undefined && target === undefined) || more.length > 0)
    throw new UsageError("expected 'logs POD [-c CONTAINER]' or 'logs -l SELECTOR'");
  if (named !== undefined && container !== undefined)
    throw new UsageError("only one of -c or an inline CONTAINER argument is allowed");
  if (options["all-containers"] && (named !== undefined || container !== undefined))
    throw new UsageError("--all-containers=true should not be specified with container name");
  if (options.since !== undefined && options["since-time"] !== undefined)
    throw new UsageError("only one of --since or --since-time may be used");
  if (options["max-log-requests"] === "0") throw new UsageError("--max-log-requests must be greater than 0");
}

function logQuery(options: Options) {
  const { follow, timestamps, previous, since } = options;
  const sinceMs = since === undefined ? undefined : duration(since, "--since");
  const limit = options["limit-bytes"];
  return {
    follow,
    timestamps,
    previous,
    tailLines: parseTail(options),
    sinceSeconds: sinceMs === undefined ? undefined : Math.ceil(sinceMs / 1000),
    sinceTime: options["since-time"],
    // Zero is no limit, as with kubectl.
    limitBytes: (limit === undefined ? 0 : wholeNumber(limit, "--limit-bytes")) || undefined,
  };
}

function parseTail({ tail, selector }: Options): number | undefined {
  if (tail === undefined) return selector === undefined ? undefined : SELECTED_TAIL;
  return tail === "-1" ? undefined : wholeNumber(tail, "--tail");
}

/** The container is left open where the daemon is to choose it; with a prefix it must be known. */
async function findStreams(
  client: ApiClient,
  options: Options,
  [target, named]: readonly string[],
): Promise<readonly LogStream[]> {
  const { namespace, selector, prefix, "all-containers": all } = options;
  const container = named ?? options.container;
  const known = container !== undefined || (!all && !prefix);
  if (target !== undefined) {
    const pod = await podName(target);
    if (known) return [{ namespace, pod, container }];
    const found = await client.getPod(namespace, pod);
    return (all ? containerNames(found) : [defaultContainer(found)]).map((one) => ({ namespace, pod, container: one }));
  }
  const { items } = await client.listPods({ namespace, labelSelector: selector });
  return items.flatMap((found) => {
    const names = all ? containerNames(found) : [container ?? defaultContainer(found)];
    return names.map((one) => ({ namespace, pod: found.metadata.name, container: one }));
  });
}

/** The daemon's own choice (src/api/default-container.ts), made here to be shown in a prefix. */
function defaultContainer({ metadata, spec }: Awaited<ReturnType<ApiClient["getPod"]>>): string | undefined {
  const annotated = metadata.annotations["kubectl.kubernetes.io/default-container"];
  const names = spec.containers.map(({ name }) => name);
  return annotated !== undefined && names.includes(annotated) ? annotated : names[0];
}
