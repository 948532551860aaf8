// A followed log of a container that is being made begins with its first run.
import type { PodService } from "../pod/types.ts";
import type { Pod } from "../spec/pod.ts";

/** What a container waits for that is on its way; whatever else it waits for is told instead (kubelet's words). */
const ON_ITS_WAY: ReadonlySet<string> = new Set(["ContainerCreating", "PodInitializing"]);

/** Whether nothing has run of the container yet and something will. */
function isOnItsWay({ metadata, status }: Pod, container: string | undefined): boolean {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = status;
  const all = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
  const found = all.find(({ name }) => name === container);
  // After the failure of an init container nothing runs any more, and the others are shown as waiting for good.
  const isOver = status.phase === "Failed" || status.phase === "Succeeded";
  if (found === undefined || isOver || metadata.deletionTimestamp !== undefined) return false;
  // One with an id runs already, and is shown as waiting until its postStart hook is done.
  return ON_ITS_WAY.has(found.state.waiting?.reason ?? "") && found.containerID === undefined;
}

/** Resolves when the container is on its way no longer, its pod is gone, or at the signal. Throws NotFound. */
export async function untilRun(
  pods: Pick<PodService, "get" | "watch">,
  {
    namespace,
    name,
    container,
  }: { readonly namespace: string; readonly name: string; readonly container: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const pod = pods.get(namespace, name);
  if (!isOnItsWay(pod, container)) return;
  const begun = Promise.withResolvers<void>();
  const unwatch = pods.watch(({ type, object }) => {
    if (object.metadata.uid === pod.metadata.uid && (type === "DELETED" || !isOnItsWay(object, container)))
      begun.resolve();
  });
  signal.addEventListener("abort", () => begun.resolve());
  if (signal.aborted) return unwatch();
  await begun.promise;
  unwatch();
}
