import type { Container } from "../spec/pod.ts";
import { UsageError } from "./arguments.ts";
import { defineCommand } from "./command.ts";
import { choosePods, SET_OPTIONS, setContainers } from "./set-pods.ts";
import { splitChanges } from "./split-changes.ts";

export const command = defineCommand({
  usage: ["set image TYPE NAME… CONTAINER=IMAGE… [flags]", "set image pods (-l SELECTOR | --all) CONTAINER=IMAGE…"],
  about: "Change the images of a pod's containers; each one that changes starts anew. * is every container.",
  examples: [
    ["one container", "podrun set image pod/web nginx=nginx:1.29"],
    ["every container of every pod", "podrun set image pods --all '*=nginx:1.29'"],
  ],
  options: SET_OPTIONS,
  run: async (invocation) => {
    const { words, changes } = splitChanges(invocation.positionals, (word) => word.includes("="));
    if (changes.length === 0) throw new UsageError("at least one image update is required");
    const images = new Map(changes.map(readChange));
    const chosen = await choosePods(invocation, words);
    const names = new Set(
      chosen.pods.flatMap(({ spec }) => [...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => name)),
    );
    const unknown = [...images.keys()].find((name) => name !== "*" && !names.has(name));
    if (chosen.pods.length > 0 && unknown !== undefined)
      throw new UsageError(`unable to find container named "${unknown}"`);
    const change = (containers: readonly Container[]): readonly object[] =>
      containers.flatMap(({ name, image: before }) => {
        const image = images.get(name) ?? images.get("*");
        return image === undefined || image === before ? [] : [{ name, image }];
      });
    return setContainers(invocation, chosen, { word: "image updated", change });
  },
});

function readChange(word: string): readonly [container: string, image: string] {
  const equals = word.indexOf("=");
  const [name, image] = [word.slice(0, equals), word.slice(equals + 1)];
  if (equals < 1 || image === "") throw new UsageError(`invalid image update "${word}": want CONTAINER=IMAGE`);
  return [name, image];
}
