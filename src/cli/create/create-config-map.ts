// `create configmap NAME`: a ConfigMap from flags and files, as kubectl makes it.
import { isUtf8 } from "node:buffer";
import { decodeKubeObject } from "../../spec/decode.ts";
import type { KubeObject } from "../../spec/pod.ts";
import { setField } from "../../spec/set-field.ts";
import { type OptionValues, UsageError } from "../arguments.ts";
import { type DATA_OPTIONS, readData } from "./data-sources.ts";

type Options = OptionValues<typeof DATA_OPTIONS> & { readonly namespace: string };

/** `words`: what came after `configmap`. What is no UTF-8 goes into binaryData. Throws UsageError, BadRequest (a file), InvalidObject. */
export function makeConfigMap(words: readonly string[], options: Options): KubeObject {
  const [name] = words;
  if (name === undefined || words.length > 1)
    throw new UsageError(`create configmap takes exactly one NAME, and got ${words.length}`);
  const data: Record<string, string> = {};
  const binaryData: Record<string, string> = {};
  for (const [key, value] of readData(options))
    if (isUtf8(value)) setField(data, key, value.toString("utf8"));
    else setField(binaryData, key, value.toString("base64"));
  const metadata = { name, namespace: options.namespace };
  return decodeKubeObject({ apiVersion: "v1", kind: "ConfigMap", metadata, data, binaryData });
}
