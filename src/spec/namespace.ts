import { decodeObject, isObject, newDecoding } from "./decode-object.ts";
import { defaultMetadata } from "./defaults.ts";
import type { ObjectMeta } from "./pod.ts";
import type { Reading } from "./problem.ts";
import { NAMESPACE } from "./schema/namespace-fields.ts";
import type { ObjectValue } from "./schema/shape.ts";
import { validateMetadata } from "./validate-metadata.ts";

/** A Namespace as every module sees it. Its `metadata.namespace` is ""; the API leaves it out. */
export interface Namespace {
  apiVersion: "v1";
  kind: "Namespace";
  metadata: ObjectMeta;
  spec: { finalizers: "kubernetes"[] };
  /** Terminating: what is in it goes, and nothing new comes. */
  status: { phase: "Active" | "Terminating" };
}

/** Those that exist always, and can't be deleted. */
export const PERMANENT_NAMESPACES: readonly string[] = ["default", "kube-system"];

/** The label that every namespace has (LabelMetadataName). */
const NAME_LABEL = "kubernetes.io/metadata.name";

/** A Namespace, or its problems. */
export function readNamespace(raw: unknown): Reading<Namespace> {
  const decoding = newDecoding();
  const decoded = decodeObject(NAMESPACE, withoutEmpty(raw), "", decoding) as unknown as ObjectValue<typeof NAMESPACE>;
  if (!decoding.sound) return { problems: decoding.problems };
  const metadata = defaultMetadata({ ...decoded.metadata, namespace: "" } as ObjectMeta);
  const problems = [...decoding.problems, ...validateMetadata(metadata)];
  return problems.length > 0 ? { problems } : { object: makeNamespace(metadata), problems };
}

/** `namespace: ""` is as none (Go's omitempty): it is how podrun itself holds one. */
function withoutEmpty(raw: unknown): unknown {
  if (!isObject(raw) || !isObject(raw["metadata"]) || raw["metadata"]["namespace"] !== "") return raw;
  const { namespace: _, ...metadata } = raw["metadata"];
  return { ...raw, metadata };
}

/** An active one with this metadata, and the label that says its name. */
export function makeNamespace(metadata: ObjectMeta): Namespace {
  const labels = metadata.name === "" ? metadata.labels : { ...metadata.labels, [NAME_LABEL]: metadata.name };
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { ...metadata, labels },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  };
}
