import { existsSync } from "node:fs";
import { join } from "node:path";
import { PodrunError } from "../base/errors.ts";
import { type Container, findPlaced, type Pod, placedContainers } from "../spec/index.ts";
import { EVICTED } from "./eviction/messages.ts";
import type { Node } from "./node.ts";
import { logDirectory } from "./sandbox-config.ts";
import type { CopyRequest, CopySession, ExecRequest, LogFile, StreamSession } from "./types.ts";
import type { PodWorker } from "./worker.ts";

/** Which container is meant when none is named (kubectl's annotation). */
const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

/** The named container's entry in the pod, else the annotated one's, else the first. Throws NotFound. */
export function findContainer({ metadata, spec }: Pod, name: string | undefined): Container {
  const wanted = name ?? metadata.annotations[DEFAULT_CONTAINER] ?? spec.containers[0]?.name;
  const found = wanted === undefined ? undefined : findPlaced(spec, wanted)?.container;
  if (found) return found;
  const names = placedContainers(spec)
    .map(({ container }) => container.name)
    .join(", ");
  throw new PodrunError("NotFound", `pod "${metadata.name}" has no container "${wanted}"; it has ${names}`, {
    details: { kind: "containers", name: wanted, pod: metadata.name, namespace: metadata.namespace },
  });
}

/** The id of a container's run that is going on. Throws NotFound, ContainerNotRunning. */
function findRunning(worker: PodWorker, name: string | undefined): string {
  const container = findContainer(worker.pod, name);
  const run = worker.runOf(container.name);
  if (run?.state === "running") return run.id;
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = worker.pod.status;
  const status = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].find(
    (one) => one.name === container.name,
  );
  const { waiting, terminated } = status?.state ?? {};
  const why = terminated
    ? `it ended with exit code ${terminated.exitCode} (${terminated.reason})`
    : `it waits: ${waiting?.reason ?? "ContainerCreating"}`;
  throw new PodrunError(
    "ContainerNotRunning",
    `container "${container.name}" of pod "${worker.pod.metadata.name}" is not running: ${why}`,
    { details: { pod: worker.pod.metadata.name, container: container.name, namespace: worker.pod.metadata.namespace } },
  );
}

export function execIn(
  node: Node,
  worker: PodWorker,
  name: string | undefined,
  request: ExecRequest,
): Promise<StreamSession> {
  return node.runtime.exec(findRunning(worker, name), request);
}

export function attachTo(
  node: Node,
  worker: PodWorker,
  name: string | undefined,
  { stdin, tty }: { readonly stdin: boolean; readonly tty: boolean },
): Promise<StreamSession> {
  const id = findRunning(worker, name);
  const container = findContainer(worker.pod, name);
  if (stdin && !container.stdin)
    throw new PodrunError(
      "BadRequest",
      `container "${container.name}" has no stdin to attach to: its "stdin" is not true`,
      {
        details: { container: container.name, field: "stdin" },
      },
    );
  if (tty && !container.tty)
    throw new PodrunError("BadRequest", `container "${container.name}" has no terminal: its "tty" is not true`, {
      details: { container: container.name, field: "tty" },
    });
  return node.runtime.attach(id, { stdin });
}

export function copyFiles(
  node: Node,
  worker: PodWorker,
  name: string | undefined,
  request: CopyRequest,
): Promise<CopySession> {
  return node.runtime.copy(findRunning(worker, name), request);
}

/** To whatever listens in the pod, whichever container it is in. Throws ContainerNotRunning, OperationFailed. */
export async function forwardTo(node: Node, worker: PodWorker, port: number): Promise<StreamSession> {
  const { metadata, status } = worker.pod;
  if (status.phase === "Running") return node.runtime.portForward(metadata.uid, port);
  throw new PodrunError(
    "ContainerNotRunning",
    `unable to forward port because pod "${metadata.name}" is not running. Current status=${status.phase}`,
    { details: { pod: metadata.name, namespace: metadata.namespace, phase: status.phase } },
  );
}

/** A container's log, of its newest run or (`previous`) of the one before. Throws NotFound. */
export function logFileOf(
  node: Node,
  worker: PodWorker,
  name: string | undefined,
  { previous, follow }: { readonly previous: boolean; readonly follow: boolean },
  exitListeners: Set<(containerId: string) => void>,
): LogFile {
  const container = findContainer(worker.pod, name);
  const newest = worker.attemptOf(container.name);
  const attempt = previous ? newest - 1 : newest;
  if (attempt < 0)
    throw new PodrunError(
      "NotFound",
      `previous terminated container "${container.name}" in pod "${worker.pod.metadata.name}" not found: it has not been restarted`,
      { details: { kind: "containers", name: container.name } },
    );
  if (!previous) requireLog(worker, container.name, follow);
  const folder = logDirectory(node.config.logs, worker.pod);
  if (worker.pod.status.reason === EVICTED && !existsSync(folder))
    throw new PodrunError(
      "NotFound",
      `the logs of pod "${worker.pod.metadata.name}" are gone: it was evicted, and the disk was nearly full`,
      { details: { kind: "pods", name: worker.pod.metadata.name } },
    );
  const run = previous ? undefined : worker.runOf(container.name);
  return {
    path: join(folder, container.name, `${attempt}.log`),
    running: () =>
      run !== undefined &&
      worker.runOf(container.name)?.id === run.id &&
      run.id !== undefined &&
      isAlive(worker, container.name),
    onEnd: (listener) => {
      const onExit = (id: string): void => {
        if (id !== run?.id) return;
        exitListeners.delete(onExit);
        listener();
      };
      exitListeners.add(onExit);
      return () => exitListeners.delete(onExit);
    },
  };
}

/** The kubelet's words for a container that has not run yet. */
function requireLog({ pod }: PodWorker, name: string, follow: boolean): void {
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status;
  const all = [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses];
  const status = all.find((one) => one.name === name);
  const reason = status?.state.waiting?.reason;
  if (reason === undefined || status?.lastState.terminated !== undefined) return;
  // It runs, and is shown as waiting until its postStart hook is done.
  if (follow && status?.containerID !== undefined) return;
  throw new PodrunError(
    "BadRequest",
    `container "${name}" in pod "${pod.metadata.name}" is waiting to start: ${reason}`,
    { details: { container: name, pod: pod.metadata.name, reason } },
  );
}

function isAlive(worker: PodWorker, name: string): boolean {
  const state = worker.runOf(name)?.state;
  return state === "running" || state === "starting" || state === "created";
}
