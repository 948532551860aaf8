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
): KubeNode {
  const now = timestamp(timers.wall());
  const ready = { status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" } as const;
  const conditions: NodeCondition[] = [
    ...pressure.conditions.map((one) => ({ ...one, lastHeartbeatTime: now })),
    { type: "Ready", ...ready, lastHeartbeatTime: now, lastTransitionTime: readySince },
  ];
  const taints = [
    ...facts.taints.map(({ key, value, effect }) => ({ key, ...(value !== "" && { value }), effect })),
    ...pressure.taints,
  ];
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: facts.name,
      uid,
      creationTimestamp: createdAt,
      resourceVersion: String(timers.wall()),
      labels: { ...facts.labels },
      annotations: {},
    },
    spec: { podCIDR: config.cidr4, podCIDRs: [config.cidr4, config.cidr6], ...(taints.length > 0 && { taints }) },
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
