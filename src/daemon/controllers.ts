import { join } from "node:path";
import { Namespaces } from "../controllers/namespaces.ts";
import { StaticPods } from "../controllers/static-pods.ts";
import type { CgroupLayout } from "../linux/cgroup/index.ts";
import {
  type Claims,
  type KeptObjects,
  type Node,
  type NodeService,
  observeNode,
  type Pods,
  startEvictions,
  TaintEvictions,
} from "../pod/index.ts";
import { serveReadOnlyPort } from "./read-only-port.ts";

/** What evictions stand on, beside the node. */
export interface Machine {
  readonly cgroups: CgroupLayout;
  readonly removeUnused: () => Promise<void>;
  readonly own: Pick<NodeService, "watch">;
}

/**
 * Starts what makes and ends pods by itself, and the read-only port where it was asked for. Pods must have been recovered; clients
 * come later.
 */
export async function startControllers(
  node: Node & { readonly claims: Claims },
  pods: Pods,
  objects: KeptObjects,
  { cgroups, removeUnused, own }: Machine,
): Promise<{ stop(): void }> {
  const { config, facts, events, log, timers } = node;
  // First: a port that is taken must not leave a daemon half begun.
  const readOnly = await serveReadOnlyPort(node, pods);
  node.claims.start(pods);
  const namespaces = new Namespaces({ objects, pods, log, timers });
  namespaces.start();
  const staticPods = new StaticPods({ folder: config.manifests, node: facts.name, pods, events, log, timers });
  staticPods.start();
  const places = { root: config.root, images: join(config.root, "images"), cgroups };
  const evictions = startEvictions({ node, pods, observe: () => observeNode(places), removeImages: removeUnused });
  const taints = new TaintEvictions(node, pods, () => facts.taints);
  taints.start();
  const unsubscribe = own.watch(() => {
    pods.nodeChanged();
    taints.taintsChanged();
  });
  return {
    stop: () => {
      unsubscribe();
      taints.stop();
      evictions.stop();
      readOnly.close();
      node.claims.stop();
      namespaces.stop();
      staticPods.stop();
    },
  };
}
