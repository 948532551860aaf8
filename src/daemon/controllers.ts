import { Namespaces } from "../controllers/namespaces.ts";
import { StaticPods } from "../controllers/static-pods.ts";
import type { KeptObjects, Node, Pods } from "../pod/index.ts";
import { serveReadOnlyPort } from "./read-only-port.ts";

/**
 * Starts what makes and ends pods by itself, and the read-only port where it was asked for. Pods must have been recovered; clients
 * come later.
 */
export async function startControllers(node: Node, pods: Pods, objects: KeptObjects): Promise<{ stop(): void }> {
  const { config, facts, events, log, timers } = node;
  // First: a port that is taken must not leave a daemon half begun.
  const readOnly = await serveReadOnlyPort(node, pods);
  const namespaces = new Namespaces({ objects, pods, log, timers });
  namespaces.start();
  const staticPods = new StaticPods({ folder: config.manifests, node: facts.name, pods, events, log, timers });
  staticPods.start();
  return {
    stop: () => {
      readOnly.close();
      namespaces.stop();
      staticPods.stop();
    },
  };
}
