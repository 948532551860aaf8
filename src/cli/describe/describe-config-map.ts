import type { ConfigMap } from "../../spec/config-map.ts";
import { formatMap } from "./describe-pod.ts";
import { layOut } from "./layout.ts";

/** A ConfigMap as `kubectl describe configmap` lays it out: texts whole, of other values the length. */
export function describeConfigMap({ metadata, data = {}, binaryData = {} }: ConfigMap): string {
  const head = layOut(
    [
      ["Name:", metadata.name],
      ["Namespace:", metadata.namespace],
      ...formatMap("Labels:", metadata.labels),
      ...formatMap("Annotations:", metadata.annotations, ": "),
    ],
    0,
  );
  const byKey = ([a]: readonly [string, string], [b]: readonly [string, string]): number => (a < b ? -1 : 1);
  const texts = Object.entries(data).sort(byKey);
  const bytes = Object.entries(binaryData).sort(byKey);
  const rows = texts.map(([key, text]) => `${key}:\n----\n${text}\n\n`);
  const binaryRows = bytes.map(([key, value]) => `${key}: ${Buffer.byteLength(value, "base64")} bytes\n`);
  return `${head}\nData\n====\n${rows.join("")}\nBinaryData\n====\n${binaryRows.join("")}`;
}
