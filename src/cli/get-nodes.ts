// `get nodes`, and what `describe node` asks: the one node that there is.
import { HttpClient } from "../api/client-http.ts";
import { ApiError } from "../api/status.ts";
import { formatAge } from "../base/age.ts";
import type { Config } from "../base/config.ts";
import type { KubeNode } from "../spec/node.ts";
import { type Column, makeTable, type TableOptions } from "./object-table.ts";
import { formatObject, listOf, type PrintFormat } from "./print.ts";
import { wordError } from "./report.ts";

/** The nodes of these names, or all; NotFound is among the errors. */
export async function fetchNodes(config: Config, names: readonly string[], labelSelector?: string) {
  const http = new HttpClient(config);
  const errors: ApiError[] = [];
  if (names.length === 0) {
    const list = await http.json<{ items: KubeNode[] }>("GET", "/api/v1/nodes", { labelSelector });
    return { nodes: list.items, errors };
  }
  const nodes: KubeNode[] = [];
  for (const name of names)
    try {
      nodes.push(await http.json<KubeNode>("GET", `/api/v1/nodes/${encodeURIComponent(name)}`));
    } catch (error) {
      if (!(error instanceof ApiError) || error.status.reason !== "NotFound") throw error;
      errors.push(error);
    }
  return { nodes, errors };
}

/** It lies in no namespace; tables want to know one, and leave it out. */
type Listed = KubeNode & { readonly metadata: { readonly namespace: string } };
const listed = (node: KubeNode): Listed => ({ ...node, metadata: { ...node.metadata, namespace: "" } });

const addressOf = ({ status }: KubeNode, type: string): string =>
  status.addresses.find((one) => one.type === type)?.address ?? "<none>";

const isReady = ({ status }: KubeNode): string =>
  status.conditions.some(({ type, status }) => type === "Ready" && status === "True") ? "Ready" : "NotReady";

/** kubectl's columns. A role is a label that nobody gives unless PODRUN_NODE_LABELS says so. */
const COLUMNS: readonly Column<KubeNode>[] = [
  ["NAME", ({ metadata }) => metadata.name],
  ["STATUS", isReady],
  ["ROLES", ({ metadata }) => rolesOf(metadata.labels)],
  ["AGE", ({ metadata }) => formatAge(metadata.creationTimestamp, Date.now())],
  ["VERSION", ({ status }) => status.nodeInfo.kubeletVersion],
];
const WIDE: readonly Column<KubeNode>[] = [
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

export interface GetNodes {
  readonly names: readonly string[];
  readonly selector: string | undefined;
  readonly ignoreNotFound: boolean;
  readonly format: PrintFormat;
  readonly isTable: boolean;
  readonly table: TableOptions;
}

/** Answers the exit code. */
export async function getNodes(config: Config, request: GetNodes): Promise<number> {
  const { nodes, errors } = await fetchNodes(config, request.names, request.selector);
  const table = { ...request.table, namespaces: false };
  const columns = request.table.wide ? [...COLUMNS, ...WIDE] : COLUMNS;
  if (!request.isTable) {
    const one = request.names.length === 1 ? nodes[0] : undefined;
    if (request.names.length === 0 || nodes.length > 0)
      process.stdout.write(await formatObject(request.format, one ?? listOf(nodes)));
  } else if (nodes.length > 0) process.stdout.write(makeTable<Listed>(table, columns).list(nodes.map(listed)));
  else if (errors.length === 0) process.stderr.write("No resources found\n");
  if (request.ignoreNotFound) return 0;
  for (const error of errors) process.stderr.write(`${wordError(error)}\n`);
  return errors.length > 0 ? 1 : 0;
}
