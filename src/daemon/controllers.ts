import { StaticPods } from "../controllers/static-pods.ts";
import type { Node, Pods } from "../pod/index.ts";

/** Starts what makes pods. They must have been recovered. */
export function startControllers(node: Node, pods: Pods): { stop(): void } {
  const { config, facts, events, log, timers } = node;
  const staticPods = new StaticPods({ folder: config.manifests, node: facts.name, pods, events, log, timers });
  staticPods.start();
  return staticPods;
}
