import type { KubeObject } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { makeConfigMap } from "./create/create-config-map.ts";
import { makeNamespaceOf } from "./create/create-namespace.ts";
import { makeSecret, SECRET_OPTIONS } from "./create/create-secret.ts";
import { DRY_RUN_OPTIONS, parseDryRun, printOutcome } from "./dry-run.ts";
import { MANIFEST_OPTIONS } from "./manifest-options.ts";
import { mayBeTried, readManifests } from "./manifests.ts";
import { connectObjects } from "./objects.ts";
import { parseFormat } from "./output/print.ts";

const OPTIONS = { ...MANIFEST_OPTIONS, ...DRY_RUN_OPTIONS, ...SECRET_OPTIONS } as const;

export const command = defineCommand({
  usage: [
    "create -f FILE… [flags]",
    "create configmap NAME [--from-literal=KEY=VALUE] [--from-file=[KEY=]PATH] [--from-env-file=PATH]",
    "create namespace NAME",
    "create secret docker-registry NAME --docker-username=USER --docker-password=PASSWORD [--docker-server=SERVER]",
    "create secret generic NAME [--from-literal=KEY=VALUE] [--from-file=[KEY=]PATH] [--from-env-file=PATH] [--type=TYPE]",
    "create secret tls NAME --cert=PATH --key=PATH",
  ],
  about:
    "Create the objects of manifests, a namespace, a ConfigMap or a Secret. All files are read and checked first: one error, and nothing is created.",
  examples: [
    ["one file", "podrun create -f pod.yaml"],
    ["the files of a folder as a ConfigMap", "podrun create configmap web --from-file=conf.d"],
    [
      "an account at a registry, for imagePullSecrets",
      "podrun create secret docker-registry example --docker-server=registry.example.com --docker-username=me --docker-password=…",
    ],
    ["the account that podrun login wrote down", "podrun create secret docker-registry example --from-file=auth.json"],
  ],
  options: OPTIONS,
  run: async (invocation) => {
    const { options } = invocation;
    const format = parseFormat(options.output);
    const dryRun = parseDryRun(options["dry-run"]);
    const objects = await readObjects(invocation);
    if (dryRun === "client") {
      for (const object of objects) await printOutcome(format, object, "created", dryRun);
      return 0;
    }
    const client = connectObjects(invocation.config);
    for (const object of objects.filter(mayBeTried(objects))) await client.create(object, { dryRun: true });
    for (const object of objects) {
      const created = await client.create(object, { dryRun: dryRun === "server" });
      await printOutcome(format, created, "created", dryRun);
    }
    return 0;
  },
});

type Make = (words: readonly string[], options: Invocation<typeof OPTIONS>["options"]) => KubeObject;

/** By the word after `create`. */
const MAKERS: Readonly<Record<string, Make>> = {
  configmap: makeConfigMap,
  cm: makeConfigMap,
  secret: makeSecret,
  namespace: makeNamespaceOf,
  ns: makeNamespaceOf,
};

async function readObjects({
  options,
  given,
  positionals,
}: Invocation<typeof OPTIONS>): Promise<readonly KubeObject[]> {
  const [what, ...words] = positionals;
  const make = what !== undefined && Object.hasOwn(MAKERS, what) ? MAKERS[what] : undefined;
  if (make !== undefined) {
    if (options.filename.length > 0) throw new UsageError(`create ${what} takes no -f`);
    return [make(words, options)];
  }
  if (what !== undefined)
    throw new UsageError(
      `unexpected arguments: ${positionals.join(" ")}; want -f FILE, configmap NAME, namespace NAME, or secret TYPE NAME`,
    );
  const manifests = await readManifests({
    files: options.filename,
    recursive: options.recursive,
    namespace: options.namespace,
    namespaceGiven: given.has("namespace"),
  });
  return manifests.map(({ object }) => object);
}
