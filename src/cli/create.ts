import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { DRY_RUN_OPTIONS, parseDryRun, printOutcome } from "./dry-run.ts";
import { MANIFEST_OPTIONS, readManifests } from "./manifests.ts";
import { parseFormat } from "./print.ts";

export const command = defineCommand({
  usage: ["create -f FILE… [flags]"],
  about: "Create the pods of manifests. All files are read and checked first: one error, and nothing is created.",
  examples: [["one file", "podrun create -f pod.yaml"]],
  options: { ...MANIFEST_OPTIONS, ...DRY_RUN_OPTIONS },
  run: async (invocation) => {
    const { options, given, positionals } = invocation;
    if (positionals.length > 0) throw new UsageError(`unexpected arguments: ${positionals.join(" ")}; want -f FILE`);
    const format = parseFormat(options.output);
    const dryRun = parseDryRun(options["dry-run"]);
    const manifests = await readManifests({
      files: options.filename,
      recursive: options.recursive,
      namespace: options.namespace,
      namespaceGiven: given.has("namespace"),
    });
    if (dryRun === "client") {
      for (const { pod } of manifests) await printOutcome(format, pod, "created", dryRun);
      return 0;
    }
    const client = await invocation.connect();
    for (const { pod } of manifests) await client.createPod(pod, { dryRun: true });
    for (const { pod } of manifests) {
      const created = await client.createPod(pod, { dryRun: dryRun === "server" });
      await printOutcome(format, created, "created", dryRun);
    }
    return 0;
  },
});
