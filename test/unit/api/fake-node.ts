import type { KubeNode } from "../../../src/spec/node.ts";

/** A node with a role, a taint and half of what it has. */
export const NODE: KubeNode = {
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: "node",
    uid: "u",
    creationTimestamp: "2026-01-01T00:00:00Z",
    resourceVersion: "1",
    labels: { disk: "ssd", "node-role.kubernetes.io/worker": "" },
    annotations: {},
  },
  spec: {
    podCIDR: "10.77.0.0/16",
    podCIDRs: ["10.77.0.0/16", "fd77::/64"],
    taints: [{ key: "dedicated", value: "db", effect: "NoSchedule" }],
  },
  status: {
    capacity: { cpu: "2", memory: "4194304Ki", pods: "1100" },
    allocatable: { cpu: "1", memory: "2097152Ki", pods: "1100" },
    conditions: [
      {
        type: "Ready",
        status: "True",
        lastHeartbeatTime: "2026-01-01T00:00:00Z",
        lastTransitionTime: "2026-01-01T00:00:00Z",
        reason: "KubeletReady",
        message: "kubelet is posting ready status",
      },
    ],
    addresses: [
      { type: "InternalIP", address: "192.0.2.1" },
      { type: "Hostname", address: "node" },
    ],
    nodeInfo: {
      machineID: "m",
      systemUUID: "s",
      bootID: "b",
      kernelVersion: "6.18.0",
      osImage: "Debian",
      containerRuntimeVersion: "podrun://0.0.1",
      kubeletVersion: "v0.0.1",
      operatingSystem: "linux",
      architecture: "amd64",
    },
  },
};
