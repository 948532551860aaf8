import type { ObjectMeta } from "./metadata.ts";

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
