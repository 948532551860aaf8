import { withoutEmptyNamespace } from "./decode-namespace.ts";
import { decodeObject, newDecoding } from "./decode-object.ts";
import { defaultMetadata } from "./defaults.ts";
import type { KubeNode, NodeSystemInfo } from "./node.ts";
import type { Reading } from "./problem.ts";
import { NODE } from "./schema/node-fields.ts";
import { validateMetadata } from "./validate-metadata.ts";
import { validateNode } from "./validate-node.ts";

const UNKNOWN: NodeSystemInfo = {
  machineID: "",
  systemUUID: "",
  bootID: "",
  kernelVersion: "",
  osImage: "",
  containerRuntimeVersion: "",
  kubeletVersion: "",
  operatingSystem: "linux",
  architecture: "",
};

/** A Node, or its problems. Its status is empty: only podrun writes it. */
export function readNode(raw: unknown): Reading<KubeNode> {
  const decoding = newDecoding();
  const node = decodeObject(NODE, withoutEmptyNamespace(raw), "", decoding) as unknown as KubeNode;
  if (!decoding.sound) return { problems: decoding.problems };
  node.metadata = defaultMetadata({ ...node.metadata, namespace: "" });
  node.status = { capacity: {}, allocatable: {}, conditions: [], addresses: [], nodeInfo: UNKNOWN };
  const problems = [...decoding.problems, ...validateMetadata(node.metadata), ...validateNode(node)];
  return problems.length > 0 ? { problems } : { object: node, problems };
}
