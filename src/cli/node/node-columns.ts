import { formatAge } from "../../base/age.ts";
import type { KubeNode } from "../../spec/node.ts";
import type { Column } from "../output/object-table.ts";

const addressOf = ({ status }: KubeNode, type: string): string =>
  status.addresses.find((one) => one.type === type)?.address ?? "<none>";

const statusOf = ({ spec, status }: KubeNode): string => {
  const isReady = status.conditions.some(({ type, status }) => type === "Ready" && status === "True");
  return `${isReady ? "Ready" : "NotReady"}${spec.unschedulable ? ",SchedulingDisabled" : ""}`;
};

/** kubectl's columns. A role is a label. */
export const NODE_COLUMNS: readonly Column<KubeNode>[] = [
  ["NAME", ({ metadata }) => metadata.name],
  ["STATUS", statusOf],
  ["ROLES", ({ metadata }) => rolesOf(metadata.labels)],
  ["AGE", ({ metadata }) => formatAge(metadata.creationTimestamp, Date.now())],
  ["VERSION", ({ status }) => status.nodeInfo.kubeletVersion],
];
/** Those of `-o wide` besides. */
export const WIDE_NODE_COLUMNS: readonly Column<KubeNode>[] = [
  ["INTERNAL-IP", (node) => addressOf(node, "InternalIP")],
  ["EXTERNAL-IP", (node) => addressOf(node, "ExternalIP")],
  ["OS-IMAGE", ({ status }) => status.nodeInfo.osImage],
  ["KERNEL-VERSION", ({ status }) => status.nodeInfo.kernelVersion],
  ["CONTAINER-RUNTIME", ({ status }) => status.nodeInfo.containerRuntimeVersion],
];

const ROLE = "node-role.kubernetes.io/";

export function rolesOf(labels: Readonly<Record<string, string>>): string {
  const roles = Object.keys(labels).filter((key) => key.startsWith(ROLE));
  return (
    roles
      .map((key) => key.slice(ROLE.length))
      .sort()
      .join(",") || "<none>"
  );
}
