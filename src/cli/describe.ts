import type { ApiClient } from "../api/client.ts";
import type { OtherKind, OtherObject } from "../api/client-objects.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand, type Invocation } from "./command.ts";
import { describeConfigMap } from "./describe/describe-config-map.ts";
import { describeNamespace } from "./describe/describe-namespace.ts";
import { describePod } from "./describe/describe-pod.ts";
import { describeSecret } from "./describe/describe-secret.ts";
import { connectObjects } from "./objects.ts";
import { parseAnySelection } from "./selection.ts";

const OPTIONS = {
  selector: { kind: "text", short: "l", value: "SELECTOR", help: "pods with these labels" },
  "show-events": { kind: "boolean", default: true, help: "what happened to it, too" },
} as const;

export const command = defineCommand({
  usage: ["describe TYPE [NAME…] [flags]", "describe TYPE -l SELECTOR"],
  about:
    "Show a pod in detail: its containers, their states, and what happened to it; or a ConfigMap, the keys of a Secret, a claim, its volume, its class.",
  examples: [
    ["one pod", "podrun describe pod web"],
    ["the machine, and what pods have asked of it", "podrun describe node"],
    ["a Secret, without its values", "podrun describe secret registry"],
  ],
  options: OPTIONS,
  run: async (invocation) => {
    const { options, positionals } = invocation;
    const { kind, names } = await parseAnySelection(positionals);
    if (names.length > 0 && options.selector !== undefined)
      throw new UsageError("name cannot be provided when a selector is specified");
    if (kind !== "Pod") return describeKept(invocation, kind, names);
    const client = await invocation.connect();
    const pods = await fetch(client, invocation, names);
    if (pods.length === 0) process.stderr.write(`No resources found in ${options.namespace} namespace.\n`);
    for (const [index, pod] of pods.entries()) {
      const selector = `involvedObject.name=${pod.metadata.name},involvedObject.uid=${pod.metadata.uid}`;
      const events = options["show-events"] ? await client.listEvents(pod.metadata.namespace, selector) : undefined;
      process.stdout.write(`${index === 0 ? "" : "\n\n"}${describePod(pod, events, Date.now())}`);
    }
    return 0;
  },
});

async function describeKept(
  invocation: Invocation<typeof OPTIONS>,
  kind: OtherKind,
  names: readonly string[],
): Promise<number> {
  const { options, config } = invocation;
  const client = connectObjects(config);
  const { namespace, selector: labelSelector } = options;
  const objects =
    names.length > 0
      ? await Promise.all(names.map((name) => client.get(kind, namespace, name)))
      : await client.list(kind, { namespace, labelSelector });
  if (objects.length === 0) process.stderr.write(`No resources found in ${namespace} namespace.\n`);
  const described = await Promise.all(objects.map((object) => describeObject(object, invocation)));
  process.stdout.write(described.join("\n\n"));
  return 0;
}

async function describeObject(object: OtherObject, invocation: Invocation<typeof OPTIONS>): Promise<string> {
  if (object.kind === "Namespace") return describeNamespace(object);
  if (object.kind === "Secret") return describeSecret(object);
  if (object.kind === "ConfigMap") return describeConfigMap(object);
  if (object.kind === "PriorityClass")
    return (await import("./describe/describe-priority-class.ts")).describePriorityClass(object);
  const client = await invocation.connect();
  if (object.kind === "Node") {
    const { describeNode } = await import("./describe/describe-node.ts");
    const isAsked = invocation.options["show-events"];
    const events = isAsked ? await client.listEvents(undefined, "involvedObject.kind=Node") : undefined;
    return describeNode(object, (await client.listPods({})).items, events, Date.now());
  }
  const { describeStorage } = await import("./describe/describe-storage.ts");
  return describeStorage(object, {
    pods:
      object.kind === "PersistentVolumeClaim"
        ? (await client.listPods({ namespace: object.metadata.namespace })).items
        : [],
    events: await client.listEvents(
      object.metadata.namespace || "default",
      `involvedObject.uid=${object.metadata.uid}`,
    ),
    now: Date.now(),
  });
}

async function fetch(client: ApiClient, { options }: Invocation<typeof OPTIONS>, names: readonly string[]) {
  if (names.length > 0) return Promise.all(names.map((name) => client.getPod(options.namespace, name)));
  const list = await client.listPods({ namespace: options.namespace, labelSelector: options.selector });
  return list.items;
}
