import { type Secret, secretValue } from "../../spec/secret.ts";
import { formatMap } from "./describe-pod.ts";
import { layOut } from "./layout.ts";

/** A Secret as `kubectl describe secret` lays it out: how long its values are, never what they are. */
export function describeSecret(secret: Secret): string {
  const { metadata, type, data = {} } = secret;
  const head = layOut(
    [
      ["Name:", metadata.name],
      ["Namespace:", metadata.namespace],
      ...formatMap("Labels:", metadata.labels),
      ...formatMap("Annotations:", metadata.annotations, ": "),
    ],
    0,
  );
  const keys = Object.keys(data).sort();
  const width = Math.max(0, ...keys.map((key) => key.length + 1));
  const rows = keys.map((key) => `${`${key}:`.padEnd(width)}  ${secretValue(secret, key)?.length ?? 0} bytes\n`);
  return `${head}\nType:  ${type}\n\nData\n====\n${rows.join("")}`;
}
