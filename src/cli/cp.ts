import { FilesClient } from "../api/client-files.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { type CopyOptions, parseFileSpec } from "./copy/copy-spec.ts";

export const command = defineCommand({
  usage: [
    "cp POD:PATH LOCAL [-c CONTAINER] [flags]",
    "cp LOCAL POD:PATH [-c CONTAINER] [flags]",
    "cp (NAMESPACE/POD:PATH | LOCAL) …",
  ],
  about:
    "Copy files and directories into containers and out of them, as the container's user. Images need no tar for it.",
  examples: [
    ["a file out of a pod", "podrun cp web:/etc/nginx/nginx.conf ."],
    ["a folder into a container of several", "podrun cp ./site web:/srv -c helper"],
    ["what is in a folder, into one that is there", "podrun cp ./site/. web:/srv/site"],
    ["another namespace", "podrun cp tools/web:/tmp/dump ./dump"],
  ],
  options: {
    container: { kind: "text", short: "c", value: "CONTAINER", help: "container; else the pod's first" },
    "no-preserve": { kind: "boolean", help: "new files belong to the container's user and have usual permissions" },
  },
  run: async ({ options, positionals, config }) => {
    const [first, second, ...more] = positionals;
    if (first === undefined || second === undefined || more.length > 0)
      throw new UsageError("source and destination are required: cp SOURCE DESTINATION");
    const [source, target] = [parseFileSpec(first, options.namespace), parseFileSpec(second, options.namespace)];
    const { container } = options;
    const copy: CopyOptions = {
      client: new FilesClient(config),
      preserve: !options["no-preserve"],
      warn: (text) => void process.stderr.write(`${text}\n`),
    };
    if (source.pod !== undefined && target.pod === undefined) {
      const { copyOut } = await import("./copy/copy-out.ts");
      return copyOut(copy, { ...source, pod: source.pod, container }, target.path);
    }
    if (source.pod === undefined && target.pod !== undefined) {
      const { copyIn } = await import("./copy/copy-in.ts");
      return copyIn(copy, source.path, { ...target, pod: target.pod, container });
    }
    throw new UsageError(
      "one of SOURCE and DESTINATION is to be a path in a pod, as web:/tmp/file, the other a local path",
    );
  },
});
