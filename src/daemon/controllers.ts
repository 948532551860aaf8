import { Namespaces } from "../controllers/namespaces.ts";
import { StaticPods } from "../controllers/static-pods.ts";
import type { KeptObjects, Node, Pods } from "../pod/index.ts";

/** Starts what makes and ends pods by itself. Pods must have been recovered; clients come later. */
export function startControllers(node: Node, pods: Pods, objects: KeptObjects): { stop(): void } {
  const { config, facts, events, log, timers } = node;
  const namespaces = new Namespaces({ objects, pods, log, timers });
  namespaces.start();
  const staticPods = new StaticPods({ folder: config.manifests, node: facts.name, pods, events, log, timers });
  staticPods.start();
  return {
    stop: () => {
      namespaces.stop();
      staticPods.stop();
    },
  };
}
