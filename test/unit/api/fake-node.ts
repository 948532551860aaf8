import { PodrunError } from "../../../src/base/errors.ts";
import type { NodeService, NodeWatchEvent, ReplaceNodeOptions } from "../../../src/pod/types.ts";
import { recordApplied } from "../../../src/spec/metadata.ts";
import type { KubeNode } from "../../../src/spec/node.ts";

/** A node with a role, a taint and half of what it has. */
export const NODE: KubeNode = {
  apiVersion: "v1",
  kind: "Node",
  metadata: {
    name: "node",
    namespace: "",
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

/** Keeps what is written, without rules. */
export class FakeNode implements NodeService {
  node = structuredClone(NODE);
  readonly #watchers = new Set<(event: NodeWatchEvent) => void>();

  list(): readonly [KubeNode] {
    return [this.node];
  }

  get(name: string): KubeNode {
    if (name === this.node.metadata.name) return this.node;
    throw new PodrunError("NotFound", `nodes "${name}" not found`, { details: { kind: "nodes", name } });
  }

  create({ metadata: { name } }: KubeNode): never {
    if (name === "node") throw new PodrunError("AlreadyExists", `nodes "${name}" already exists`);
    throw new PodrunError("Forbidden", `nodes "${name}" is forbidden: there is one node, and it is "node"`);
  }

  replace(
    { metadata: { name, labels, annotations }, spec }: KubeNode,
    { dryRun = false, applied }: ReplaceNodeOptions = {},
  ): KubeNode {
    const { metadata } = this.get(name);
    const { podCIDR, podCIDRs } = NODE.spec;
    const resourceVersion = String(Number(metadata.resourceVersion) + 1);
    const wanted = {
      ...this.node,
      metadata: {
        ...metadata,
        labels,
        annotations,
        resourceVersion,
        ...(applied && { managedFields: recordApplied(applied) }),
      },
      spec: { ...(podCIDR && { podCIDR }), ...(podCIDRs && { podCIDRs }), ...spec },
    };
    if (dryRun) return wanted;
    this.node = wanted;
    for (const watcher of this.#watchers) watcher({ type: "MODIFIED", object: wanted });
    return wanted;
  }

  watch(listener: (event: NodeWatchEvent) => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }
}
