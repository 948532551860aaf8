// labelSelector and fieldSelector of list and watch requests, as one predicate.
import { hostname } from "node:os";
import { PodrunError } from "../base/errors.ts";
import { type KindName, kindNames } from "../spec/kinds.ts";
import { parseLabelSelector } from "../spec/labels.ts";
import type { KubeObject } from "../spec/pod.ts";
import { nodeOf } from "../spec/pod-row.ts";

/** The fields that the API server's field selectors know, as far as podrun has them. */
const FIELDS: { readonly [K in KindName]: Readonly<Record<string, (object: Kind<K>) => string>> } = {
  ConfigMap: {},
  Namespace: { "status.phase": (namespace) => namespace.status.phase },
  Node: { "spec.unschedulable": ({ spec }) => String(spec.unschedulable ?? false) },
  PersistentVolume: {},
  PersistentVolumeClaim: {},
  Pod: {
    "spec.nodeName": (pod) => nodeOf(pod, hostname()) ?? "",
    "spec.restartPolicy": (pod) => pod.spec.restartPolicy,
    "spec.schedulerName": (pod) => pod.spec.schedulerName,
    "spec.serviceAccountName": (pod) => pod.spec.serviceAccountName ?? "default",
    "spec.hostNetwork": (pod) => String(pod.spec.hostNetwork ?? false),
    "status.phase": (pod) => pod.status.phase,
    "status.podIP": (pod) => pod.status.podIP ?? "",
  },
  PriorityClass: {},
  Secret: { type: (secret) => secret.type },
  StorageClass: {},
};

const META_FIELDS: Readonly<Record<string, (object: KubeObject) => string>> = {
  "metadata.name": ({ metadata }) => metadata.name,
  "metadata.namespace": ({ metadata }) => metadata.namespace,
};

type Kind<K extends KindName> = Extract<KubeObject, { kind: K }>;

/** Reads `namespace`, `labelSelector` and `fieldSelector` into one predicate. Throws BadRequest. */
export function objectFilter<K extends KindName>(
  kind: K,
  namespace: string | undefined,
  query: URLSearchParams,
): (object: Kind<K>) => boolean {
  const known: Readonly<Record<string, (object: Kind<K>) => string>> = { ...META_FIELDS, ...FIELDS[kind] };
  const terms = parseFieldSelector(query.get("fieldSelector") ?? "");
  for (const { field } of terms)
    if (known[field] === undefined)
      throw new PodrunError(
        "BadRequest",
        `field selector "${field}" is not supported for ${kindNames(kind).plural}: want one of ${Object.keys(known).join(", ")}`,
      );
  const labelText = query.get("labelSelector") ?? "";
  const labels = labelText === "" ? () => true : parseLabelSelector(labelText);
  return (object) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    labels(object.metadata.labels) &&
    terms.every(({ field, value, equal }) => (known[field]?.(object) === value) === equal);
}

export interface FieldTerm {
  readonly field: string;
  readonly value: string;
  readonly equal: boolean;
}

/** `a=b,c==d,e!=f`. Throws BadRequest. */
export function parseFieldSelector(text: string): readonly FieldTerm[] {
  return text
    .split(",")
    .map((term) => term.trim())
    .filter((term) => term !== "")
    .map((term) => {
      const parts = /^([^=!]+?)\s*(!=|==|=)\s*([^=!]*)$/.exec(term);
      if (parts === null)
        throw new PodrunError("BadRequest", `invalid field selector "${term}": want FIELD=VALUE or FIELD!=VALUE`);
      return { field: parts[1] ?? "", value: parts[3] ?? "", equal: parts[2] !== "!=" };
    });
}
