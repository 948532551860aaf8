// labelSelector and fieldSelector of list and watch requests, as one predicate.
import { PodrunError } from "../base/errors.ts";
import { parseLabelSelector } from "../spec/labels.ts";
import type { Pod } from "../spec/pod.ts";

export type PodFilter = (pod: Pod) => boolean;

/** The pod fields that the API server's field selectors know, as far as podrun has them. */
const POD_FIELDS: Readonly<Record<string, (pod: Pod) => string>> = {
  "metadata.name": (pod) => pod.metadata.name,
  "metadata.namespace": (pod) => pod.metadata.namespace,
  "spec.restartPolicy": (pod) => pod.spec.restartPolicy,
  "status.phase": (pod) => pod.status.phase,
  "status.podIP": (pod) => pod.status.podIP ?? "",
};

/** Reads `namespace`, `labelSelector` and `fieldSelector` into one predicate. Throws BadRequest. */
export function podFilter(namespace: string | undefined, query: URLSearchParams): PodFilter {
  const fields = parseFieldSelector(query.get("fieldSelector") ?? "");
  for (const { field } of fields)
    if (POD_FIELDS[field] === undefined)
      throw new PodrunError(
        "BadRequest",
        `field selector "${field}" is not supported for pods: want one of ${Object.keys(POD_FIELDS).join(", ")}`,
      );
  const labelText = query.get("labelSelector") ?? "";
  const labels = labelText === "" ? () => true : parseLabelSelector(labelText);
  return (pod) =>
    (namespace === undefined || pod.metadata.namespace === namespace) &&
    labels(pod.metadata.labels) &&
    fields.every(({ field, value, equal }) => (POD_FIELDS[field]?.(pod) === value) === equal);
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
