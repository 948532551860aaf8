import { duration, UsageError, wholeNumber } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { writeOut } from "./output.ts";
import { podName } from "./selection.ts";

export const command = defineCommand({
  usage: ["logs POD [-c CONTAINER] [flags]", "logs POD CONTAINER [flags]"],
  about: "Print what a container has written to its standard output and standard error.",
  examples: [
    ["the last ten lines, and what comes", "podrun logs -f --tail=10 web"],
    ["of the run before the last restart", "podrun logs -p web -c helper"],
  ],
  options: {
    container: { kind: "text", short: "c", value: "NAME", help: "container; else the pod's first" },
    "all-containers": { kind: "boolean", help: "of every container, one after the other" },
    follow: { kind: "boolean", short: "f", help: "go on until the container has ended" },
    tail: { kind: "text", value: "LINES", help: "only the last so many lines; -1: all" },
    timestamps: { kind: "boolean", help: "the time before every line" },
    previous: { kind: "boolean", short: "p", help: "of the container's run before this one" },
    since: { kind: "text", value: "DURATION", help: "only what is not older: 5s, 2m, 3h" },
    "since-time": { kind: "text", value: "TIME", help: "only what is not older than an RFC 3339 time" },
    "limit-bytes": { kind: "text", value: "BYTES", help: "not more than so many bytes" },
  },
  run: async ({ options, positionals, signal, connect }) => {
    const [target, named, ...more] = positionals;
    if (target === undefined || more.length > 0) throw new UsageError("expected 'logs POD [-c CONTAINER]'");
    if (named !== undefined && options.container !== undefined)
      throw new UsageError("only one of -c or an inline CONTAINER argument is allowed");
    if (options.since !== undefined && options["since-time"] !== undefined)
      throw new UsageError("only one of --since or --since-time may be used");
    const sinceMs = options.since === undefined ? undefined : duration(options.since, "--since");
    const query = {
      follow: options.follow,
      timestamps: options.timestamps,
      previous: options.previous,
      tailLines: parseTail(options.tail),
      sinceSeconds: sinceMs === undefined ? undefined : Math.ceil(sinceMs / 1000),
      sinceTime: options["since-time"],
      limitBytes:
        options["limit-bytes"] === undefined ? undefined : wholeNumber(options["limit-bytes"], "--limit-bytes"),
    };
    const name = await podName(target);
    const client = await connect();
    const one = named ?? options.container;
    const all = options["all-containers"]
      ? (await client.getPod(options.namespace, name)).spec.containers.map((container) => container.name)
      : [one];
    const onDefaulted = (text: string): void => {
      process.stderr.write(`Defaulted container "${text.replace(" out of", '" out of')}\n`);
    };
    for (const container of all) {
      const log = client.readLog(options.namespace, name, { ...query, container }, { signal, onDefaulted });
      for await (const chunk of log) await writeOut(chunk);
    }
    return 0;
  },
});

function parseTail(text: string | undefined): number | undefined {
  return text === undefined || text === "-1" ? undefined : wholeNumber(text, "--tail");
}
