import { PodrunError } from "../base/errors.ts";
import type { SandboxStatus } from "../sandbox/types.ts";
import { findPlaced } from "../spec/index.ts";
import { giveToGroup, ownedVolumes } from "./claims/fs-group.ts";
import { type ConfigVolumes, mountFailure } from "./config-volumes.ts";
import { nextContainers } from "./next-actions.ts";
import type { Node } from "./node.ts";
import type { PodContainers } from "./pod-containers.ts";
import { messageOf, record } from "./record.ts";
import { prepareContainer, type StartContext } from "./run-container.ts";
import { makeSandbox } from "./run-sandbox.ts";
import { setUpVolumes, type VolumeSources } from "./volumes.ts";

export type SandboxContext = Omit<StartContext, "sandbox" | "volumes">;

/**
 * Makes what a pod's containers need before they start: its volumes and its sandbox. Meanwhile the containers that start
 * first are created. Undefined: it failed, and an event says why; everything has been undone.
 */
export async function setUpPod(
  node: Node,
  containers: PodContainers,
  attempt: number,
  context: SandboxContext,
  config: ConfigVolumes,
): Promise<SandboxStatus | undefined> {
  const { pod } = context;
  let volumes: VolumeSources;
  try {
    node.claims.prepare(pod);
    volumes = setUpVolumes(pod, node);
    config.check(pod);
    const owned = ownedVolumes(pod, node);
    if (owned.length > 0) await giveToGroup(owned);
  } catch (error) {
    record(node, pod, "Warning", "FailedMount", mountFailure(error));
    return undefined;
  }
  try {
    return await makeSandbox(node, pod, attempt, (sandbox) =>
      prepare(node, containers, { ...context, volumes, sandbox }),
    );
  } catch (error) {
    await forgetPrepared(containers);
    // Whether a volume can be mounted with the pod's ids shows only in its user namespace.
    if (error instanceof PodrunError && error.details["volume"] !== undefined)
      record(node, pod, "Warning", "FailedMount", mountFailure(error));
    else record(node, pod, "Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${messageOf(error)}`);
    return undefined;
  }
}

/** Creates the containers that will be started next, while the daemon would only wait for their sandbox. */
function prepare(node: Node, containers: PodContainers, context: StartContext): void {
  for (const tracked of nextContainers(containers.all)) {
    const placed = findPlaced(context.pod.spec, tracked.name);
    if (!placed || tracked.run || tracked.end || tracked.retryAt > node.timers.now()) continue;
    tracked.prepared = prepareContainer(node, tracked, placed.container, context);
    // Whoever starts it hears of it; a sandbox that fails has its own error.
    tracked.prepared.catch(() => undefined);
  }
}

/** What was created went with its sandbox. */
async function forgetPrepared(containers: PodContainers): Promise<void> {
  for (const tracked of containers.all) {
    await Promise.allSettled([tracked.prepared]);
    if (tracked.prepared) tracked.run = undefined;
    tracked.prepared = undefined;
  }
}
