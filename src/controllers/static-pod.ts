// One static pod: from a document of a manifest's file to the pod that the daemon is to have.
import { createHash } from "node:crypto";
import { timestamp } from "../base/clock.ts";
import { PodrunError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { decodePod, type ManifestDocument, type Pod, parseManifests } from "../spec/index.ts";

/** The kubelet's annotations of a static pod, and podrun's own: the file's name in the folder. */
export const CONFIG = {
  source: "kubernetes.io/config.source",
  hash: "kubernetes.io/config.hash",
  seen: "kubernetes.io/config.seen",
  mirror: "kubernetes.io/config.mirror",
  file: "podrun.io/config.file",
} as const;

export interface StaticPod {
  readonly pod: Pod;
  /** From the node, the file's path and its content: the same for as long as nothing changes. */
  readonly uid: string;
  readonly file: string;
}

export interface StaticPodContext {
  /** The node's name: pods are called NAME-NODE. */
  readonly node: string;
  readonly folder: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The pods of a file, or none: throws what {@link parseManifests} and {@link decodePod} throw, with file and line, and
 * InvalidYaml for a file without a pod.
 */
export function readStaticPods(text: Uint8Array, file: string, context: StaticPodContext): StaticPod[] {
  const path = `${context.folder}/${file}`;
  const documents = parseManifests(text, path);
  if (documents.length === 0)
    throw new PodrunError(
      "InvalidYaml",
      `${path}: no pod in it; write a manifest with apiVersion, kind, metadata and spec`,
    );
  return documents.map((document) => makeStaticPod(document, file, path, context));
}

function makeStaticPod({ object, source }: ManifestDocument, file: string, path: string, context: StaticPodContext) {
  const pod = decodePod(withNodeName(object, context.node), source);
  if (pod.metadata.name === "")
    throw new PodrunError(
      "InvalidObject",
      `${path}: metadata.name: a static pod needs a name; generateName makes none that lasts`,
    );
  const uid = hashOf(context.node, path, object);
  const annotations = {
    ...pod.metadata.annotations,
    [CONFIG.source]: "file",
    [CONFIG.hash]: uid,
    [CONFIG.seen]: timestamp(context.now),
    [CONFIG.mirror]: uid,
    [CONFIG.file]: file,
  };
  // It is this node's own: no taint keeps it away (the kubelet adds both as well).
  const tolerations = [...(pod.spec.tolerations ?? []), { operator: "Exists", effect: "NoExecute" } as const];
  const spec = { ...pod.spec, nodeName: context.node, tolerations };
  return { pod: { ...pod, spec, metadata: { ...pod.metadata, annotations } }, uid, file };
}

/** Before it is decoded, so that a name too long for both is told with its line. */
function withNodeName(object: unknown, node: string): unknown {
  const metadata: unknown = isJsonObject(object) ? object["metadata"] : undefined;
  if (
    !isJsonObject(object) ||
    !isJsonObject(metadata) ||
    typeof metadata["name"] !== "string" ||
    metadata["name"] === ""
  )
    return object;
  return { ...object, metadata: { ...metadata, name: `${metadata["name"]}-${node.toLowerCase()}` } };
}

/** Not of the decoded pod: a default that a later podrun has otherwise must not restart every pod. Comments and order count for nothing. */
function hashOf(node: string, path: string, object: unknown): string {
  const text = JSON.stringify([node, path, object], (_key, value: unknown) =>
    isJsonObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
