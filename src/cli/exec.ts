import { openStream } from "../api/client-stream.ts";
import { ApiError } from "../api/status.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "./detach-keys.ts";
import { wordError } from "./report.ts";
import { podName } from "./selection.ts";
import { chooseStreams, connectStreams } from "./streams.ts";
import { terminalSize } from "./terminal.ts";

/** Flags of exec and attach. */
export const STREAM_OPTIONS = {
  container: { kind: "text", short: "c", value: "CONTAINER", help: "container; else the pod's first" },
  stdin: { kind: "boolean", short: "i", help: "pass standard input on" },
  tty: { kind: "boolean", short: "t", help: "give it a terminal" },
  quiet: { kind: "boolean", short: "q", help: "only the process's own output" },
  "detach-keys": {
    kind: "text",
    value: "KEYS",
    default: DEFAULT_DETACH_KEYS,
    help: "keys that leave it running; an empty value: none",
  },
} as const;

/** What a shell answers for a command that it can't find, or can't execute. */
const CANNOT_RUN: Readonly<Record<string, number>> = { CommandNotFound: 127, CommandNotExecutable: 126 };

export const command = defineCommand({
  usage: ["exec POD [-c CONTAINER] [flags] -- COMMAND [ARGUMENT…]"],
  about:
    "Run a command in a container. Its exit code becomes podrun's, 128 and the signal's number when a signal ended it.",
  examples: [
    ["a shell", "podrun exec -it web -- sh"],
    ["one command, in a container of several", "podrun exec web -c helper -- cat /etc/hosts"],
    ["copy a file in", "podrun exec -i web -- sh -c 'cat > /tmp/file' < file"],
  ],
  options: STREAM_OPTIONS,
  run: async ({ options, positionals, rest, config }) => {
    const [pod, ...words] = positionals;
    if (pod === undefined) throw new UsageError("pod or type/name must be specified");
    if (words.length > 0)
      throw new UsageError("exec [POD] [COMMAND] is not supported. Use exec [POD] -- [COMMAND] instead");
    if (rest === undefined || rest.length === 0)
      throw new UsageError("you must specify at least one command for the container");
    const detachKeys = parseDetachKeys(options["detach-keys"]);
    const streams = chooseStreams(options);
    try {
      const remote = await openStream(config, {
        verb: "exec",
        namespace: options.namespace,
        pod: await podName(pod),
        container: options.container,
        command: rest,
        ...streams,
        size: streams.tty ? terminalSize() : undefined,
      });
      const defaulted = remote.defaultedContainer();
      if (defaulted !== undefined && !options.quiet)
        process.stderr.write(`Defaulted container "${defaulted.replace(" out of", '" out of')}\n`);
      return await connectStreams(remote, { ...streams, detachKeys });
    } catch (error) {
      const code = error instanceof ApiError ? CANNOT_RUN[error.code] : undefined;
      if (code === undefined) throw error;
      process.stderr.write(`${wordError(error)}\n`);
      return code;
    }
  },
});
