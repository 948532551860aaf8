import { decodeKubeObject } from "../../spec/decode.ts";
import type { KubeObject } from "../../spec/pod.ts";
import { UsageError } from "../arguments.ts";

/** `create namespace NAME`. `words`: what came after `namespace`. Throws UsageError, InvalidObject. */
export function makeNamespaceOf(words: readonly string[]): KubeObject {
  const [name] = words;
  if (name === undefined || words.length > 1)
    throw new UsageError(`create namespace takes exactly one NAME, and got ${words.length}`);
  return decodeKubeObject({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
}
