// The machine as an object (core/v1 Node). Its labels, annotations and taints are whoever's who writes them, and so is
// whether pods may come; the rest is made of facts whenever somebody asks.

import type { ObjectMeta } from "./metadata.ts";
import type { TAINT } from "./schema/node-fields.ts";
import type { ObjectValue } from "./schema/shape.ts";

export interface NodeTaint extends ObjectValue<typeof TAINT> {}

export interface NodeCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  /** RFC 3339. */
  lastHeartbeatTime: string;
  lastTransitionTime: string;
  reason: string;
  message: string;
}

/** core/v1 NodeSystemInfo. */
export interface NodeSystemInfo {
  readonly machineID: string;
  readonly systemUUID: string;
  readonly bootID: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly containerRuntimeVersion: string;
  /** podrun's own: it does what a kubelet does. */
  readonly kubeletVersion: string;
  readonly operatingSystem: "linux";
  /** Go's name of it. */
  readonly architecture: string;
}

/** By the name of a resource, and `pods`. */
export type NodeQuantities = Readonly<Record<string, string>>;

export interface KubeNode {
  apiVersion: "v1";
  kind: "Node";
  /** Its namespace is "": the API leaves it out. */
  metadata: ObjectMeta;
  /** Of a manifest `podCIDR` and `podCIDRs` may be absent. */
  spec: { podCIDR?: string; podCIDRs?: string[]; taints?: NodeTaint[]; unschedulable?: boolean };
  status: {
    capacity: NodeQuantities;
    allocatable: NodeQuantities;
    conditions: NodeCondition[];
    addresses: { type: "InternalIP" | "Hostname"; address: string }[];
    nodeInfo: NodeSystemInfo;
  };
}
