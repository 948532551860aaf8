// Values of ConfigMaps and Secrets as containers get them, and the kubelet's words for what is missing.
import { PodrunError } from "../base/errors.ts";
import type { ConfigMap, Secret } from "../spec/index.ts";
import type { ObjectSource } from "./types.ts";

export type ConfigKind = "ConfigMap" | "Secret";

/** Its values by key, sorted; undefined: there is no such object. */
export function findValues(
  objects: ObjectSource,
  kind: ConfigKind,
  namespace: string,
  name: string,
): ReadonlyMap<string, Buffer> | undefined {
  const object = objects.find(kind, namespace, name);
  if (object === undefined) return undefined;
  const entries = object.kind === "Secret" ? secretEntries(object) : mapEntries(object);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

type Entry = readonly [key: string, value: Buffer];

const encoded = (values: Readonly<Record<string, string>> = {}, encoding: BufferEncoding): Entry[] =>
  Object.entries(values).map(([key, value]) => [key, Buffer.from(value, encoding)]);

const secretEntries = ({ data }: Secret): Entry[] => encoded(data, "base64");

const mapEntries = ({ data, binaryData }: ConfigMap): Entry[] => [
  ...encoded(data, "utf8"),
  ...encoded(binaryData, "base64"),
];

export const missingObject = (kind: ConfigKind, namespace: string, name: string): PodrunError =>
  new PodrunError("NotFound", `${kind.toLowerCase()} "${name}" not found`, { details: { kind, namespace, name } });
