import { openStream } from "../api/client-stream.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { parseDetachKeys } from "./detach-keys.ts";
import { STREAM_OPTIONS } from "./exec.ts";
import { podName } from "./selection.ts";
import { chooseStreams, connectStreams } from "./streams.ts";
import { terminalSize } from "./terminal.ts";

export const command = defineCommand({
  usage: ["attach POD [-c CONTAINER] [flags]"],
  about: "Connect to a container's own process, which goes on when this ends.",
  examples: [
    ["see its output from now on", "podrun attach web"],
    ["a shell that is the container's process", "podrun attach -it shell"],
  ],
  options: STREAM_OPTIONS,
  run: async ({ options, positionals, config }) => {
    const [pod, ...more] = positionals;
    if (pod === undefined || more.length > 0) throw new UsageError("want exactly one pod: attach POD");
    const detachKeys = parseDetachKeys(options["detach-keys"]);
    const streams = chooseStreams(options);
    const name = await podName(pod);
    const target = { namespace: options.namespace, pod: name, container: options.container };
    const remote = await openStream(config, { verb: "attach", ...target, ...streams });
    if (!options.quiet) {
      const defaulted = remote.defaultedContainer();
      if (defaulted !== undefined)
        process.stderr.write(`Defaulted container "${defaulted.replace(" out of", '" out of')}\n`);
      if (streams.tty && streams.stdin)
        process.stderr.write("If you don't see a command prompt, try pressing enter.\n");
    }
    const size = streams.tty ? terminalSize() : undefined;
    if (size !== undefined) {
      // The kernel signals a change only: a size that is none makes a full-screen program draw itself anew.
      remote.resize({ rows: size.rows + 1, columns: size.columns });
      remote.resize(size);
    }
    return connectStreams(remote, { ...streams, detachKeys });
  },
});
