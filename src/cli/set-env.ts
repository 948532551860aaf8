import type { Container, EnvVar } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { choosePods, SET_OPTIONS, setContainers } from "./set-pods.ts";
import { splitChanges } from "./split-changes.ts";

const OPTIONS = {
  ...SET_OPTIONS,
  list: { kind: "boolean", help: "print the variables that the manifest has" },
  containers: { kind: "text", short: "c", value: "CONTAINER", default: "*", help: "only this container's" },
} as const;

export const command = defineCommand({
  usage: ["set env TYPE NAME… --list [-c CONTAINER]", "set env TYPE NAME… NAME=VALUE… [NAME-…]"],
  about:
    "Print the variables of a pod's containers. A change is refused, as the API server refuses it: env of a pod never changes.",
  examples: [["what the manifest gives", "podrun set env pod/web --list"]],
  options: OPTIONS,
  run: async (invocation) => {
    const { options, positionals } = invocation;
    const isChange = (word: string): boolean => word.includes("=") || /^\w+-$/.test(word);
    const { words, changes } = splitChanges(positionals, isChange);
    const isMeant = ({ name }: Container): boolean => options.containers === "*" || name === options.containers;
    if (changes.length === 0 && !options.list)
      throw new UsageError("at least one environment variable must be provided");
    const chosen = await choosePods(invocation, words);
    if (changes.length > 0) {
      const env = changes.map(readChange);
      const change = (containers: readonly Container[]): readonly object[] =>
        containers.filter(isMeant).map(({ name }) => ({ name, env }));
      return setContainers(invocation, chosen, { word: "env updated", change });
    }
    for (const { metadata, spec } of chosen.pods)
      for (const { name, env = [] } of [...spec.containers, ...(spec.initContainers ?? [])].filter(isMeant))
        process.stdout.write([`# pods ${metadata.name}, container ${name}`, ...env.map(wordVariable), ""].join("\n"));
    return chosen.failed ? 1 : 0;
  },
});

/** A strategic merge patch's entry. */
function readChange(word: string): object {
  const equals = word.indexOf("=");
  if (equals === -1) return { name: word.slice(0, -1), $patch: "delete" };
  return { name: word.slice(0, equals), value: word.slice(equals + 1) };
}

/** kubectl's line; what comes from elsewhere is a remark. */
function wordVariable({ name, value = "", valueFrom }: EnvVar): string {
  if (valueFrom === undefined) return `${name}=${value}`;
  const { configMapKeyRef, secretKeyRef, fieldRef, fileKeyRef, resourceFieldRef } = valueFrom;
  if (configMapKeyRef) return `# ${name} from configmap ${configMapKeyRef.name}, key ${configMapKeyRef.key}`;
  if (secretKeyRef) return `# ${name} from secret ${secretKeyRef.name}, key ${secretKeyRef.key}`;
  if (fileKeyRef) return `# ${name} from file ${fileKeyRef.path}, key ${fileKeyRef.key}`;
  if (fieldRef) return `# ${name} from field path ${fieldRef.fieldPath}`;
  return `# ${name} from resource ${resourceFieldRef?.resource ?? "?"}`;
}
