// The Node as the API shows it, made of facts.
import { timestamp } from "../base/clock.ts";
import {
  formatAmount,
  type KubeNode,
  type NodeCondition,
  type NodeQuantities,
  type NodeSystemInfo,
} from "../spec/index.ts";
import type { Node, NodeResources } from "./node.ts";
import type { NodeRecord } from "./node-record.ts";

/** What is of the Node alone, and no pod is told it. */
export interface NodeIdentity {
  readonly uid: string;
  /** RFC 3339: since when podrun keeps its state here. */
  readonly createdAt: string;
  /** RFC 3339: since when the daemon answers. */
  readonly readySince: string;
  readonly info: NodeSystemInfo;
}

/** The Node at this moment. Pure. */
export function buildNodeObject(
  { config, facts, pressure, timers }: Pick<Node, "config" | "facts" | "pressure" | "timers">,
  { uid, createdAt, readySince, info }: NodeIdentity,
  record: Pick<NodeRecord, "labels" | "annotations" | "managedFields" | "unschedulable" | "resourceVersion">,
): KubeNode {
  const now = timestamp(timers.wall());
  const ready = { status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" } as const;
  const conditions: NodeCondition[] = [
    ...pressure.conditions.map((one) => ({ ...one, lastHeartbeatTime: now })),
    { type: "Ready", ...ready, lastHeartbeatTime: now, lastTransitionTime: readySince },
  ];
  const taints = [
    ...facts.taints.map(({ value, ...taint }) => ({ ...taint, ...(value !== "" && { value }) })),
    ...pressure.taints,
  ];
  const { labels, annotations, managedFields, unschedulable, resourceVersion } = record;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: facts.name,
      uid,
      creationTimestamp: createdAt,
      namespace: "",
      resourceVersion,
      labels: { ...labels },
      annotations: { ...annotations },
      ...(managedFields && { managedFields }),
    },
    spec: {
      podCIDR: config.cidr4,
      podCIDRs: [config.cidr4, config.cidr6],
      ...(taints.length > 0 && { taints }),
      ...(unschedulable && { unschedulable }),
    },
    status: {
      capacity: quantitiesOf(facts.capacity),
      allocatable: quantitiesOf(facts.allocatable),
      conditions,
      addresses: [
        ...facts.addresses.map((address) => ({ type: "InternalIP", address }) as const),
        { type: "Hostname", address: facts.name },
      ],
      nodeInfo: info,
    },
  };
}

/** Memory and disk in whole Ki, as the kubelet writes them. */
function quantitiesOf(resources: NodeResources): NodeQuantities {
  const entries = Object.entries(resources) as [keyof NodeResources, number][];
  const quantity = (name: keyof NodeResources, amount: number): string =>
    name === "memory" || name === "ephemeral-storage" ? `${Math.floor(amount / 1024)}Ki` : formatAmount(name, amount);
  return Object.fromEntries(
    entries.map(([name, amount]) => [name, quantity(name, amount)] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
