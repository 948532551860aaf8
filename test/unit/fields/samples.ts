// Two different right values of any field, and manifests in which it can stand.
import type { Format } from "../../../src/spec/schema/format.ts";
import type { ObjectType, Row } from "../../../src/spec/schema/shape.ts";
import { type Place, put, typesOf } from "./walk.ts";

type Pair = readonly [unknown, unknown];

const BY_FORMAT: Readonly<Partial<Record<Format, Pair>>> = {
  absolutePath: ["/a", "/b"],
  appArmorProfile: ["one", "two"],
  capability: ["NET_ADMIN", "SYS_TIME"],
  hostPath: ["/a", "/b"],
  image: ["podrun.local/base", "podrun.local/other"],
  ip: ["192.0.2.7", "192.0.2.8"],
  mountPath: ["/one", "/two"],
  seLinuxLevel: ["s0:c1,c2", "s0-s0:c0.c1023"],
  seLinuxName: ["one_t", "two_t"],
  sysctlName: ["net.ipv4.ip_forward", "net.core.somaxconn"],
};

/** Values that the rows alone do not know to be right. */
const BY_NAME: Readonly<Record<string, Pair>> = {
  "PodSpec.dnsPolicy": ["Default", "None"],
  "ResourceFieldSelector.containerName": ["main", "second"],
  "ResourceFieldSelector.divisor": ["1", "1m"],
  "LabelSelectorRequirement.operator": ["In", "NotIn"],
  "LabelSelectorRequirement.values": [["x"], ["y"]],
  "PodAffinityTerm.topologyKey": ["kubernetes.io/hostname", "a"],
  "ObjectFieldSelector.fieldPath": ["metadata.name", "metadata.uid"],
  "ResourceList.memory": ["1Mi", "2Mi"],
  "ResourceList.ephemeral-storage": ["1Mi", "1000Ti"],
  "ResourceList.hugepages-2Mi": ["2Mi", "4Mi"],
  "ResourceList.hugepages-1Gi": ["1Gi", "2Gi"],
  "NodeSelectorRequirement.values": [["x"], ["y"]],
};

export function samples(name: string, row: Row): Pair {
  const known = BY_NAME[name];
  if (known !== undefined) return known;
  switch (row.kind) {
    case "flag":
      return row.only === undefined ? [true, false] : [row.only[0], undefined];
    case "integer":
      return [row.min ?? 1, (row.min ?? 1) + 1];
    case "port":
      return [80, 81];
    case "quantity":
      return ["1", "2"];
    case "list": {
      const [a, b] = samples(name, row.of);
      return [[a], [b]];
    }
    case "map":
      return [{ a: "x" }, { a: "y" }];
    case "text": {
      const values = row.only ?? row.values;
      if (values !== undefined) return [values[0], values[1]];
      return (row.format && BY_FORMAT[row.format]) ?? ["a", "b"];
    }
    default:
      throw new TypeError(`${name}: no value of its own`);
  }
}

/** The smallest pod in which the place can stand: what is required on the way is there. */
export function podWith(place: Place): object {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", uid: "u" },
    spec: { containers: [{ name: "main", image: "podrun.local/base" }] },
  };
  const types = [...typesOf().values()].filter(
    ({ place: at }) => at.length > 0 && at.every((step, index) => step === place[index]),
  );
  for (const { type, place: at } of types) fillRequired(pod, type, at);
  return pod;
}

function fillRequired(pod: object, type: ObjectType, place: Place): void {
  put(pod, [...place, "_"], undefined);
  // biome-ignore lint/suspicious/noExplicitAny: a manifest of any shape is being made
  const object = place.reduce((at: any, step) => at[step], pod);
  delete object["_"];
  for (const [key, row] of Object.entries(type.fields))
    if (row.required && row.kind !== "object" && object[key] === undefined) {
      const element = row.kind === "list" && row.of.kind === "object";
      object[key] = element ? [] : samples(`${type.name}.${key}`, row)[0];
    }
}
