// The machine as an object (core/v1 Node). Nobody writes it: it is made of facts whenever somebody asks.

import type { Quantities } from "./resources.ts";

export interface NodeTaint {
  key: string;
  value?: string;
  effect: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
}

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

export type NodeQuantities = Quantities & { readonly pods?: string };

export interface KubeNode {
  apiVersion: "v1";
  kind: "Node";
  metadata: {
    name: string;
    uid: string;
    creationTimestamp: string;
    resourceVersion: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
  };
  spec: { podCIDR: string; podCIDRs: string[]; taints?: NodeTaint[] };
  status: {
    capacity: NodeQuantities;
    allocatable: NodeQuantities;
    conditions: NodeCondition[];
    addresses: { type: "InternalIP" | "Hostname"; address: string }[];
    nodeInfo: NodeSystemInfo;
  };
}
